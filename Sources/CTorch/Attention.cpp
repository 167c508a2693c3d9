// Attention on the CPU without a graph: libtorch's own is slow at heads of 40 to 160 numbers and thousands of positions.
#include "Parallel.hpp"
#include "Shim.hpp"
#include "Vectors.hpp"

#include <cmath>
#include <limits>

namespace shim {
/// The widest heads that the kernel attends with.
constexpr int64_t mostWidth = 1024;
}  // namespace shim

#define SHIM_KERNEL "AttentionKernel.hpp"
#include "Instructions.hpp"

using namespace shim;

namespace {

#if defined(__x86_64__)
/// [N, heads, L, width] → the same shape, in memory [N, L, heads, width].
template <class Kernel>
at::Tensor attend(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, double scale) {
    using Number = typename Kernel::Number;
    const int64_t heads = q.size(1), sequences = q.size(0) * heads, queries = q.size(2), width = q.size(3);
    const int64_t rows = Kernel::rowsAtOnce;
    const Kernel kernel{k.size(2), width, static_cast<float>(scale * 1.4426950408889634)};
    at::Tensor result = at::empty({q.size(0), queries, heads, width}, q.options()).transpose(1, 2);
    const auto single = q.options().dtype(at::kFloat);
    const at::Tensor packedKeys = at::empty({sequences, kernel.packedKeys()}, single),
                     packedValues = at::empty({sequences, kernel.packedValues()}, single);
    float *const keys = static_cast<float *>(packedKeys.mutable_data_ptr()),
                *const values = static_cast<float *>(packedValues.mutable_data_ptr());
    auto start = [heads](const at::Tensor &t, int64_t sequence) {
        return static_cast<const Number *>(t.const_data_ptr()) + sequence / heads * t.stride(0) + sequence % heads * t.stride(1);
    };
    parallel(sequences, 1, [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) {
            kernel.packKeys(start(k, s), k.stride(2), keys + s * kernel.packedKeys());
            kernel.packValues(start(v, s), v.stride(2), values + s * kernel.packedValues());
        }
    });
    const int64_t blocks = (queries + rows - 1) / rows;
    Number *const to = static_cast<Number *>(result.mutable_data_ptr());
    parallel(sequences * blocks, 1, [&](int64_t begin, int64_t end) {
        const at::Tensor memory = at::empty({kernel.workspace()}, single);
        float *const work = static_cast<float *>(memory.mutable_data_ptr());
        for (int64_t i = begin; i < end; ++i) {
            const int64_t s = i / blocks, first = i % blocks * rows;
            kernel.queries(
                start(q, s) + first * q.stride(2), q.stride(2), std::min(rows, queries - first),
                keys + s * kernel.packedKeys(), values + s * kernel.packedValues(),
                to + s / heads * result.stride(0) + s % heads * result.stride(1) + first * result.stride(2),
                result.stride(2), work);
        }
    });
    return result;
}

SHIM_CHOOSE(Attention)
#endif

/// Whether there is a kernel for these tensors on this processor.
bool serves(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v) {
    return fuses(q) && q.dim() == 4 && k.dim() == 4 && v.dim() == 4 && k.is_cpu() && v.is_cpu()
        && k.scalar_type() == q.scalar_type() && v.scalar_type() == q.scalar_type() && k.numel() > 0
        && k.size(0) == q.size(0) && k.size(1) == q.size(1) && k.size(3) == q.size(3) && v.sizes() == k.sizes()
        && q.size(3) <= mostWidth && multiplies(q.scalar_type() == at::kBFloat16);
}

}  // namespace

namespace shim {

std::optional<at::Tensor> attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, double scale) {
#if defined(__x86_64__)
    if (!serves(q, k, v) || !(scale > 0)) return std::nullopt;
    auto rows = [](const at::Tensor &t) { return t.stride(3) == 1 || t.size(3) == 1 ? t : t.contiguous(); };
    const at::Tensor a = rows(q), b = rows(k), c = rows(v);
    return choose(q.scalar_type(), [&](auto *kernel) {
        return attend<std::remove_pointer_t<decltype(kernel)>>(a, b, c, scale);
    });
#else
    return std::nullopt;
#endif
}

}  // namespace shim
