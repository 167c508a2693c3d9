// What networks are made of.
#include "Shim.hpp"

#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

using namespace shim;

namespace {

/// Attention with a graph in half precision on the CPU, computed in float32 where the products are small.
///
/// On its way back libtorch multiplies halves head by head and block by block, and oneDNN prepares each product anew: for 64
/// sequences of 64 positions 9.1 ms there and back on a Zen 4, where float32 takes 2.1.
std::optional<at::Tensor> recordedAttention(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const std::optional<at::Tensor> &mask, bool causal,
    double scale) {
    constexpr int64_t mostProducts = 1 << 17;
    if (!c10::GradMode::is_enabled() || !q.is_cpu() || q.dim() != 4 || k.dim() != 4
        || !(q.requires_grad() || k.requires_grad() || v.requires_grad()) || q.size(2) * k.size(2) > mostProducts)
        return std::nullopt;
    const bool casts = at::autocast::is_autocast_enabled(at::kCPU) && q.scalar_type() == at::kFloat;
    const at::ScalarType type = casts ? at::autocast::get_autocast_dtype(at::kCPU) : q.scalar_type();
    if (!at::isReducedFloatingType(type)) return std::nullopt;
    c10::impl::ExcludeDispatchKeyGuard withoutAutocast(c10::autocast_dispatch_keyset);
    std::optional<at::Tensor> wide = mask;
    if (wide && wide->scalar_type() != at::kBool) wide = wide->to(at::kFloat);
    return at::scaled_dot_product_attention(
               q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), wide, /*dropout_p=*/0.0, causal, scale)
        .to(type);
}

}  // namespace

extern "C" {

ct_tensor *ct_linear(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, ct_error **error) {
    return make(error, [&] { return at::linear(x->value, weight->value, optional(bias)); });
}

ct_tensor *ct_embedding(const ct_tensor *table, const ct_tensor *indices, ct_error **error) {
    return make(error, [&] { return at::embedding(table->value, indices->value); });
}

ct_tensor *ct_convolution(
    const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, long stride, long padding, long dilation,
    long groups, ct_error **error) {
    return make(error, [&] {
        if (c10::GradMode::is_enabled() && weight->value.dim() == 4 && stride == 1 && padding == 1 && dilation == 1
            && groups == 1)
            if (auto own = recordedWinograd(x->value, weight->value, bias ? bias->value : at::Tensor())) return *own;
        return weight->value.dim() == 3
            ? at::conv1d(x->value, weight->value, optional(bias), stride, padding, dilation, groups)
            : at::conv2d(x->value, weight->value, optional(bias), stride, padding, dilation, groups);
    });
}

ct_tensor *ct_transposed_convolution(
    const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, long stride, long padding, long output_padding,
    long groups, ct_error **error) {
    return make(error, [&] {
        return at::conv_transpose2d(
            x->value, weight->value, optional(bias), stride, padding, output_padding, groups);
    });
}

ct_tensor *ct_group_norm(
    const ct_tensor *x, long groups, const ct_tensor *weight, const ct_tensor *bias, double epsilon,
    ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        // With channels innermost libtorch's kernel for the CPU takes a variance as E[x²] − E[x]² in one pass: where the mean
        // is thirty deviations away, a hundredth of float32's digits are left. Ours does not.
        if (takesNorm(x->value)) {
            auto value = [](const ct_tensor *t) { return t ? t->value : at::Tensor(); };
            return groupNorm(x->value, {}, groups, value(weight), value(bias), epsilon, {}, {}, false);
        }
        return at::group_norm(x->value, groups, optional(weight), optional(bias), epsilon);
    });
}

ct_tensor *ct_layer_norm(
    const ct_tensor *x, const long *shape, int32_t rank, const ct_tensor *weight, const ct_tensor *bias,
    double epsilon, ct_error **error) {
    return make(error, [&] {
        return at::layer_norm(x->value, list(shape, rank), optional(weight), optional(bias), epsilon);
    });
}

ct_tensor *ct_attention(
    const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, const ct_tensor *mask, bool causal, double scale,
    ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        if (!mask && !causal)
            if (auto own = attention(q->value, k->value, v->value, scale)) return *own;
        if (auto wide = recordedAttention(q->value, k->value, v->value, optional(mask), causal, scale)) return *wide;
        return at::scaled_dot_product_attention(
            q->value, k->value, v->value, optional(mask), /*dropout_p=*/0.0, causal, scale);
    });
}

ct_tensor *ct_libtorch_attention(const ct_tensor *q, const ct_tensor *k, const ct_tensor *v, ct_error **error) {
    return make(error, [&] { return at::scaled_dot_product_attention(q->value, k->value, v->value); });
}

ct_tensor *ct_average_pool(const ct_tensor *x, long size, ct_error **error) {
    return make(error, [&] { return at::avg_pool2d(x->value, size); });
}

ct_tensor *ct_resize(const ct_tensor *x, long height, long width, int32_t mode, bool antialias, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        int64_t size[] = {height, width};
        switch (mode) {
            case 0: return at::upsample_nearest2d(x->value, size);
            case 1:
                return antialias ? at::_upsample_bilinear2d_aa(x->value, size, false)
                                 : at::upsample_bilinear2d(x->value, size, false);
            case 2:
                return antialias ? at::_upsample_bicubic2d_aa(x->value, size, false)
                                 : at::upsample_bicubic2d(x->value, size, false);
            default: TORCH_CHECK(false, "unknown way to resize ", mode);
        }
    });
}

ct_tensor *ct_pixel_shuffle(const ct_tensor *x, long factor, ct_error **error) {
    return make(error, [&] {
        // libtorch divides by the square, which must not wrap to zero.
        TORCH_CHECK(factor > 0 && factor < (1L << 31), "pixel_shuffle expects a factor of 1 to 2^31, not ", factor);
        return at::pixel_shuffle(x->value, factor);
    });
}
ct_tensor *ct_pixel_unshuffle(const ct_tensor *x, long factor, ct_error **error) {
    return make(error, [&] { return at::pixel_unshuffle(x->value, factor); });
}
ct_tensor *ct_pad(const ct_tensor *x, const long *pairs, int32_t n, double value, ct_error **error) {
    return make(error, [&] { return at::constant_pad_nd(x->value, list(pairs, n), value); });
}

ct_tensor *ct_dropout(const ct_tensor *x, double p, ct_generator *generator, ct_error **error) {
    return make(error, [&] {
        TORCH_CHECK(p >= 0 && p < 1, "a dropout probability in [0, 1), not ", p);
        // Drawn on the generator's device, so that a run does not depend on the device it computes on.
        auto mask = at::empty(x->value.sizes(), at::device(generator->value.device()).dtype(x->value.scalar_type()));
        mask.bernoulli_(1 - p, generator->value).div_(1 - p);
        return at::mul(x->value, mask.to(x->value.device()));
    });
}

ct_tensor *ct_mse_loss(const ct_tensor *x, const ct_tensor *target, bool mean, ct_error **error) {
    return make(error, [&] {
        return at::mse_loss(x->value, target->value, mean ? at::Reduction::Mean : at::Reduction::None);
    });
}

ct_tensor *ct_cross_entropy(const ct_tensor *logits, const ct_tensor *classes, ct_error **error) {
    return make(error, [&] { return at::cross_entropy_loss(logits->value, classes->value); });
}

}  // extern "C"
