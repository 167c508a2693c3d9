// Compiles SHIM_KERNEL (a file) for each set of instructions: `avx2` and `avx512` for float32, `avx512bf16` for bfloat16 and bytes.
#if defined(__x86_64__)
#include "Vectors.hpp"
#include <immintrin.h>

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
#endif
