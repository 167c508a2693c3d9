// x · Wᵀ + b with weights in blocks of columns, and what follows it while the sums are at hand. Included by
// `Instructions.hpp`.

/// `shim::polynomial`, of a vector's numbers.
template <size_t count>
SHIM_INLINE Vector polynomial(const float (&coefficients)[count], Vector x) {
    Vector y = all(coefficients[0]);
#pragma clang loop unroll(full)
    for (size_t i = 1; i < count; ++i) y = y * x + all(coefficients[i]);
    return y;
}

/// GELU (exact), by `errorFunction`'s rational function.
SHIM_INLINE Vector gelu(Vector v) {
    Vector x = v * all(0.70710678118654752f);
    x = x < all(-4.0f) ? all(-4.0f) : x;
    x = x > all(4.0f) ? all(4.0f) : x;
    const Vector s = x * x;
    const Vector erf = x * polynomial(errorNumerator, s) / polynomial(errorDenominator, s);
    return all(0.5f) * v * (all(1.0f) + erf);
}

/// Numbers come in and go out as `Outer`'s, and are multiplied as `Inner`'s.
template <class Outer, class Inner>
struct Product {
    using Number = typename Outer::Number;
    using Factor = typename Inner::Factor;
    using Stored = typename Inner::Stored;
    static constexpr int64_t block = 2 * lanes, perWord = Inner::perWord;
    static constexpr bool isQuantized = !std::is_same_v<Outer, Inner>;
    /// Whether rows are not multiplied as they lie.
    static constexpr bool converts = !std::is_same_v<Number, Factor>;
    /// Words of a row and of the weights that are multiplied at a time. Of long rows, the piece of the weights stays in the
    /// cache while the rows pass. The order of the sums is the same whatever the pieces and the number of rows.
    static constexpr int64_t piece = 1024;

    const int64_t in, out;
    /// Of each block, the first half is multiplied by GELU of the second: the weights' halves lie so.
    const bool gated;

    int64_t words() const { return (in + perWord - 1) / perWord; }
    /// Columns of the result.
    int64_t columns() const { return gated ? out / 2 : out; }
    int64_t columnsOfBlock() const { return gated ? lanes : block; }
    int64_t blocks() const { return (columns() + columnsOfBlock() - 1) / columnsOfBlock(); }
    /// A block's weights; then, of bytes, each column's scale and its sum times 128.
    int64_t storedOfBlock() const { return words() * block + (isQuantized ? 2 * block : 0); }
    /// Floats that `multiply` works in beside its sums.
    static constexpr int64_t workspace = std::is_same_v<Stored, float> ? 0 : piece * block;

    /// The row of W that lane `i` of block `b` holds; `out` where there is none.
    int64_t row(int64_t b, int64_t i) const {
        const int64_t column = b * columnsOfBlock() + (gated ? i % lanes : i);
        if (column >= columns()) return out;
        return gated && i >= lanes ? columns() + column : column;
    }

    /// Block `b` of W [out, in], float32.
    void pack(const float *w, int64_t b, Stored *to) const {
        std::memset(to, 0, static_cast<size_t>(storedOfBlock()) * sizeof(Stored));
        for (int64_t i = 0; i < block; ++i) {
            const int64_t r = row(b, i);
            if (r == out) continue;
            const float *const from = w + r * in;
            float scale = 1, sum = 0;
            if (isQuantized) {
                float most = 0;
                for (int64_t k = 0; k < in; ++k) most = std::max(most, std::abs(from[k]));
                scale = most > 0 ? most / 127 : 1;
            }
            for (int64_t k = 0; k < in; ++k) {
                Stored *const word = to + k / perWord * block + i;
                if constexpr (isQuantized) {
                    const float whole = std::nearbyint(from[k] / scale);
                    reinterpret_cast<Factor *>(word)[k % perWord] = static_cast<uint8_t>(static_cast<int8_t>(whole));
                    sum += whole;
                } else if constexpr (perWord > 1) {
                    shim::write(reinterpret_cast<Factor *>(word)[k % perWord], from[k]);
                } else {
                    shim::write(*word, from[k]);
                }
            }
            if constexpr (isQuantized) to[words() * block + i] = scale, to[(words() + 1) * block + i] = 128 * sum;
        }
    }

    /// A row as bytes about 128, and its scale.
    void quantize(const Number *x, uint8_t *to, float &scale) const {
        Vector top{}, nothing{};  // the latter 0, or not a number where one is
        int64_t k = 0;
        float most = 0, none = 0;
        for (; k + lanes <= in; k += lanes) {
            const Vector v = Outer::read(x + k), a = v < 0 ? -v : v;
            top = a > top ? a : top;
            nothing += v * 0;
        }
        for (int i = 0; i < LANES; ++i) most = std::max(most, top[i]), none += nothing[i];
        for (int64_t i = k; i < in; ++i) most = std::max(most, std::abs(shim::read(x[i]))), none += shim::read(x[i]) * 0;
        scale = most / 127 + none;
        const float factor = most > 0 ? 127 / most : 0;
        for (k = 0; k + lanes <= in; k += lanes) {
            const Vector v = Outer::read(x + k) * all(factor) + all(12582912.0f + 128);  // the last bits: a whole number
            const WholeVector whole = (WholeVector)v - 0x4B400000;
            typedef uint8_t Few __attribute__((vector_size(LANES)));
            const Few few = __builtin_convertvector(whole, Few);
            std::memcpy(to + k, &few, LANES);
        }
        for (; k < in; ++k) to[k] = static_cast<uint8_t>(static_cast<int>(std::nearbyint(shim::read(x[k]) * factor)) + 128);
        for (; k < words() * perWord; ++k) to[k] = 128;
    }

    /// A row as whole words.
    void copy(const Number *x, uint32_t *to) const {
        to[words() - 1] = 0;
        Inner::factors(x, in, to);
    }

    /// Sums [rows, block] → block `b` of the result's rows.
    SHIM_INLINE void finish(
        const Product &p, const float *sums, int64_t rows, const float *rowScales, const Stored *weights, const float *bias,
        int64_t b, Number *y) {
        const int64_t first = b * p.columnsOfBlock(), count = std::min(p.columnsOfBlock(), p.columns() - first);
        const bool isWhole = count == p.columnsOfBlock();
        for (int64_t r = 0; r < rows; ++r) {
            Vector v[2];
            for (int j = 0; j < 2; ++j) {
                v[j] = load(sums + r * block + j * lanes);
                if constexpr (isQuantized) {
                    const float *const scales = weights + p.words() * block + j * lanes;
                    v[j] = (__builtin_convertvector((WholeVector)v[j], Vector) - load(scales + block)) * load(scales)
                        * all(rowScales[r]);
                }
                v[j] += load(bias + b * block + j * lanes);
            }
            if (p.gated) v[0] = v[0] * gelu(v[1]);
            Number *const to = y + r * p.columns() + first;
            if (isWhole) {
                Outer::write(to, v[0]);
                if (!p.gated) Outer::write(to + lanes, v[1]);
            } else {
                Number rest[block];
                Outer::write(rest, v[0]);
                Outer::write(rest + lanes, v[1]);
                std::memcpy(to, rest, static_cast<size_t>(count) * sizeof(Number));
            }
        }
    }

    /// Rows [count, in] times blocks first ..< last, plus `bias` [blocks][block] → those columns of [count, columns].
    /// - Parameters:
    ///   - a: the rows as words, so many apart.
    ///   - sums: of [count, block], and behind them `workspace`.
    void multiply(
        const uint32_t *a, int64_t aStride, const float *rowScales, int64_t count, const Stored *weights,
        const float *bias, int64_t first, int64_t last, float *sums, Number *y) const {
        const int64_t most = isQuantized ? words() : piece;
        for (int64_t b = first; b < last; ++b) {
            const Stored *const w = weights + b * storedOfBlock();
            for (int64_t k = 0; k < words(); k += most) {
                const int64_t length = std::min(most, words() - k);
                const float *const columns = Inner::words(w + k * block, length * block, sums + count * block);
                rowsOfPanels<Inner>(a + k, aStride, count, columns, length, sums, k > 0);
            }
            finish(*this, sums, count, rowScales, w, bias, b, y);
        }
    }
};

/// Numbers that are multiplied as they come.
template <class Kind>
using PlainProduct = Product<Kind, Kind>;
