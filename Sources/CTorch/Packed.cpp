// Weights in the order in which oneDNN's kernels read them: sorted once, instead of at every call.
#include "Shim.hpp"
#include "Vectors.hpp"

#include <ATen/core/dispatch/Dispatcher.h>

using namespace shim;

namespace {

using Lists = c10::SymIntArrayRef;
using Convolution = at::Tensor(
    const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, Lists, Lists, Lists, c10::SymInt,
    std::string_view, c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
using Reorder = at::Tensor(
    const at::Tensor &, Lists, Lists, Lists, c10::SymInt, at::OptionalSymIntArrayRef);

/// An operation that this build of libtorch may lack.
template <class Signature>
std::optional<c10::TypedOperatorHandle<Signature>> find(const char *name) {
    const auto found = c10::Dispatcher::singleton().findSchema({name, ""});
    if (!found) return std::nullopt;
    return found->typed<Signature>();
}

}  // namespace

extern "C" {

ct_tensor *ct_pack_convolution(
    const ct_tensor *weight, long stride, long padding, const long *input, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        static const auto reorder = find<Reorder>("mkldnn::_reorder_convolution_weight");
        TORCH_CHECK(reorder, "this libtorch has no oneDNN");
        const at::Tensor &value = weight->value;
        TORCH_CHECK(value.is_cpu() && value.dim() == 4, "a convolution's weight on the CPU is packed");
        const std::vector<c10::SymInt> p{padding, padding}, s{stride, stride}, d{1, 1};
        const std::vector<c10::SymInt> size{input[0], input[1], input[2], input[3]};
        at::NoGradGuard guard;
        return reorder->call(value, p, s, d, 1, at::OptionalSymIntArrayRef(size));
    });
}

ct_tensor *ct_packed_convolution(
    const ct_tensor *x, const ct_tensor *packed, const ct_tensor *bias, long stride, long padding, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        static const auto convolution = find<Convolution>("mkldnn::_convolution_pointwise");
        TORCH_CHECK(convolution, "this libtorch has no oneDNN");
        const std::vector<c10::SymInt> p{padding, padding}, s{stride, stride}, d{1, 1};
        return convolution->call(
            x->value, packed->value, optional(bias), p, s, d, 1, "none", c10::List<std::optional<at::Scalar>>(),
            std::nullopt);
    });
}

bool ct_packs_convolutions(int32_t dtype) {
    // oneDNN has bfloat16 only where there are instructions for it.
    if (dtype != CT_FLOAT32 && !(dtype == CT_BFLOAT16 && widest() == 2)) return false;
    return at::globalContext().userEnabledMkldnn() && at::hasMKLDNN()
        && c10::Dispatcher::singleton().findSchema({"mkldnn::_convolution_pointwise", ""}).has_value()
        && c10::Dispatcher::singleton().findSchema({"mkldnn::_reorder_convolution_weight", ""}).has_value();
}

}
