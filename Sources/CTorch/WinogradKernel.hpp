// A convolution of 3×3 with padding 1 by the minimal filtering F(2×2, 3×3): squares of 4×4 pixels, half of them shared with
// the next, are transformed, multiplied with transformed weights at each of their 16 positions, and transformed back to 2×2
// pixels. 16 products take the place of 36 (Winograd 1980; Lavin and Gray 2016, §4). Included by `Instructions.hpp`.
template <class Kind>
struct Winograd {
    using Number = typename Kind::Number;
    static constexpr int64_t positions = 16, perWord = Kind::perWord;
    static constexpr int64_t block = 2 * lanes;  // of channels that come out

    /// Pictures [pictures, height, width, in] → [pictures, height, width, out].
    const int64_t pictures, height, width, in, out;

    int64_t rows() const { return (height + 1) / 2; }
    int64_t columns() const { return (width + 1) / 2; }
    int64_t tiles() const { return pictures * rows() * columns(); }
    int64_t words() const { return in / perWord; }
    int64_t blocks() const { return out / block; }
    int64_t transformedBytes() const { return positions * in * static_cast<int64_t>(sizeof(Number)); }

    /// One block of weights [out, in, 3, 3] → [16][words][channels of the block].
    void packWeights(const float *weight, int64_t b, float *to) const {
        for (int64_t i = 0; i < in; ++i)
            for (int64_t o = 0; o < block; ++o) {
                const float *const g = weight + ((b * block + o) * in + i) * 9;
                float half[4][3];  // G g
                for (int x = 0; x < 3; ++x) {
                    half[0][x] = g[x];
                    half[1][x] = 0.5f * (g[x] + g[3 + x] + g[6 + x]);
                    half[2][x] = 0.5f * (g[x] - g[3 + x] + g[6 + x]);
                    half[3][x] = g[6 + x];
                }
                for (int y = 0; y < 4; ++y) {
                    const float *const h = half[y];
                    const float whole[4] = {
                        h[0], 0.5f * (h[0] + h[1] + h[2]), 0.5f * (h[0] - h[1] + h[2]), h[2]};  // … Gᵀ
                    for (int x = 0; x < 4; ++x) {
                        Number *const word = reinterpret_cast<Number *>(
                            to + ((y * 4 + x) * words() + i / perWord) * block + o);
                        shim::write(word[i % perWord], whole[x]);
                    }
                }
            }
    }

    // From one position's squares to the next's: not a multiple of a page, or all 16 would share a few lines of the cache.
    int64_t pitch(int64_t squares) const { return squares * in + 32 * perWord; }
    /// Floats of all positions' squares.
    int64_t space(int64_t pitch) const { return positions * pitch / perWord; }
    static int64_t productPitch(int64_t squares) { return squares * block + 32; }

    /// The squares first ..< last → [16][pitch][in].
    void transform(const Number *x, int64_t first, int64_t last, Number *to, int64_t pitch) const {
        for (int64_t tile = first; tile < last; ++tile, to += in) {
            const int64_t top = tile / columns() % rows() * 2 - 1, left = tile % columns() * 2 - 1;
            const Number *const picture = x + tile / (rows() * columns()) * height * width * in;
            const Number *pixels[4][4];
            for (int64_t i = 0; i < 4; ++i)
                for (int64_t j = 0; j < 4; ++j) {
                    const bool isInside = top + i >= 0 && top + i < height && left + j >= 0 && left + j < width;
                    pixels[i][j] = isInside ? picture + ((top + i) * width + left + j) * in : nullptr;
                }
            for (int64_t c = 0; c < in; c += lanes) {
                Vector half[4][4];  // Bᵀ d
#pragma clang loop unroll(full)
                for (int j = 0; j < 4; ++j) {
                    Vector d[4];
#pragma clang loop unroll(full)
                    for (int i = 0; i < 4; ++i) d[i] = pixels[i][j] ? Kind::read(pixels[i][j] + c) : Vector{};
                    half[0][j] = d[0] - d[2];
                    half[1][j] = d[1] + d[2];
                    half[2][j] = d[2] - d[1];
                    half[3][j] = d[1] - d[3];
                }
#pragma clang loop unroll(full)
                for (int i = 0; i < 4; ++i) {
                    const Vector *const h = half[i];
                    Number *const row = to + i * 4 * pitch + c;
                    Kind::write(row, h[0] - h[2]);
                    Kind::write(row + pitch, h[1] + h[2]);
                    Kind::write(row + 2 * pitch, h[2] - h[1]);
                    Kind::write(row + 3 * pitch, h[1] - h[3]);
                }
            }
        }
    }

    /// [16][pitch] of `count` squares [count, in] times a block's weights → [16][product pitch] of [count, block].
    void multiply(
        const Number *v, int64_t count, int64_t pitch, const float *weights, float *m, int64_t productPitch) const {
        for (int64_t p = 0; p < positions; ++p, weights += words() * block) {
            const uint32_t *const a = reinterpret_cast<const uint32_t *>(v + p * pitch);
            rowsOfPanels<Kind>(a, words(), count, weights, words(), m + p * productPitch);
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
