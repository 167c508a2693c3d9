// Compiles SHIM_KERNEL (a file) for each set of instructions: `avx2` and `avx512` for float32 and for bfloat16 multiplied as
// float32, `avx512bf16` for products of bfloat16 and of bytes.
#if defined(__x86_64__)
#include "Shim.hpp"
#include "Vectors.hpp"
#include <immintrin.h>

#include <cstring>
#include <type_traits>

#define SHIM_WITH_AVX2 \
    _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")
#define SHIM_WITH_AVX512 \
    _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,fma\"))), apply_to = function)")
#define SHIM_WITH_BF16 \
    _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vnni,fma\"))), apply_to = function)")
#define SHIM_END _Pragma("clang attribute pop")

namespace shim {
namespace avx2 {
#define LANES 8
SHIM_WITH_AVX2
#include "Panel.hpp"
#include SHIM_KERNEL
SHIM_END
#undef LANES
}  // namespace avx2
namespace avx512 {
#define LANES 16
SHIM_WITH_AVX512
#include "Panel.hpp"
#include SHIM_KERNEL
SHIM_END
}  // namespace avx512
namespace avx512bf16 {
#define SHIM_HALVES
SHIM_WITH_BF16
#include "Panel.hpp"
#include SHIM_KERNEL
SHIM_END
#undef SHIM_HALVES
#undef LANES
}  // namespace avx512bf16
}  // namespace shim

namespace shim {
/// The type of a tensor in which a kernel keeps weights.
template <class Stored>
constexpr at::ScalarType stored = std::is_same_v<Stored, float> ? at::kFloat : at::kBFloat16;
}  // namespace shim

/// Defines `choose`: calls `body` with a null pointer to the kernel's type for these numbers on this processor.
#define SHIM_CHOOSE(Kernel) \
    template <class Body> \
    at::Tensor choose(at::ScalarType type, const Body &body) { \
        const bool isHalf = type == at::kBFloat16; \
        if (isHalf && multipliesHalves()) return body(static_cast<avx512bf16::Kernel<avx512bf16::Halves> *>(nullptr)); \
        if (isHalf && widest() == 2) return body(static_cast<avx512::Kernel<avx512::Widened> *>(nullptr)); \
        if (isHalf) return body(static_cast<avx2::Kernel<avx2::Widened> *>(nullptr)); \
        if (widest() == 2) return body(static_cast<avx512::Kernel<avx512::Singles> *>(nullptr)); \
        return body(static_cast<avx2::Kernel<avx2::Singles> *>(nullptr)); \
    }
#endif
