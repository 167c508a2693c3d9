// Gradients, autocast and the optimizer's fused steps.
#include "Shim.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

using namespace shim;

namespace {

/// Whether equal places of two tensors are equal places of their memory; steps of dimensions of one entry do not matter.
bool isLaidOutAlike(const at::Tensor &a, const at::Tensor &b) {
    if (a.sizes() != b.sizes()) return false;
    for (int64_t d = 0; d < a.dim(); ++d)
        if (a.size(d) > 1 && a.stride(d) != b.stride(d)) return false;
    return true;
}

}  // namespace

extern "C" {

bool ct_set_requires_grad(const ct_tensor *t, bool on, ct_error **error) {
    return run(error, [&] { at::Tensor(t->value).set_requires_grad(on); });
}
bool ct_requires_grad(const ct_tensor *t) { return t->value.requires_grad(); }
ct_tensor *ct_detach(const ct_tensor *t, ct_error **error) {
    return make(error, [&] { return t->value.detach(); });
}

bool ct_backward(const ct_tensor *loss, const ct_tensor *seed, ct_error **error) {
    return run(error, [&] {
        std::vector<at::Tensor> seeds;
        if (seed) seeds.push_back(seed->value);
        torch::autograd::backward({loss->value}, seeds);
    });
}

ct_tensor *ct_gradient(const ct_tensor *leaf) {
    const auto &gradient = leaf->value.grad();
    return gradient.defined() ? own(at::Tensor(gradient)) : nullptr;
}

void ct_clear_gradient(const ct_tensor *leaf) { at::Tensor(leaf->value).mutable_grad() = at::Tensor(); }

bool ct_set_gradient(const ct_tensor *leaf, const ct_tensor *gradient, ct_error **error) {
    return run(error, [&] {
        const auto &value = leaf->value, &given = gradient->value;
        TORCH_CHECK(
            given.sizes() == value.sizes() && given.scalar_type() == value.scalar_type()
                && given.device() == value.device(),
            "a gradient of shape ", given.sizes(), " in ", given.scalar_type(), " for a tensor of shape ", value.sizes(),
            " in ", value.scalar_type());
        at::Tensor(value).mutable_grad() = given;
    });
}

bool ct_gradients_of(
    const ct_tensor *output, const ct_tensor *seed, ct_tensor *const *inputs, int32_t n, ct_tensor **out,
    ct_error **error) {
    return run(error, [&] {
        std::vector<at::Tensor> seeds;
        if (seed) seeds.push_back(seed->value);
        auto gradients = torch::autograd::grad(
            {output->value}, vector(inputs, n), seeds, std::nullopt, false, /*allow_unused=*/true);
        for (int32_t i = 0; i < n; ++i) {
            auto &gradient = gradients[static_cast<size_t>(i)];
            out[i] = gradient.defined() ? own(std::move(gradient)) : nullptr;
        }
    });
}

bool ct_grad_mode(void) { return at::GradMode::is_enabled(); }
bool ct_set_grad_mode(bool on) {
    bool before = at::GradMode::is_enabled();
    at::GradMode::set_enabled(on);
    return before;
}

ct_autocast ct_set_autocast(int32_t device_kind, ct_autocast state) {
    auto kind = device_kind == CT_CUDA ? at::kCUDA : device_kind == CT_MPS ? at::kMPS : at::kCPU;
    ct_autocast before{at::autocast::is_autocast_enabled(kind), -1};
    auto current = at::autocast::get_autocast_dtype(kind);
    for (int32_t i = 0; i < 10; ++i)
        if (types[i] == current) before.dtype = i;
    if (state.dtype >= 0 && state.dtype < 10) at::autocast::set_autocast_dtype(kind, types[state.dtype]);
    at::autocast::set_autocast_enabled(kind, state.on);
    if (!state.on) at::autocast::clear_cache();
    return before;
}

bool ct_adamw_step(
    ct_tensor *const *parameters, ct_tensor *const *gradients, ct_tensor *const *first, ct_tensor *const *second,
    ct_tensor *const *steps, int32_t n, double rate, double beta1, double beta2, double decay, double epsilon,
    ct_error **error) {
    return run(error, [&] {
        auto p = vector(parameters, n), g = vector(gradients, n), m = vector(first, n), v = vector(second, n);
        // The fused step walks through memory. Moments of another order, brought into this one, would not be kept.
        for (size_t i = 0; i < p.size(); ++i)
            TORCH_CHECK(
                isLaidOutAlike(m[i], p[i]) && isLaidOutAlike(v[i], p[i]), "moments of shapes ", m[i].sizes(), " and ",
                v[i].sizes(), " with strides ", m[i].strides(), " and ", v[i].strides(), " for a parameter of shape ",
                p[i].sizes(), " with strides ", p[i].strides(), ": another order of memory");
        // Convolutions with channels innermost leave gradients in another order.
        for (size_t i = 0; i < g.size(); ++i)
            if (g[i].sizes() == p[i].sizes() && g[i].strides() != p[i].strides()) g[i] = at::empty_like(p[i]).copy_(g[i]);
        at::_fused_adamw_(
            p, g, m, v, {}, vector(steps, n), rate, beta1, beta2, decay, epsilon, /*amsgrad=*/false,
            /*maximize=*/false);
    });
}

bool ct_lerp_lists(ct_tensor *const *averages, ct_tensor *const *values, int32_t n, double weight, ct_error **error) {
    return run(error, [&] {
        auto a = vector(averages, n);
        at::_foreach_lerp_(a, vector(values, n), weight);
    });
}

ct_tensor *ct_total_norm(ct_tensor *const *handles, int32_t n, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        if (n == 0) return at::zeros({});
        return at::linalg_vector_norm(at::stack(at::_foreach_norm(vector(handles, n), 2)).to(at::kFloat));
    });
}

bool ct_multiply_lists(ct_tensor *const *handles, int32_t n, double factor, ct_error **error) {
    return run(error, [&] { at::_foreach_mul_(vector(handles, n), factor); });
}

}  // extern "C"
