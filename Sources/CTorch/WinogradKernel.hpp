// A convolution of 3×3 with padding 1 by the minimal filtering F(2×2, 3×3): squares of 4×4 pixels, half of them shared with
// the next, are transformed, multiplied with transformed weights at each of their 16 positions, and transformed back to 2×2
// pixels. 16 products take the place of 36 (Winograd 1980; Lavin and Gray 2016, §4). Included by `Instructions.hpp`.
template <class Kind>
struct FilterGradient;

template <class Kind>
struct Winograd {
    using Number = typename Kind::Number;
    using Factor = typename Kind::Factor;
    using Stored = typename Kind::Stored;
    using ByWeights = FilterGradient<Kind>;
    static constexpr int64_t positions = 16, perWord = Kind::perWord;
    static constexpr int64_t block = 2 * lanes;  // of channels that come out

    /// Pictures [pictures, height, width, in] → [pictures, height, width, out].
    const int64_t pictures, height, width, in, out;

    int64_t rows() const { return (height + 1) / 2; }
    int64_t columns() const { return (width + 1) / 2; }
    int64_t tiles() const { return pictures * rows() * columns(); }
    int64_t words() const { return in / perWord; }
    int64_t blocks() const { return out / block; }
    int64_t transformedBytes() const { return positions * in * static_cast<int64_t>(sizeof(Factor)); }

    /// Where the weights' numbers lie: those of a filter are nine, row by row, `tap` apart.
    struct Filters {
        const float *at;
        int64_t out, in, tap;
    };

    /// G g Gᵀ of one block of the weights → [16][words][channels of the block].
    void packWeights(const Filters &from, int64_t b, Stored *to) const {
        for (int64_t word = 0; word < words(); ++word, to += block)
            for (int64_t o = 0; o < block; o += lanes) {
                Vector squares[perWord][positions];
                for (int64_t i = 0; i < perWord; ++i)
                    filtersTransformed(from, b * block + o, word * perWord + i, squares[i]);
                weave(squares, to + o, words() * block);
            }
    }

    /// Each position's numbers of the squares that share words, `pitch` words from the next position's.
    template <class Word>
    SHIM_INLINE void weave(const Vector (&squares)[perWord][positions], Word *to, int64_t pitch) {
#pragma clang loop unroll(full)
        for (int64_t p = 0; p < positions; ++p) {
            Vector together[perWord];
            for (int64_t i = 0; i < perWord; ++i) together[i] = squares[i][p];
            Kind::weave(to + p * pitch, together);
        }
    }

    /// Of the channels out from `o`, and the channel in `i`.
    SHIM_INLINE void filtersTransformed(const Filters &from, int64_t o, int64_t i, Vector (&square)[positions]) {
        Vector g[9];
        for (int64_t k = 0; k < 9; ++k)
#pragma clang loop unroll(full)
            for (int64_t lane = 0; lane < lanes; ++lane)
                g[k][lane] = from.at[(o + lane) * from.out + i * from.in + k * from.tap];
        const Vector half = all(0.5f);
        Vector rows[4][3];  // G g
#pragma clang loop unroll(full)
        for (int x = 0; x < 3; ++x) {
            const Vector outer = g[x] + g[6 + x];
            rows[0][x] = g[x];
            rows[1][x] = half * (outer + g[3 + x]);
            rows[2][x] = half * (outer - g[3 + x]);
            rows[3][x] = g[6 + x];
        }
#pragma clang loop unroll(full)
        for (int y = 0; y < 4; ++y) {
            const Vector *const r = rows[y];
            const Vector outer = r[0] + r[2];
            square[4 * y] = r[0];
            square[4 * y + 1] = half * (outer + r[1]);
            square[4 * y + 2] = half * (outer - r[1]);
            square[4 * y + 3] = r[2];
        }
    }

    // From one position's squares to the next's: not a multiple of a page, or all 16 would share a few lines of the cache.
    int64_t pitch(int64_t squares) const { return squares * in + 32 * perWord; }
    /// Floats of all positions' squares.
    int64_t space(int64_t pitch) const { return positions * pitch / perWord; }
    static int64_t productPitch(int64_t squares) { return squares * block + 32; }

    /// The 4×4 pixels that a square sees; nil outside the picture.
    struct Pixels {
        const Number *at[4][4];

        Pixels(const Winograd &of, const Number *x, int64_t tile) {
            const int64_t top = tile / of.columns() % of.rows() * 2 - 1, left = tile % of.columns() * 2 - 1;
            const Number *const picture = x + tile / (of.rows() * of.columns()) * of.height * of.width * of.in;
            for (int64_t i = 0; i < 4; ++i)
                for (int64_t j = 0; j < 4; ++j) {
                    const bool isInside = top + i >= 0 && top + i < of.height && left + j >= 0 && left + j < of.width;
                    at[i][j] = isInside ? picture + ((top + i) * of.width + left + j) * of.in : nullptr;
                }
        }

        /// Bᵀ d B at the channels from `c`.
        inline __attribute__((always_inline)) void transformed(int64_t c, Vector (&square)[positions]) const {
            Vector half[4][4];  // Bᵀ d
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; ++j) {
                Vector d[4];
#pragma clang loop unroll(full)
                for (int i = 0; i < 4; ++i) d[i] = at[i][j] ? Kind::read(at[i][j] + c) : Vector{};
                half[0][j] = d[0] - d[2];
                half[1][j] = d[1] + d[2];
                half[2][j] = d[2] - d[1];
                half[3][j] = d[1] - d[3];
            }
#pragma clang loop unroll(full)
            for (int i = 0; i < 4; ++i) {
                const Vector *const h = half[i];
                square[4 * i] = h[0] - h[2];
                square[4 * i + 1] = h[1] + h[2];
                square[4 * i + 2] = h[2] - h[1];
                square[4 * i + 3] = h[1] - h[3];
            }
        }
    };

    /// The squares first ..< last → [16][pitch][in].
    void transform(const Number *x, int64_t first, int64_t last, Factor *to, int64_t pitch) const {
        for (int64_t tile = first; tile < last; ++tile, to += in) {
            const Pixels pixels(*this, x, tile);
            for (int64_t c = 0; c < in; c += lanes) {
                Vector square[positions];
                pixels.transformed(c, square);
#pragma clang loop unroll(full)
                for (int64_t p = 0; p < positions; ++p) Kind::write(to + p * pitch + c, square[p]);
            }
        }
    }

    /// Floats that `multiply` works in.
    int64_t workspace() const { return std::is_same_v<Stored, float> ? 0 : words() * block; }

    /// [16][pitch] of `count` squares [count, in] times a block's weights → [16][product pitch] of [count, block].
    void multiply(
        const Factor *v, int64_t count, int64_t pitch, const Stored *weights, float *work, float *m,
        int64_t productPitch) const {
        for (int64_t p = 0; p < positions; ++p, weights += words() * block) {
            const uint32_t *const a = reinterpret_cast<const uint32_t *>(v + p * pitch);
            const float *const b = Kind::words(weights, words() * block, work);
            rowsOfPanels<Kind>(a, words(), count, b, words(), m + p * productPitch);
        }
    }

    /// [16][pitch] of [squares, block] → block `b` of the pixels of the squares first ..< last, with `bias` [block] added.
    void transformBack(
        const float *m, int64_t pitch, int64_t first, int64_t last, int64_t b, const float *bias, Number *y) const {
        for (int64_t tile = first; tile < last; ++tile, m += block) {
            const int64_t top = tile / columns() % rows() * 2, left = tile % columns() * 2;
            Number *const to = y + ((tile / (rows() * columns()) * height + top) * width + left) * out + b * block;
#pragma clang loop unroll(full)
            for (int64_t c = 0; c < block; c += lanes) {
                const Vector offset = bias ? load(bias + c) : Vector{};
                Vector half[2][4];  // Aᵀ m
#pragma clang loop unroll(full)
                for (int j = 0; j < 4; ++j) {
                    const float *const column = m + j * pitch + c;
                    const Vector m0 = load(column), m1 = load(column + 4 * pitch),
                                 m2 = load(column + 8 * pitch), m3 = load(column + 12 * pitch);
                    half[0][j] = m0 + m1 + m2;
                    half[1][j] = m1 - m2 - m3;
                }
#pragma clang loop unroll(full)
                for (int64_t i = 0; i < 2; ++i) {
                    if (top + i >= height) continue;
                    Kind::write(to + i * width * out + c, half[i][0] + half[i][1] + half[i][2] + offset);
                    if (left + 1 < width)
                        Kind::write(to + (i * width + 1) * out + c, half[i][1] - half[i][2] - half[i][3] + offset);
                }
            }
        }
    }
};
