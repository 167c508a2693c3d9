/* Several steps of a network in one pass, where no graph is recorded. Included by CTorch.h. */

/* Whether what follows takes this picture: on the CPU, float32 or bfloat16, channels innermost, no graph recorded. */
bool ct_fuses_group_norm(const ct_tensor *x);
/* SiLU(norm(x + offset) · (1 + scale) + shift); offset, scale and shift hold a number for each picture's channels. */
ct_tensor *ct_group_norm_silu(
    const ct_tensor *x, const ct_tensor *offset_or_null, long groups, const ct_tensor *weight_or_null,
    const ct_tensor *bias_or_null, double epsilon, const ct_tensor *scale_or_null, const ct_tensor *shift_or_null,
    ct_error **error);

bool ct_fuses_gated_gelu(const ct_tensor *x);
/* The first half of each row times GELU of the second. */
ct_tensor *ct_gated_gelu(const ct_tensor *x, ct_error **error);

/* Whether this libtorch has oneDNN's convolutions for weights of this type. */
bool ct_packs_convolutions(int32_t dtype);
/* A weight [out, in, k, k] as oneDNN's kernels read it for inputs of this shape [N, C, H, W]; opaque, for the next only. */
ct_tensor *ct_pack_convolution(const ct_tensor *weight, long stride, long padding, const long *input, ct_error **error);
/* Without a graph. */
ct_tensor *ct_packed_convolution(
    const ct_tensor *x, const ct_tensor *packed, const ct_tensor *bias_or_null, long stride, long padding,
    ct_error **error);
