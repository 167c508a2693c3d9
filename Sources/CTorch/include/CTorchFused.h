/* Several steps of a network in one pass; where nothing else is said, without a graph. Included by CTorch.h. */

/* Whether what follows takes this picture: on the CPU, float32 or bfloat16, channels innermost. */
bool ct_fuses_group_norm(const ct_tensor *x);
/* norm(x + offset) · (1 + scale) + shift, through SiLU where asked for; offset, scale and shift hold a number for each
   picture's channels. Gradients are recorded where they are on. */
ct_tensor *ct_fused_group_norm(
    const ct_tensor *x, const ct_tensor *offset_or_null, long groups, const ct_tensor *weight_or_null,
    const ct_tensor *bias_or_null, double epsilon, const ct_tensor *scale_or_null, const ct_tensor *shift_or_null,
    bool silu, ct_error **error);

bool ct_fuses_gated_gelu(const ct_tensor *x);
/* The first half of each row times GELU of the second. */
ct_tensor *ct_gated_gelu(const ct_tensor *x, ct_error **error);

/* Whether this is an x86 processor with AVX-512's products of bfloat16 and bytes: on others, libtorch's own operations emulate
   bfloat16. */
bool ct_has_bfloat16(void);
/* Whether the processor's products of bfloat16 are faster than float32's. */
bool ct_has_fast_bfloat16(void);

/* Whether there is a product of our own for this type; of bytes: of whole numbers of 8 bits. */
bool ct_has_product(int32_t dtype, bool bytes);
/* A weight [out, in]: opaque, for the next only. Gated: the first half of what comes out times GELU of the second. */
ct_tensor *ct_pack_product(const ct_tensor *weight, bool gated, bool bytes, ct_error **error);
/* Without a graph; x is [..., in] of the weight's type, out the weight's rows. The caller sees to `in`: a packed weight tells
   it only to whole words. */
ct_tensor *ct_product(
    const ct_tensor *x, const ct_tensor *packed, const ct_tensor *bias_or_null, long out, bool gated, bool bytes,
    ct_error **error);

/* Whether a convolution of 3x3 with stride 1 and padding 1 can be computed by Winograd's minimal filtering. */
bool ct_has_winograd(int32_t dtype, long in, long out);
/* A weight [out, in, 3, 3], transformed: opaque, for the next only. */
ct_tensor *ct_pack_winograd(const ct_tensor *weight, ct_error **error);
/* x is [N, in, H, W] with channels innermost, of the weight's type. */
ct_tensor *ct_winograd(
    const ct_tensor *x, const ct_tensor *packed, const ct_tensor *bias_or_null, long out, ct_error **error);

/* Whether this libtorch has oneDNN's convolutions for weights of this type. */
bool ct_packs_convolutions(int32_t dtype);
/* A weight [out, in, k, k] as oneDNN's kernels read it for inputs of this shape [N, C, H, W]; opaque, for the next only. */
ct_tensor *ct_pack_convolution(const ct_tensor *weight, long stride, long padding, const long *input, ct_error **error);
/* Without a graph. */
ct_tensor *ct_packed_convolution(
    const ct_tensor *x, const ct_tensor *packed, const ct_tensor *bias_or_null, long stride, long padding,
    ct_error **error);
