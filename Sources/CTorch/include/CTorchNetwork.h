/* What networks are made of. Included by CTorch.h. */

ct_tensor *ct_linear(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias_or_null, ct_error **error);
ct_tensor *ct_embedding(const ct_tensor *table, const ct_tensor *indices, ct_error **error);
ct_tensor *ct_convolution(
    const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias_or_null, long stride, long padding,
    long dilation, long groups, ct_error **error); /* 1-D or 2-D, by the rank of the weight */
ct_tensor *ct_transposed_convolution(
    const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias_or_null, long stride, long padding,
    long output_padding, long groups, ct_error **error);
ct_tensor *ct_group_norm(
    const ct_tensor *x, long groups, const ct_tensor *weight_or_null, const ct_tensor *bias_or_null, double epsilon,
    ct_error **error);
ct_tensor *ct_layer_norm(
    const ct_tensor *x, const long *shape, int32_t rank, const ct_tensor *weight_or_null,
    const ct_tensor *bias_or_null, double epsilon, ct_error **error);
/* softmax(q·kᵀ·scale + mask)·v over [..., length, width]; the mask is boolean (true takes part) or additive. */
ct_tensor *ct_attention(
    const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, const ct_tensor *mask_or_null, bool causal,
    double scale, ct_error **error);
/* By libtorch's own operation, never by our kernels; the scale is 1/√width. For comparison. */
ct_tensor *ct_libtorch_attention(const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, ct_error **error);
ct_tensor *ct_average_pool(const ct_tensor *x, long size, ct_error **error);
/* `mode`: 0 nearest, 1 bilinear, 2 bicubic; corners not aligned. */
ct_tensor *ct_resize(const ct_tensor *x, long height, long width, int32_t mode, bool antialias, ct_error **error);
ct_tensor *ct_pixel_shuffle(const ct_tensor *x, long factor, ct_error **error);
ct_tensor *ct_pixel_unshuffle(const ct_tensor *x, long factor, ct_error **error);
/* Constant padding; pairs of (before, after) from the last dimension on. */
ct_tensor *ct_pad(const ct_tensor *x, const long *pairs, int32_t n, double value, ct_error **error);
/* Zeroes each element with probability p and divides the rest by 1 − p; drawn from the generator. */
ct_tensor *ct_dropout(const ct_tensor *x, double p, ct_generator *generator, ct_error **error);
ct_tensor *ct_mse_loss(const ct_tensor *x, const ct_tensor *target, bool mean, ct_error **error);
ct_tensor *ct_cross_entropy(const ct_tensor *logits, const ct_tensor *classes, ct_error **error);
