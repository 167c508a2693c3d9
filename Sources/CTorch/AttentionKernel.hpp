// Attention without its matrix of weights: a few queries at a time meet the keys block by block, and what was added up so far
// shrinks where a larger likeness appears (Milakov and Gimelshein 2018; Dao et al. 2022). Included by `Instructions.hpp`.

#if defined(SHIM_HALVES)
/// 2 to the power of x, for x ≤ 0, to 8e-5: what becomes bfloat16 is rounded by up to 4e-3. What is not a number stays so.
SHIM_INLINE Vector roughPowerOfTwo(Vector x) {
    x = (Vector)_mm512_max_ps((__m512)all(-1e9f), (__m512)x);
    const Vector whole = (Vector)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Vector f = x - whole;  // within ±½
    Vector p = all(5.517167e-2f) * f + all(2.4261112e-1f);
    p = p * f + all(6.9326099e-1f);
    p = p * f + all(9.9992807e-1f);
    return (Vector)_mm512_scalef_ps((__m512)p, (__m512)whole);
}
#endif

/// 2 to the power of x, for x ≤ 0, to 1e-7; what is not a number stays so.
SHIM_INLINE Vector powerOfTwo(Vector x) {
    const Vector least = all(-126.0f), shift = all(12582912.0f);  // 1.5 · 2²³: the sum is rounded to a whole number
    x = x < least ? least : x;
    const Vector shifted = x + shift;
    const Vector f = x - (shifted - shift);  // within ±½
    Vector p = all(1.3333558e-3f) * f + all(9.6181291e-3f);
    p = p * f + all(5.5504109e-2f);
    p = p * f + all(2.4022651e-1f);
    p = p * f + all(6.9314718e-1f);
    p = p * f + all(1.0f);
    const WholeVector power = ((WholeVector)shifted - (0x4B400000 - 127)) << 23;
    return p * (Vector)power;
}

/// All of a vector's numbers by one operation, the halves of it with each other first.
template <class Join>
SHIM_INLINE float joined(Vector v, Join join) {
    float part[lanes];
    store(part, v);
#pragma clang loop unroll(full)
    for (int64_t half = lanes / 2; half > 0; half /= 2)
#pragma clang loop unroll(full)
        for (int64_t i = 0; i < half; ++i) part[i] = join(part[i], part[i + half]);
    return part[0];
}
SHIM_INLINE float largest(Vector v) {
    return joined(v, [](float a, float b) { return a > b ? a : b; });
}
SHIM_INLINE float total(Vector v) {
    return joined(v, [](float a, float b) { return a + b; });
}

template <class Kind>
struct Attention {
    using Number = typename Kind::Number;
    using Factor = typename Kind::Factor;
    static constexpr int64_t rowsAtOnce = panelRows, keyGroup = 2 * lanes, keyBlock = 256, blockGroups = keyBlock / keyGroup;

    const int64_t keys, width;
    const float scale;  // of the likenesses, times log₂ e

    int64_t words() const { return (width + Kind::perWord - 1) / Kind::perWord; }
    int64_t columns() const { return (width + lanes - 1) / lanes; }
    int64_t groups() const { return (keys + keyGroup - 1) / keyGroup; }
    int64_t packedKeys() const { return groups() * words() * keyGroup; }
    int64_t packedValues() const { return groups() * keyGroup / Kind::perWord * columns() * lanes; }
    /// Floats that `queries` works in.
    int64_t workspace() const { return panelRows * (words() + keyBlock + columns() * lanes); }

    /// Columns are handled so many at a time.
    int64_t columnsAt(int64_t column) const {
        const int64_t parts = (columns() + mostColumns - 1) / mostColumns;
        return std::min((columns() + parts - 1) / parts, columns() - column);
    }

    /// [keys, width] → [groups][words][keys of the group], where a word holds the numbers that follow one another in a key.
    void packKeys(const Number *k, int64_t stride, float *to) const {
        uint32_t row[mostWidth];
        for (int64_t g = 0; g < groups(); ++g, to += words() * keyGroup)
            for (int64_t i = 0; i < keyGroup; ++i) {
                const int64_t key = g * keyGroup + i;
                std::fill_n(row, words(), 0u);
                if (key < keys) Kind::factors(k + key * stride, width, row);
                for (int64_t w = 0; w < words(); ++w) std::memcpy(to + w * keyGroup + i, row + w, 4);
            }
    }

    /// The first `count` numbers at p, of a vector's, and zeros.
    SHIM_INLINE Vector some(const Number *p, int64_t count) {
        if (count >= lanes) return Kind::read(p);
        Number few[lanes] = {};
        if (count > 0) std::memcpy(few, p, static_cast<size_t>(count) * sizeof *p);
        return Kind::read(few);
    }

    /// [keys, width] → [blocks][parts of the columns][words][columns], where a word holds one column's numbers of keys that
    /// follow one another.
    void packValues(const Number *v, int64_t stride, float *to) const {
        for (int64_t block = 0; block < groups(); block += blockGroups) {
            const int64_t first = block * keyGroup, last = std::min(block + blockGroups, groups()) * keyGroup;
            for (int64_t c = 0; c < columns(); c += columnsAt(c))
                for (int64_t key = first; key < last; key += Kind::perWord)
                    for (int64_t i = c * lanes; i < (c + columnsAt(c)) * lanes; i += lanes, to += lanes) {
                        Vector numbers[Kind::perWord];
                        for (int64_t p = 0; p < Kind::perWord; ++p)
                            numbers[p] = key + p < keys ? some(v + (key + p) * stride + i, width - i) : Vector{};
                        Kind::weave(to, numbers);
                    }
        }
    }

    SHIM_INLINE Vector power(Vector x) {
#if defined(SHIM_HALVES)
        if constexpr (Kind::perWord == 2) return roughPowerOfTwo(x);
#endif
        return powerOfTwo(x);
    }

    /// Turns a row of likenesses into weights, in place, and says by what the sums so far are to shrink.
    SHIM_INLINE void weigh(float *row, int64_t vectors, float scale, float &most, float &sum, float &factor) {
        Vector top = load(row);
        for (int64_t i = 1; i < vectors; ++i) {
            const Vector x = load(row + i * lanes);
            top = x > top ? x : top;
        }
        const float next = std::max(most, largest(top) * scale);
        factor = sum == 0 ? 0 : std::exp2(most - next);
        most = next;
        Vector added{};
        Factor *weights = reinterpret_cast<Factor *>(row);
        for (int64_t i = 0; i < vectors; ++i) {
            const Vector p = power(load(row + i * lanes) * all(scale) - all(next));
            added += p;
            Kind::write(weights + i * lanes, p);
        }
        sum = sum * factor + total(added);
    }

    template <int columns>
    SHIM_INLINE void gather(
        const float *weights, const float *values, int64_t words, float *sums, int64_t stride, const float *factor) {
        panels<Kind, columns>(reinterpret_cast<const uint32_t *>(weights), keyBlock, values, words, sums, stride, factor);
    }

    /// At most `panelRows` queries [rows, width] → [rows, width].
    void queries(
        const Number *q, int64_t qStride, int64_t rows, const float *k, const float *v, Number *to, int64_t toStride,
        float *work) const {
        uint32_t *const asked = reinterpret_cast<uint32_t *>(work);
        float *const likeness = work + panelRows * words(), *const sums = likeness + panelRows * keyBlock;
        const int64_t sumStride = columns() * lanes;
        std::memset(work, 0, static_cast<size_t>(panelRows * words()) * 4);
        std::memset(sums, 0, static_cast<size_t>(panelRows * sumStride) * 4);
        for (int64_t r = 0; r < rows; ++r) Kind::factors(q + r * qStride, width, asked + r * words());
        float most[panelRows], sum[panelRows], factor[panelRows];
        for (int64_t r = 0; r < panelRows; ++r) most[r] = -std::numeric_limits<float>::infinity(), sum[r] = 0;
        for (int64_t block = 0; block < groups(); block += blockGroups) {
            const int64_t here = std::min(blockGroups, groups() - block);
            for (int64_t g = 0; g < here; ++g, k += words() * keyGroup)
                panels<Kind, 2>(asked, words(), k, words(), likeness + g * keyGroup, keyBlock, nullptr);
            const int64_t missing = (block + here) * keyGroup - keys;
            for (int64_t r = 0; r < panelRows; ++r) {
                float *const row = likeness + r * keyBlock;
                for (int64_t i = here * keyGroup - std::max<int64_t>(missing, 0); i < here * keyGroup; ++i) row[i] = -3e38f;
                weigh(row, here * 2, scale, most[r], sum[r], factor[r]);
            }
            const int64_t length = here * keyGroup / Kind::perWord;
            for (int64_t c = 0; c < columns();) {
                const int64_t count = columnsAt(c);
                float *const part = sums + c * lanes;
                switch (count) {
                    case 1: gather<1>(likeness, v, length, part, sumStride, factor); break;
                    case 2: gather<2>(likeness, v, length, part, sumStride, factor); break;
                    case 3: gather<3>(likeness, v, length, part, sumStride, factor); break;
#if LANES == 16
                    case 4: gather<4>(likeness, v, length, part, sumStride, factor); break;
                    case 5: gather<5>(likeness, v, length, part, sumStride, factor); break;
                    default: gather<6>(likeness, v, length, part, sumStride, factor); break;
#endif
                }
                v += length * count * lanes;
                c += count;
            }
        }
        for (int64_t r = 0; r < rows; ++r) {
            const float *const from = sums + r * sumStride;
            const Vector factor = all(1 / sum[r]);
            int64_t i = 0;
            for (; i + lanes <= width; i += lanes) Kind::write(to + r * toStride + i, load(from + i) * factor);
            if (i < width) {
                Number rest[lanes];
                Kind::write(rest, load(from + i) * factor);
                std::memcpy(to + r * toStride + i, rest, static_cast<size_t>(width - i) * sizeof(Number));
            }
        }
    }
};
