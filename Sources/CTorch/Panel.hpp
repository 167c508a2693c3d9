// Products of small matrices whose sums stay in registers: what the kernels of attention, of Winograd's convolution and of
// matrix products are made of. Written once and included by `Instructions.hpp` for each set of instructions, within a namespace of its own:
// hence no guard. LANES is the number of floats in a vector.
typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef float LooseVector __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t WholeVector __attribute__((vector_size(4 * LANES)));

constexpr int64_t lanes = LANES;

SHIM_INLINE Vector load(const float *p) { return *reinterpret_cast<const LooseVector *>(p); }
SHIM_INLINE void store(float *p, Vector v) { *reinterpret_cast<LooseVector *>(p) = v; }
// x − 0 is x, and costs nothing; 0 + x would have to be computed, for it makes 0 of −0.
SHIM_INLINE Vector all(float x) { return x - Vector{}; }

/// Weights that are kept as they are multiplied.
struct KeptAsMultiplied {
    using Stored = float;
    /// Weights as a product reads them: where they are kept, or in `space`.
    SHIM_INLINE const float *words(const float *weights, int64_t, float *) { return weights; }
};
/// A kind says what numbers come and go (`Number`), what a product's words of 32 bits are made of (`Factor`: one float32, or
/// two bfloat16 that follow one another along the sum), and in what weights are kept (`Stored`).
struct Singles : KeptAsMultiplied {
    using Number = float;
    using Factor = float;
    static constexpr int64_t perWord = 1;
    SHIM_INLINE Vector add(Vector sum, uint32_t a, Vector b) { return sum + all(std::bit_cast<float>(a)) * b; }
    SHIM_INLINE Vector read(const float *p) { return load(p); }
    SHIM_INLINE void write(float *p, Vector v) { store(p, v); }
    /// A vector of words, of which each has one number of each vector.
    SHIM_INLINE void weave(float *p, const Vector (&v)[1]) { store(p, v[0]); }
    SHIM_INLINE void factors(const float *x, int64_t count, uint32_t *to) {
        std::memcpy(to, x, static_cast<size_t>(count) * sizeof *x);
    }
};
/// bfloat16 that is multiplied as float32, for processors where products of bfloat16 are missing or slow. Weights are kept as
/// bfloat16; a piece of them becomes float32 before rows meet it.
struct Widened : Singles {
    using Number = uint16_t;
    using Stored = uint16_t;
    typedef uint16_t Few __attribute__((vector_size(2 * LANES)));
    typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
    using Singles::weave;
    using Singles::write;
    SHIM_INLINE Vector read(const uint16_t *p) {
        Few few;
        std::memcpy(&few, p, sizeof few);
        return (Vector)(__builtin_convertvector(few, Bits) << 16);
    }
    SHIM_INLINE void write(uint16_t *p, Vector v) {  // to the nearest, ties to even
        const Bits bits = (Bits)v;
        const Bits rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        const Bits isNumber = (Bits)(v == v);
        const Few few = __builtin_convertvector((rounded & isNumber) | (0x7FC0 & ~isNumber), Few);
        std::memcpy(p, &few, sizeof few);
    }
    SHIM_INLINE void weave(uint16_t *p, const Vector (&v)[1]) { write(p, v[0]); }
    SHIM_INLINE void factors(const uint16_t *x, int64_t count, uint32_t *to) {
        for (int64_t i = 0; i < count; ++i) to[i] = static_cast<uint32_t>(x[i]) << 16;
    }
    SHIM_INLINE const float *words(const uint16_t *weights, int64_t count, float *space) {
        for (int64_t i = 0; i < count; i += lanes) store(space + i, read(weights + i));
        return space;
    }
};
#if defined(SHIM_HALVES)
struct Halves : KeptAsMultiplied {
    using Number = uint16_t;
    using Factor = uint16_t;
    static constexpr int64_t perWord = 2;
    SHIM_INLINE Vector add(Vector sum, uint32_t a, Vector b) {
        return (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(static_cast<int>(a)), (__m512bh)b);
    }
    SHIM_INLINE Vector read(const uint16_t *p) {
        const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
        return (Vector)_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16);
    }
    SHIM_INLINE void write(uint16_t *p, Vector v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), (__m256i)_mm512_cvtneps_pbh((__m512)v));
    }
    SHIM_INLINE void weave(float *p, const Vector (&v)[2]) {
        const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)v[0]));
        const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)v[1]));
        _mm512_storeu_si512(p, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
    SHIM_INLINE void factors(const uint16_t *x, int64_t count, uint32_t *to) {
        std::memcpy(to, x, static_cast<size_t>(count) * sizeof *x);
    }
};
/// Four whole numbers of eight bits a word, those of `a` without a sign; sums are whole numbers of 32 bits.
struct Bytes : KeptAsMultiplied {
    using Factor = uint8_t;
    static constexpr int64_t perWord = 4;
    SHIM_INLINE Vector add(Vector sum, uint32_t a, Vector b) {
        return (Vector)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(static_cast<int>(a)), (__m512i)b);
    }
};
#endif

/// How many rows a product of so many columns of vectors keeps in registers; divides `panelRows`.
#if LANES == 16
constexpr int64_t panelRows = 24, mostColumns = 6;
constexpr int rowsBeside(int columns) { return columns <= 2 ? 12 : columns == 3 ? 8 : columns == 4 ? 6 : 4; }
#else
constexpr int64_t panelRows = 12, mostColumns = 3;
constexpr int rowsBeside(int columns) { return columns <= 2 ? 6 : 4; }
#endif

/// c[rows, columns] = factor[row] · c + a[rows, words] · b[words, columns], where columns are vectors; without factors, c is
/// not read. A row's words follow one another in a, or lie `step` apart.
template <class Kind, int rows, int columns>
SHIM_INLINE void panel(
    const uint32_t *a, int64_t aStride, const float *b, int64_t words, float *c, int64_t cStride, const float *factor,
    int64_t step = 1) {
    Vector sum[rows][columns];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; ++r)
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; ++j)
            sum[r][j] = factor ? load(c + r * cStride + j * lanes) * all(factor[r]) : Vector{};
    for (int64_t k = 0; k < words; ++k) {
        Vector row[columns];
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; ++j) row[j] = load(b + (k * columns + j) * lanes);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; ++r)
#pragma clang loop unroll(full)
            for (int j = 0; j < columns; ++j) sum[r][j] = Kind::add(sum[r][j], a[r * aStride + k * step], row[j]);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; ++r)
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; ++j) store(c + r * cStride + j * lanes, sum[r][j]);
}

/// The same for `panelRows` rows.
template <class Kind, int columns>
SHIM_INLINE void panels(
    const uint32_t *a, int64_t aStride, const float *b, int64_t words, float *c, int64_t cStride, const float *factor) {
    constexpr int rows = rowsBeside(columns);
    for (int64_t r = 0; r < panelRows; r += rows)
        panel<Kind, rows, columns>(
            a + r * aStride, aStride, b, words, c + r * cStride, cStride, factor ? factor + r : nullptr);
}

constexpr float ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/// The same for any number of rows and two vectors of columns, side by side in c; `adds` to what c holds.
template <class Kind>
SHIM_INLINE void rowsOfPanels(
    const uint32_t *a, int64_t aStride, int64_t count, const float *b, int64_t words, float *c, bool adds = false) {
    const float *const factor = adds ? ones : nullptr;
    int64_t r = 0;
#define SHIM_ROWS(n) \
    for (; r + n <= count; r += n) panel<Kind, n, 2>(a + r * aStride, aStride, b, words, c + r * 2 * lanes, 2 * lanes, factor)
#if LANES == 16
    SHIM_ROWS(12);
#endif
    SHIM_ROWS(6);
    SHIM_ROWS(2);
    SHIM_ROWS(1);
#undef SHIM_ROWS
}

/// c[rows, columns] = aᵀ · b, where a is [words, rows] and b [words, columns], of two vectors of rows and of columns each;
/// `adds` to what c holds.
template <class Kind>
SHIM_INLINE void outerPanels(const uint32_t *a, const float *b, int64_t words, float *c, int64_t cStride, bool adds) {
    constexpr int64_t side = 2 * lanes;
    constexpr int most = LANES == 16 ? 12 : 6, rest = side - 2 * most;
    const float *const factor = adds ? ones : nullptr;
    panel<Kind, most, 2>(a, 1, b, words, c, cStride, factor, side);
    panel<Kind, most, 2>(a + most, 1, b, words, c + most * cStride, cStride, factor, side);
    panel<Kind, rest, 2>(a + 2 * most, 1, b, words, c + 2 * most * cStride, cStride, factor, side);
}
