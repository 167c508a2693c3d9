// Arithmetic of single numbers that compilers turn into vectors, and the choice of instructions at run time.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace shim {

#define SHIM_INLINE static inline __attribute__((always_inline))

SHIM_INLINE float read(float x) { return x; }
SHIM_INLINE float read(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }
SHIM_INLINE void write(float &to, float x) { to = x; }
SHIM_INLINE void write(uint16_t &to, float x) {  // bfloat16, to the nearest, ties to even
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    to = x != x ? 0x7FC0 : static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// eˣ to float32's rounding (the polynomial of Cephes' `expf`), in operations that compilers turn into vectors.
SHIM_INLINE float exponential(float x) {
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    const float shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5 · 2²³: the sum is rounded to a whole number
    const float whole = shifted - 12582912.0f;
    const int32_t power = std::bit_cast<int32_t>(shifted) - 0x4B400000;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return ((p * r) * r + r + 1.0f) * std::bit_cast<float>((power + 127) << 23);
}

/// A polynomial by its coefficients, that of the highest power first.
template <size_t count>
SHIM_INLINE float polynomial(const float (&coefficients)[count], float x) {
    float y = coefficients[0];
#pragma clang loop unroll(full)
    for (size_t i = 1; i < count; ++i) y = y * x + coefficients[i];
    return y;
}

/// erf to float32's rounding: x times a rational function of x², within ±4, where it is 1 to the last digit (as Eigen has it).
constexpr float errorNumerator[] = {-2.72614225801306e-10f, 2.77068142495902e-08f, -2.10102402082508e-06f,
                                    -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                                    -1.60960333262415e-02f};
constexpr float errorDenominator[] = {-1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f,
                                      -7.37332916720468e-03f, -1.42647390514189e-02f};
SHIM_INLINE float errorFunction(float x) {
    x = x < -4.0f ? -4.0f : x > 4.0f ? 4.0f : x;
    const float s = x * x;
    return x * polynomial(errorNumerator, s) / polynomial(errorDenominator, s);
}

// A loop is written once and compiled for each set of instructions.
#if defined(__x86_64__)
#define SHIM_AVX2 __attribute__((target("avx2,fma")))
#define SHIM_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#endif

/// 0 plain, 1 AVX2, 2 AVX-512. libtorch's variable for less than the processor has holds for our kernels, too.
inline int widest() {
#if defined(__x86_64__)
    static const int level = [] {
        const char *const wanted = std::getenv("ATEN_CPU_CAPABILITY");
        const std::string_view most = wanted ? wanted : "";
        const bool has512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
        const bool has2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        return most == "default" ? 0 : has512 && most != "avx2" ? 2 : has2 ? 1 : 0;
    }();
    return level;
#else
    return 0;
#endif
}

/// Whether there are AVX-512's products of bfloat16 and of bytes.
inline bool hasBF16() {
#if defined(__x86_64__)
    static const bool found = widest() == 2 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
    return found;
#else
    return false;
#endif
}

/// Whether products of bfloat16 are faster than float32's. Zen 4 does twice as many in a second. On Intel's processors a vector
/// of them takes four times as long as one of float32 (Emerald Rapids: 86 against 176 GFLOP/s a core): those are for AMX to do.
inline bool multipliesHalves() {
#if defined(__x86_64__)
    static const bool found = hasBF16() && __builtin_cpu_is("amd");
    return found;
#else
    return false;
#endif
}

/// Whether there are AMX's tiles for products of bfloat16, which oneDNN uses.
inline bool hasTiles() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("amx-bf16");
#else
    return false;
#endif
}

/// Whether our kernels are for products of this size of number: not for bfloat16 where there are tiles.
inline bool multiplies(bool isHalf) { return widest() > 0 && !(isHalf && widest() == 2 && hasTiles()); }

}  // namespace shim
