// One half of a row gates the other (Shazeer 2020, GEGLU), in one pass over memory.
#include "Parallel.hpp"
#include "Shim.hpp"
#include "Vectors.hpp"

using namespace shim;

namespace {

/// Rows [rows, 2 · width] → [rows, width]: the first half times GELU (exact) of the second.
template <class T>
SHIM_INLINE void gate(const T *x, T *y, int64_t rows, int64_t width) {
    for (int64_t r = 0; r < rows; ++r, x += 2 * width, y += width)
        for (int64_t i = 0; i < width; ++i) {
            const float v = read(x[width + i]);
            write(y[i], read(x[i]) * (0.5f * v * (1.0f + errorFunction(v * 0.70710678118654752f))));
        }
}

template <class T>
void plain(const T *x, T *y, int64_t rows, int64_t width) { gate(x, y, rows, width); }
#if defined(__x86_64__)
template <class T>
SHIM_AVX2 void wide(const T *x, T *y, int64_t rows, int64_t width) { gate(x, y, rows, width); }
template <class T>
SHIM_AVX512 void wider(const T *x, T *y, int64_t rows, int64_t width) { gate(x, y, rows, width); }
#endif

template <class T>
void gateAll(const T *x, T *y, int64_t rows, int64_t width) {
    auto loop = plain<T>;
#if defined(__x86_64__)
    if (widest() > 0) loop = widest() == 2 ? wider<T> : wide<T>;
#endif
    parallel(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
        loop(x + begin * 2 * width, y + begin * width, end - begin, width);
    });
}

}  // namespace

extern "C" {

bool ct_fuses_gated_gelu(const ct_tensor *x) {
    const at::Tensor &value = x->value;
    return fuses(value) && value.dim() > 0 && value.size(-1) % 2 == 0 && value.is_contiguous();
}

ct_tensor *ct_gated_gelu(const ct_tensor *x, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        TORCH_CHECK(ct_fuses_gated_gelu(x), "not [..., 2 · width] on the CPU");
        const at::Tensor &value = x->value;
        auto shape = value.sizes().vec();
        const int64_t width = shape.back() /= 2;
        at::Tensor result = at::empty(shape, value.options());
        if (value.scalar_type() == at::kFloat) {
            gateAll(
                static_cast<const float *>(value.const_data_ptr()), static_cast<float *>(result.mutable_data_ptr()),
                result.numel() / width, width);
        } else {
            gateAll(
                static_cast<const uint16_t *>(value.const_data_ptr()), static_cast<uint16_t *>(result.mutable_data_ptr()),
                result.numel() / width, width);
        }
        return result;
    });
}

}
