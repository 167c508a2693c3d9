// Matrix products with weights that are kept as our kernels read them, in float32, bfloat16, or bytes.
#include "Parallel.hpp"
#include "Shim.hpp"
#include "Vectors.hpp"

#include <cmath>
#include <type_traits>

#define SHIM_KERNEL "LinearKernel.hpp"
#include "Instructions.hpp"

using namespace shim;

namespace {

#if defined(__x86_64__)
template <class Kernel>
at::Tensor pack(const at::Tensor &weight, bool gated) {
    const at::Tensor numbers = weight.to(at::kFloat).contiguous();
    const Kernel kernel{weight.size(1), weight.size(0), gated};
    using Stored = typename Kernel::Stored;
    at::Tensor packed = at::empty({kernel.blocks(), kernel.storedOfBlock()}, numbers.options().dtype(stored<Stored>));
    const float *const from = static_cast<const float *>(numbers.const_data_ptr());
    Stored *const to = static_cast<Stored *>(packed.mutable_data_ptr());
    parallel(kernel.blocks(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) kernel.pack(from, b, to + b * kernel.storedOfBlock());
    });
    return packed;
}

/// Rows that are multiplied with one block of weights after the other: they stay in the cache, and so does the block.
constexpr int64_t rowsAtOnce = 240, bytesAtOnce = 2 << 20;

template <class Kernel>
at::Tensor multiply(const at::Tensor &x, const at::Tensor &packed, const at::Tensor &bias, int64_t out, bool gated) {
    using Number = typename Kernel::Number;
    using Stored = typename Kernel::Stored;
    const Kernel kernel{x.size(-1), out, gated};
    TORCH_CHECK(
        packed.numel() == kernel.blocks() * kernel.storedOfBlock(), "a packed weight of ", packed.numel(), " numbers, not ",
        kernel.blocks() * kernel.storedOfBlock());
    TORCH_CHECK(
        packed.is_cpu() && packed.scalar_type() == stored<Stored>, "a weight packed as ", packed.scalar_type(), ", not ",
        stored<Stored>);
    TORCH_CHECK(
        !bias.defined() || (bias.is_cpu() && bias.numel() == out), "bias has ", bias.numel(), " numbers, not ", out,
        " on the CPU");
    auto shape = x.sizes().vec();
    shape.back() = kernel.columns();
    at::Tensor result = at::empty(shape, x.options());
    const at::Tensor from = x.contiguous();
    const int64_t rows = from.numel() / kernel.in, threads = at::get_num_threads();
    std::vector<float> offsets(static_cast<size_t>(kernel.blocks() * Kernel::block));
    if (bias.defined()) {
        const at::Tensor numbers = bias.to(at::kFloat).contiguous();
        const float *const values = static_cast<const float *>(numbers.const_data_ptr());
        for (int64_t i = 0; i < static_cast<int64_t>(offsets.size()); ++i) {
            const int64_t r = kernel.row(i / Kernel::block, i % Kernel::block);
            if (r < out) offsets[static_cast<size_t>(i)] = values[r];
        }
    }
    const Number *const numbers = static_cast<const Number *>(from.const_data_ptr());
    const Stored *const weights = static_cast<const Stored *>(packed.const_data_ptr());
    const at::TensorOptions single = x.options().dtype(at::kFloat);
    Number *const y = static_cast<Number *>(result.mutable_data_ptr());
    // Rows are read where they lie, or from a copy: of whole words, as what is multiplied, and with some words between them
    // where all would share a few lines of the cache.
    const int64_t words = kernel.words();
    const bool isAliased = words % 1024 == 0;
    const bool copies = Kernel::converts || kernel.in % Kernel::perWord != 0 || isAliased;
    const int64_t stride = words + (isAliased ? 16 : 0);
    const int64_t most = std::clamp<int64_t>(bytesAtOnce / (4 * words) / 12 * 12, 12, rowsAtOnce);
    int64_t parts = (rows + most - 1) / most;
    if (parts > 1) parts = (parts + threads - 1) / threads * threads;
    const int64_t chunk = ((rows + parts - 1) / parts + 1) / 2 * 2;
    // Where rows are few, threads share the blocks.
    const int64_t shares = parts >= threads ? 1 : std::min(threads, kernel.blocks());
    const int64_t share = (kernel.blocks() + shares - 1) / shares;
    parallel(parts * shares, 1, [&](int64_t begin, int64_t end) {
        const at::Tensor space =
            copies ? at::empty({chunk * stride}, single) : at::empty({0}, single);
        uint32_t *const copy = static_cast<uint32_t *>(space.mutable_data_ptr());
        std::vector<float> scales(static_cast<size_t>(chunk), 1.0f);
        const at::Tensor products = at::empty({chunk * Kernel::block + Kernel::workspace}, single);
        float *const sums = static_cast<float *>(products.mutable_data_ptr());
        int64_t copied = -1;
        for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i / shares * chunk, count = std::min(chunk, rows - first);
            if (count <= 0) continue;
            if (copies && copied != first) {
                copied = first;
                for (int64_t r = 0; r < count; ++r) {
                    const Number *const row = numbers + (first + r) * kernel.in;
                    if constexpr (Kernel::isQuantized) {
                        kernel.quantize(row, reinterpret_cast<uint8_t *>(copy + r * stride), scales[static_cast<size_t>(r)]);
                    } else {
                        kernel.copy(row, copy + r * stride);
                    }
                }
            }
            const uint32_t *const a =
                copies ? copy : reinterpret_cast<const uint32_t *>(numbers + first * kernel.in);
            const int64_t block = i % shares * share;
            kernel.multiply(
                a, stride, scales.data(), count, weights, offsets.data(), block,
                std::min(block + share, kernel.blocks()), sums, y + first * kernel.columns());
        }
    });
    return result;
}

SHIM_CHOOSE(PlainProduct)

template <class Body>
at::Tensor choose(at::ScalarType type, bool bytes, const Body &body) {
    using Halves = avx512bf16::Halves;
    using Floats = avx512bf16::Singles;
    using Bytes = avx512bf16::Bytes;
    if (!bytes) return choose(type, body);
    if (type == at::kBFloat16) return body(static_cast<avx512bf16::Product<Halves, Bytes> *>(nullptr));
    return body(static_cast<avx512bf16::Product<Floats, Bytes> *>(nullptr));
}
#endif

}  // namespace

extern "C" {

bool ct_has_bfloat16(void) { return hasBF16(); }

bool ct_has_fast_bfloat16(void) { return multipliesHalves() || hasTiles(); }

bool ct_has_product(int32_t dtype, bool bytes) {
    if (dtype != CT_FLOAT32 && dtype != CT_BFLOAT16) return false;
    return bytes ? hasBF16() : multiplies(dtype == CT_BFLOAT16);
}

ct_tensor *ct_pack_product(const ct_tensor *weight, bool gated, bool bytes, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        const at::Tensor &value = weight->value;
        TORCH_CHECK(
            value.is_cpu() && value.dim() == 2 && value.numel() > 0 && (!gated || value.size(0) % 2 == 0),
            "a matrix on the CPU is packed");
#if defined(__x86_64__)
        at::NoGradGuard guard;
        return choose(value.scalar_type(), bytes, [&](auto *kernel) {
            return pack<std::remove_pointer_t<decltype(kernel)>>(value, gated);
        });
#else
        TORCH_CHECK(false, "no kernel for this processor");
#endif
    });
}

ct_tensor *ct_product(
    const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, long out, bool gated, bool bytes,
    ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        TORCH_CHECK(fuses(x->value) && x->value.dim() > 0, "not [..., in] on the CPU");
#if defined(__x86_64__)
        return choose(x->value.scalar_type(), bytes, [&](auto *kernel) {
            return multiply<std::remove_pointer_t<decltype(kernel)>>(
                x->value, weight->value, bias ? bias->value : at::Tensor(), out, gated);
        });
#else
        TORCH_CHECK(false, "no kernel for this processor");
#endif
    });
}

}
