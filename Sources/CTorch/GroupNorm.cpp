// Group normalisation and what follows it, which libtorch does in several passes over memory, in two, and its gradients in
// two more: for pictures on the CPU with channels innermost.
#include "GroupNormPasses.hpp"
#include "Shim.hpp"

#include <torch/csrc/autograd/custom_function.h>

using namespace shim;
using namespace shim::norm;

namespace {

/// Calls `body` with pointers to the numbers of a tensor.
template <class Body>
void withNumbers(const at::Tensor &x, const Body &body) {
    x.scalar_type() == at::kFloat ? body(static_cast<const float *>(x.const_data_ptr()))
                                  : body(static_cast<const uint16_t *>(x.const_data_ptr()));
}

Shape shapeOf(const at::Tensor &x, int64_t groups) {
    TORCH_CHECK(
        takesNorm(x), "not [N, C, H, W] of float32 or bfloat16 on the CPU with channels innermost");
    TORCH_CHECK(groups > 0 && x.size(1) % groups == 0, x.size(1), " channels in ", groups, " groups");
    return {x.size(0), x.size(2) * x.size(3), x.size(1), groups};
}

at::Tensor numbers(const at::Tensor &t, int64_t count, const char *name) {
    if (!t.defined()) return t;
    TORCH_CHECK(
        t.is_cpu() && t.numel() == count, name, " has ", t.numel(), " numbers, not ", count, " on the CPU");
    return t.to(at::kFloat).contiguous();
}

const float *pointer(const at::Tensor &t) {
    return t.defined() ? static_cast<const float *>(t.const_data_ptr()) : nullptr;
}

/// The parameters as float32, kept while pointers to them are used.
struct Operands {
    at::Tensor offset, weight, bias, scale, shift;

    Operands(
        const Shape &s, const at::Tensor &o, const at::Tensor &w, const at::Tensor &b, const at::Tensor &sc,
        const at::Tensor &sh)
        : offset(numbers(o, s.pictures * s.channels, "offset")), weight(numbers(w, s.channels, "weight")),
          bias(numbers(b, s.channels, "bias")), scale(numbers(sc, s.pictures * s.channels, "scale")),
          shift(numbers(sh, s.pictures * s.channels, "shift")) {}
    Parameters pointers() const {
        return {pointer(offset), pointer(weight), pointer(bias), pointer(scale), pointer(shift)};
    }
};

at::Tensor normalised(const at::Tensor &x, const Shape &shape, const Operands &operands, double epsilon, bool silu, Scales &all) {
    at::Tensor result = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
    const Parameters parameters = operands.pointers();
    parameters.fill(all, shape);
    withNumbers(x, [&](auto *from) {
        using Number = std::remove_const_t<std::remove_pointer_t<decltype(from)>>;
        measure(from, shape, parameters.offset, epsilon, all);
        finishAll(from, static_cast<Number *>(result.mutable_data_ptr()), shape, all, silu);
    });
    return result;
}

using Maybe = std::optional<at::Tensor>;

/// As libtorch's graph sees it.
struct Recorded : torch::autograd::Function<Recorded> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &x, const Maybe &givenWeight, const Maybe &givenBias,
        const Maybe &givenScale, const Maybe &givenShift, int64_t groups, double epsilon, bool silu) {
        const at::Tensor weight = givenWeight.value_or(at::Tensor()), bias = givenBias.value_or(at::Tensor()),
                         scale = givenScale.value_or(at::Tensor()), shift = givenShift.value_or(at::Tensor());
        const Shape shape = shapeOf(x, groups);
        Scales all(shape);
        at::Tensor result = normalised(x, shape, Operands(shape, {}, weight, bias, scale, shift), epsilon, silu, all);
        auto keep = [](const std::vector<float> &v) { return at::tensor(v, at::kFloat); };
        context->save_for_backward({x, weight, bias, scale, shift});
        context->saved_data["centre"] = keep(all.centre);
        context->saved_data["deviation"] = keep(all.deviation);
        context->saved_data["groups"] = groups;
        context->saved_data["silu"] = silu;
        return result;
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &scale = saved[3], &shift = saved[4];
        const Shape shape = shapeOf(x, context->saved_data["groups"].toInt());
        const bool silu = context->saved_data["silu"].toBool();
        const Operands operands(shape, {}, weight, bias, scale, shift);
        Scales all(shape);
        operands.pointers().fill(all, shape);
        auto restore = [](const c10::IValue &value, std::vector<float> &to) {
            const at::Tensor kept = value.toTensor();
            std::copy_n(static_cast<const float *>(kept.const_data_ptr()), to.size(), to.begin());
        };
        restore(context->saved_data["centre"], all.centre);
        restore(context->saved_data["deviation"], all.deviation);
        const at::Tensor gradient = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
        at::Tensor back = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
        std::vector<float> sum(all.centre.size()), product(sum);
        withNumbers(x, [&](auto *from) {
            using Number = std::remove_const_t<std::remove_pointer_t<decltype(from)>>;
            goBack(
                from, static_cast<const Number *>(gradient.const_data_ptr()), static_cast<Number *>(back.mutable_data_ptr()),
                shape, all, silu, sum, product);
        });
        const std::vector<int64_t> each{shape.pictures, shape.channels};
        const at::Tensor s = at::tensor(sum, at::kFloat).view(each), p = at::tensor(product, at::kFloat).view(each);
        const at::Tensor more = scale.defined() ? operands.scale.view(each) + 1 : at::Tensor();
        auto ofWeight = [&](const at::Tensor &t, const at::Tensor &parameter) {
            if (!parameter.defined()) return at::Tensor();
            return (more.defined() ? t * more : t).sum(0).to(parameter.scalar_type()).view(parameter.sizes());
        };
        at::Tensor ofScale, ofShift;
        if (scale.defined()) {
            ofScale = operands.weight.defined() ? p * operands.weight : p;
            if (operands.bias.defined()) ofScale = ofScale + s * operands.bias;
            ofScale = ofScale.to(scale.scalar_type()).view(scale.sizes());
        }
        if (shift.defined()) ofShift = s.to(shift.scalar_type()).view(shift.sizes());
        return {back, ofWeight(p, weight), ofWeight(s, bias), ofScale, ofShift, {}, {}, {}};
    }
};

}  // namespace

namespace shim {

bool takesNorm(const at::Tensor &x) {
    return x.is_cpu() && x.numel() > 0 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16)
        && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor groupNorm(
    const at::Tensor &x, const at::Tensor &offset, int64_t groups, const at::Tensor &weight, const at::Tensor &bias,
    double epsilon, const at::Tensor &scale, const at::Tensor &shift, bool silu) {
    if (c10::GradMode::is_enabled()) {
        const at::Tensor moved = offset.defined()
            ? at::add(x, offset.reshape({x.size(0), x.size(1), 1, 1}).to(x.scalar_type()))
            : x;
        auto maybe = [](const at::Tensor &t) { return t.defined() ? Maybe(t) : std::nullopt; };
        return Recorded::apply(
            moved, maybe(weight), maybe(bias), maybe(scale), maybe(shift), groups, epsilon, silu);
    }
    const Shape shape = shapeOf(x, groups);
    Scales all(shape);
    return normalised(x, shape, Operands(shape, offset, weight, bias, scale, shift), epsilon, silu, all);
}

}  // namespace shim

extern "C" {

bool ct_fuses_group_norm(const ct_tensor *x) { return takesNorm(x->value); }

ct_tensor *ct_fused_group_norm(
    const ct_tensor *x, const ct_tensor *offset, long groups, const ct_tensor *weight, const ct_tensor *bias,
    double epsilon, const ct_tensor *scale, const ct_tensor *shift, bool silu, ct_error **error) {
    return make(error, [&] {
        auto value = [](const ct_tensor *t) { return t ? t->value : at::Tensor(); };
        return groupNorm(
            x->value, value(offset), groups, value(weight), value(bias), epsilon, value(scale), value(shift), silu);
    });
}

}
