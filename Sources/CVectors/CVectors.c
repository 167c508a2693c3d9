#include "CVectors.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define MOONLIT_AVX2 1
#endif

enum { header = 2 * sizeof(float), together = 4, ahead = 4096 };

/// Products with four rows at once: the query is read once for all four.
typedef void products_of_four(const int8_t *const rows[together], size_t width, const int16_t *query, int32_t *sums);

/// For every processor; compilers make vector instructions of it where the processor's baseline has them.
static void plain(const int8_t *const rows[together], size_t width, const int16_t *query, int32_t *sums) {
    for (int row = 0; row < together; row++) {
        const int8_t *codes = rows[row];
        int32_t sum = 0;
        for (size_t i = 0; i < width; i++) sum += (int32_t)codes[i] * query[i];
        sums[row] = sum;
    }
}

#if MOONLIT_AVX2
__attribute__((target("avx2"))) static inline __m256i step(__m256i sum, const int8_t *codes, __m256i query) {
    __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)codes));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(wide, query));
}

__attribute__((target("avx2"))) static void avx2(
    const int8_t *const rows[together], size_t width, const int16_t *query, int32_t *sums) {
    const int8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    __m256i sa = _mm256_setzero_si256(), sb = sa, sc = sa, sd = sa;
    for (size_t i = 0; i < width; i += 16) {
        __m256i q = _mm256_loadu_si256((const __m256i *)(query + i));
        sa = step(sa, a + i, q);
        sb = step(sb, b + i, q);
        sc = step(sc, c + i, q);
        sd = step(sd, d + i, q);
    }
    __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(sa, sb), _mm256_hadd_epi32(sc, sd));
    __m128i total = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    _mm_storeu_si128((__m128i *)sums, total);
}
#endif

static products_of_four *fastest(void) {
#if MOONLIT_AVX2
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) return avx2;
#endif
    return plain;
}

void moonlit_bound_products(
    const void *rows, size_t count, size_t width, const int16_t *query, float query_scale, float query_error,
    float *lower, float *upper) {
    products_of_four *products = fastest();
    const char *first = rows;
    size_t length = header + width;
    for (size_t start = 0; start < count; start += together) {
        const int8_t *codes[together];
        int32_t sums[together];
        // The last few are filled up with the last row again.
        size_t present = count - start < together ? count - start : together;
        for (size_t i = 0; i < together; i++) {
            size_t row = start + (i < present ? i : present - 1);
            codes[i] = (const int8_t *)(first + row * length + header);
        }
        // Memory is slower than the products; asking for it early makes a fifth of the time.
        for (size_t byte = 0; byte < together * length; byte += 64) __builtin_prefetch(codes[0] + ahead + byte);
        products(codes, width, query, sums);
        for (size_t i = 0; i < present; i++) {
            float numbers[2];
            memcpy(numbers, codes[i] - header, sizeof numbers);
            float product = numbers[0] * query_scale * (float)sums[i];
            float margin = numbers[1] + query_error;
            int sound = isfinite(product) && isfinite(margin) && margin >= 0;
            lower[start + i] = sound ? product - margin : -INFINITY;
            upper[start + i] = sound ? product + margin : INFINITY;
        }
    }
}
