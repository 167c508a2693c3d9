// Convolutions of 3×3 by fewer multiplications, and their gradients, on the CPU.
#include "Parallel.hpp"
#include "Shim.hpp"
#include "Vectors.hpp"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <unistd.h>

#define SHIM_KERNEL "FilterGradientKernel.hpp"
#include "Instructions.hpp"

using namespace shim;

namespace {

#if defined(__x86_64__)
/// - Parameter turned: packs what carries gradients back: in and out exchanged, each filter turned round.
template <class Kernel>
at::Tensor pack(const at::Tensor &weight, bool turned) {
    // Filters must lie row by row, which they do in both of libtorch's orders.
    const at::Tensor numbers = weight.to(at::kFloat).contiguous(weight.suggest_memory_format());
    const int64_t out = turned ? 1 : 0, tap = numbers.stride(3);
    const float *const first = static_cast<const float *>(numbers.const_data_ptr());
    const typename Kernel::Filters from{
        turned ? first + 8 * tap : first, numbers.stride(out), numbers.stride(1 - out), turned ? -tap : tap};
    const Kernel kernel{1, 2, 2, weight.size(1 - out), weight.size(out)};
    const int64_t each = Kernel::positions * kernel.words() * Kernel::block;
    at::Tensor packed = at::empty({kernel.blocks(), each}, numbers.options().dtype(stored<typename Kernel::Stored>));
    auto *const to = static_cast<typename Kernel::Stored *>(packed.mutable_data_ptr());
    parallel(kernel.blocks(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) kernel.packWeights(from, b, to + b * each);
    });
    return packed;
}

/// One call: what comes in, what goes out, and the weights.
template <class Kernel>
struct Call {
    using Number = typename Kernel::Number;
    using Factor = typename Kernel::Factor;
    using Stored = typename Kernel::Stored;
    const Kernel kernel;
    const Number *x;
    const Stored *weights;
    const float *bias;
    Number *y;
    const at::TensorOptions numbers;  // float32 on the CPU

    int64_t threads() const { return at::get_num_threads(); }
    int64_t weightsOfBlock() const { return Kernel::positions * kernel.words() * Kernel::block; }

    /// - Parameter m: of `products(back)` floats.
    void multiply(const Factor *v, int64_t pitch, int64_t first, int64_t last, int64_t b, float *m, int64_t back) const {
        float *const work = m + Kernel::positions * back;
        kernel.multiply(v, last - first, pitch, weights + b * weightsOfBlock(), work, m, back);
        kernel.transformBack(m, back, first, last, b, bias ? bias + b * Kernel::block : nullptr, y);
    }

    int64_t products(int64_t back) const { return Kernel::positions * back + kernel.workspace(); }

    /// Each thread transforms squares of its own and goes through all blocks of weights with them: where the weights are
    /// small enough to be read again and again.
    void bySquares() const {
        const int64_t fits = ownSpace / kernel.transformedBytes() / rowsAtOnce * rowsAtOnce;
        const int64_t most = std::clamp(fits, rowsAtOnce, squaresAtOnce);
        const int64_t parts = (kernel.tiles() + most * threads() - 1) / (most * threads()) * threads();
        const int64_t chunk = (kernel.tiles() + parts - 1) / parts;
        const int64_t pitch = kernel.pitch(chunk), back = Kernel::productPitch(chunk);
        parallel((kernel.tiles() + chunk - 1) / chunk, 1, [&](int64_t begin, int64_t end) {
            const at::Tensor space = at::empty({kernel.space(pitch)}, numbers);
            const at::Tensor multiplied = at::empty({products(back)}, numbers);
            Factor *const v = static_cast<Factor *>(space.mutable_data_ptr());
            float *const m = static_cast<float *>(multiplied.mutable_data_ptr());
            for (int64_t i = begin; i < end; ++i) {
                const int64_t first = i * chunk, last = std::min(first + chunk, kernel.tiles());
                kernel.transform(x, first, last, v, pitch);
                for (int64_t b = 0; b < kernel.blocks(); ++b) multiply(v, pitch, first, last, b, m, back);
            }
        });
    }

    /// All threads transform squares together, and each then takes blocks of the weights: every weight is read once.
    void byBlocks() const {
        const int64_t most = std::clamp(sharedSpace / kernel.transformedBytes(), rowsAtOnce, squaresAtOnce);
        const int64_t parts = (kernel.tiles() + most - 1) / most;
        const int64_t chunk = ((kernel.tiles() + parts - 1) / parts + rowsAtOnce - 1) / rowsAtOnce * rowsAtOnce;
        const int64_t pitch = kernel.pitch(chunk), back = Kernel::productPitch(chunk);
        const at::Tensor space = at::empty({kernel.space(pitch)}, numbers);
        Factor *const v = static_cast<Factor *>(space.mutable_data_ptr());
        for (int64_t first = 0; first < kernel.tiles(); first += chunk) {
            const int64_t last = std::min(first + chunk, kernel.tiles());
            parallel(last - first, 4, [&](int64_t begin, int64_t end) {
                kernel.transform(x, first + begin, first + end, v + begin * kernel.in, pitch);
            });
            parallel(kernel.blocks(), 1, [&](int64_t begin, int64_t end) {
                const at::Tensor multiplied = at::empty({products(back)}, numbers);
                float *const m = static_cast<float *>(multiplied.mutable_data_ptr());
                for (int64_t b = begin; b < end; ++b) multiply(v, pitch, first, last, b, m, back);
            });
        }
    }

    // Bytes of squares transformed at a time: by a thread for itself (half of its own cache), and by all together.
#if defined(_SC_LEVEL2_CACHE_SIZE)
    static inline const int64_t ownSpace = std::max<int64_t>(512 << 10, sysconf(_SC_LEVEL2_CACHE_SIZE) / 2);
#else
    static constexpr int64_t ownSpace = 512 << 10;
#endif
    static constexpr int64_t sharedSpace = 12 << 20;
    /// Products of more squares would not stay in a core's cache until they are transformed back.
    static constexpr int64_t squaresAtOnce = 240, rowsAtOnce = 12;
    /// Weights of as many bytes (as float32, or as words) are read once a call rather than once a chunk.
    static constexpr int64_t smallWeights = 16 << 20;

    void operator()() const {
        if (kernel.blocks() * weightsOfBlock() * 4 < smallWeights || kernel.blocks() < threads()) bySquares();
        else byBlocks();
    }
};

template <class Kernel>
at::Tensor convolve(const at::Tensor &x, const at::Tensor &packed, const float *bias, int64_t out) {
    using Number = typename Kernel::Number;
    at::Tensor result =
        at::empty({x.size(0), out, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
    const Call<Kernel> call{
        {x.size(0), x.size(2), x.size(3), x.size(1), out}, static_cast<const Number *>(x.const_data_ptr()),
        static_cast<const typename Kernel::Stored *>(packed.const_data_ptr()), bias, static_cast<Number *>(result.mutable_data_ptr()),
        x.options().dtype(at::kFloat)};
    TORCH_CHECK(
        packed.numel() == call.kernel.blocks() * call.weightsOfBlock(), "a packed weight of ", packed.numel(),
        " numbers, not ", call.kernel.blocks() * call.weightsOfBlock());
    TORCH_CHECK(
        packed.is_cpu() && packed.scalar_type() == stored<typename Kernel::Stored>, "a weight packed as ",
        packed.scalar_type(), ", not ", stored<typename Kernel::Stored>);
    call();
    return result;
}

/// The gradient by the weights [out, in, 3, 3] of what `convolve` makes of `x`, from the gradient `g` by what came out.
template <class Kernel>
at::Tensor filterGradient(const at::Tensor &x, const at::Tensor &g) {
    using Number = typename Kernel::Number;
    // Bytes of squares transformed at a time, and the fewest words of them whose sums are worth a pass through the products.
    constexpr int64_t space = 1 << 20, fewest = 64;
    const Kernel kernel{{x.size(0), x.size(2), x.size(3), x.size(1), g.size(1)}};
    const int64_t in = x.size(1), out = g.size(1), positions = Kernel::positions;
    const int64_t words = (kernel.forward.tiles() + Kernel::perWord - 1) / Kernel::perWord;
    const int64_t most = std::max(fewest, space / (positions * (in + out) * 4));
    const int64_t parts = (words + most - 1) / most, chunk = (words + parts - 1) / parts;
    const at::TensorOptions numbers = x.options().dtype(at::kFloat);
    const at::Tensor pictures = at::empty({positions * Kernel::pitch(chunk, in)}, numbers);
    const at::Tensor gradients = at::empty({positions * Kernel::pitch(chunk, out)}, numbers);
    const at::Tensor products = at::empty({positions, out, in}, numbers);
    float *const v = static_cast<float *>(pictures.mutable_data_ptr());
    float *const u = static_cast<float *>(gradients.mutable_data_ptr());
    float *const m = static_cast<float *>(products.mutable_data_ptr());
    const Number *const ofX = static_cast<const Number *>(x.const_data_ptr());
    const Number *const ofG = static_cast<const Number *>(g.const_data_ptr());
    for (int64_t first = 0; first < words; first += chunk) {
        const int64_t count = std::min(chunk, words - first);
        parallel(count, 4, [&](int64_t begin, int64_t end) {
            kernel.transformPictures(ofX, first + begin, first + end, count, v + begin * Kernel::block);
            kernel.transformGradients(ofG, first + begin, first + end, count, u + begin * Kernel::block);
        });
        parallel(positions * kernel.outBlocks(), 1, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) kernel.multiply(v, u, count, i, m, first > 0);
        });
    }
    at::Tensor result = at::empty({out, in, 3, 3}, x.options(), at::MemoryFormat::ChannelsLast);
    Number *const to = static_cast<Number *>(result.mutable_data_ptr());
    parallel(out, 8, [&](int64_t begin, int64_t end) { kernel.transformBack(m, begin, end, to); });
    return result;
}

SHIM_CHOOSE(Winograd)

at::Tensor packed(const at::Tensor &weight, bool turned = false) {
    return choose(weight.scalar_type(), [&](auto *kernel) {
        return pack<std::remove_pointer_t<decltype(kernel)>>(weight, turned);
    });
}

at::Tensor convolved(const at::Tensor &x, const at::Tensor &packed, const at::Tensor &bias, int64_t out) {
    const at::Tensor numbers = bias.defined() ? bias.to(at::kFloat).contiguous() : bias;
    const float *const b = bias.defined() ? static_cast<const float *>(numbers.const_data_ptr()) : nullptr;
    return choose(x.scalar_type(), [&](auto *kernel) {
        return convolve<std::remove_pointer_t<decltype(kernel)>>(x, packed, b, out);
    });
}

/// As libtorch's graph sees it.
struct Recorded : torch::autograd::Function<Recorded> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
        const std::optional<at::Tensor> &bias) {
        context->save_for_backward({x, weight});
        context->saved_data["bias"] = bias.has_value();
        return convolved(x, packed(weight), bias.value_or(at::Tensor()), weight.size(0));
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1];
        const at::Tensor gradient = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
        at::Tensor back;
        if (context->needs_input_grad(0))
            back = convolved(gradient, packed(weight, true), {}, weight.size(1));
        at::Tensor ofWeight, ofBias;
        if (context->needs_input_grad(1))
            ofWeight = choose(x.scalar_type(), [&](auto *kernel) {
                return filterGradient<typename std::remove_pointer_t<decltype(kernel)>::ByWeights>(x, gradient);
            });
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) ofBias = gradient.sum({0, 2, 3});
        return {back, ofWeight, ofBias};
    }
};
#endif

}  // namespace

namespace shim {

std::optional<at::Tensor> recordedWinograd(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
#if defined(__x86_64__)
    // Transforming the weights must not cost more than it saves.
    constexpr int64_t leastSquares = 64;
    if (!x.requires_grad() && !weight.requires_grad() && !(bias.defined() && bias.requires_grad())) return std::nullopt;
    if (!weight.is_cpu() || (bias.defined() && (!bias.is_cpu() || bias.dim() != 1 || bias.numel() != weight.size(0))))
        return std::nullopt;
    if (!x.is_cpu() || x.dim() != 4 || !x.is_contiguous(at::MemoryFormat::ChannelsLast) || weight.size(2) != 3
        || weight.size(3) != 3 || x.size(1) != weight.size(1) || x.size(0) * x.size(2) * x.size(3) < 4 * leastSquares)
        return std::nullopt;
    const bool casts = at::autocast::is_autocast_enabled(at::kCPU);
    const at::ScalarType type = casts ? at::autocast::get_autocast_dtype(at::kCPU) : x.scalar_type();
    if ((type != at::kFloat && type != at::kBFloat16) || (!casts && weight.scalar_type() != type)
        || !ct_has_winograd(type == at::kFloat ? CT_FLOAT32 : CT_BFLOAT16, weight.size(1), weight.size(0)))
        return std::nullopt;
    auto cast = [&](const at::Tensor &t) { return casts ? at::autocast::cached_cast(type, t, at::kCPU) : t; };
    const at::Tensor given = cast(x), matrix = cast(weight);
    if (given.scalar_type() != type || matrix.scalar_type() != type) return std::nullopt;
    return Recorded::apply(
        given, matrix, bias.defined() ? std::optional<at::Tensor>(cast(bias)) : std::nullopt);
#else
    return std::nullopt;
#endif
}

}  // namespace shim

extern "C" {

bool ct_has_winograd(int32_t dtype, long in, long out) {
    const int64_t block = widest() == 1 ? 16 : 32;  // two vectors
    const bool fits = in > 0 && out > 0 && in % block == 0 && out % block == 0;
    return fits && (dtype == CT_FLOAT32 || dtype == CT_BFLOAT16) && multiplies(dtype == CT_BFLOAT16);
}

ct_tensor *ct_pack_winograd(const ct_tensor *weight, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        const at::Tensor &value = weight->value;
        TORCH_CHECK(
            value.is_cpu() && value.dim() == 4 && value.size(2) == 3 && value.size(3) == 3,
            "a convolution's weight of 3×3 on the CPU is packed");
#if defined(__x86_64__)
        at::NoGradGuard guard;
        return packed(value);
#else
        TORCH_CHECK(false, "no kernel for this processor");
#endif
    });
}

ct_tensor *ct_winograd(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias, long out, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        const at::Tensor &value = x->value;
        TORCH_CHECK(
            fuses(value) && value.dim() == 4 && value.is_contiguous(at::MemoryFormat::ChannelsLast)
                && ct_has_winograd(value.scalar_type() == at::kFloat ? CT_FLOAT32 : CT_BFLOAT16, value.size(1), out),
            "not [N, C, H, W] on the CPU with channels innermost, in whole blocks");
        TORCH_CHECK(
            !bias || (bias->value.is_cpu() && bias->value.numel() == out), "bias has ", bias->value.numel(),
            " numbers, not ", out, " on the CPU");
#if defined(__x86_64__)
        return convolved(value, weight->value, bias ? bias->value : at::Tensor(), out);
#else
        TORCH_CHECK(false, "no kernel for this processor");
#endif
    });
}

}
