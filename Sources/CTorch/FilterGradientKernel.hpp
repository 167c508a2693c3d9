// The gradient of Winograd's convolution by its weights: what `WinogradKernel.hpp` computes turned round, at each of the 16
// positions a product of transformed squares and transformed gradients, summed over the squares (the derivative of Lavin and
// Gray 2016, §4). Included by `Instructions.hpp`.
#include "WinogradKernel.hpp"

template <class Kind>
struct FilterGradient {
    using Number = typename Kind::Number;
    using Forward = Winograd<Kind>;
    static constexpr int64_t positions = Forward::positions, perWord = Kind::perWord, block = Forward::block;

    const Forward forward;

    /// Floats of one position's squares, `words` words of them, with `channels` channels. Not a multiple of a page, or all 16
    /// would share a few lines of the cache.
    static int64_t pitch(int64_t words, int64_t channels) { return words * channels + 32; }

    /// The squares of the words first ..< last → [16][pitch] of [blocks of channels][all words][block], from the first.
    template <class Square>
    void weave(
        const Number *from, int64_t channels, int64_t first, int64_t last, int64_t words, float *to) const {
        const int64_t each = pitch(words, channels);
        for (int64_t word = first; word < last; ++word, to += block) {
            const int64_t tile = word * perWord, count = std::min(perWord, forward.tiles() - tile);
            const Square even(forward, from, tile), odd(forward, from, tile + count - 1);
            for (int64_t c = 0; c < channels; c += lanes) {
                Vector square[perWord][positions] = {};
                even.transformed(c, square[0]);
                if (count > 1) odd.transformed(c, square[perWord - 1]);
                Forward::weave(square, to + c / block * words * block + c % block, each);
            }
        }
    }

    /// The gradients by the 2×2 pixels of a square; nil outside the picture.
    struct Gradients {
        const Number *at[2][2];

        Gradients(const Forward &of, const Number *g, int64_t tile) {
            const int64_t top = tile / of.columns() % of.rows() * 2, left = tile % of.columns() * 2;
            const Number *const picture = g + tile / (of.rows() * of.columns()) * of.height * of.width * of.out;
            for (int64_t i = 0; i < 2; ++i)
                for (int64_t j = 0; j < 2; ++j) {
                    const bool isInside = top + i < of.height && left + j < of.width;
                    at[i][j] = isInside ? picture + ((top + i) * of.width + left + j) * of.out : nullptr;
                }
        }

        /// A g Aᵀ at the channels from `c`.
        inline __attribute__((always_inline)) void transformed(int64_t c, Vector (&square)[positions]) const {
            Vector half[4][2];  // A g
#pragma clang loop unroll(full)
            for (int j = 0; j < 2; ++j) {
                const Vector upper = at[0][j] ? Kind::read(at[0][j] + c) : Vector{};
                const Vector lower = at[1][j] ? Kind::read(at[1][j] + c) : Vector{};
                half[0][j] = upper;
                half[1][j] = upper + lower;
                half[2][j] = upper - lower;
                half[3][j] = -lower;
            }
#pragma clang loop unroll(full)
            for (int i = 0; i < 4; ++i) {
                square[4 * i] = half[i][0];
                square[4 * i + 1] = half[i][0] + half[i][1];
                square[4 * i + 2] = half[i][0] - half[i][1];
                square[4 * i + 3] = -half[i][1];
            }
        }
    };

    void transformPictures(const Number *x, int64_t first, int64_t last, int64_t words, float *to) const {
        weave<typename Forward::Pixels>(x, forward.in, first, last, words, to);
    }
    void transformGradients(const Number *g, int64_t first, int64_t last, int64_t words, float *to) const {
        weave<Gradients>(g, forward.out, first, last, words, to);
    }

    int64_t outBlocks() const { return forward.out / block; }

    /// Position `item` / blocks, block `item` % blocks of the channels out: m [16][out][in] of it = gᵀ · v, or + where `adds`.
    void multiply(const float *v, const float *g, int64_t words, int64_t item, float *m, bool adds) const {
        const int64_t p = item / outBlocks(), b = item % outBlocks();
        const uint32_t *const rows =
            reinterpret_cast<const uint32_t *>(g + p * pitch(words, forward.out) + b * words * block);
        const float *columns = v + p * pitch(words, forward.in);
        float *to = m + (p * forward.out + b * block) * forward.in;
        for (int64_t i = 0; i < forward.in; i += block, columns += words * block, to += block)
            outerPanels<Kind>(rows, columns, words, to, forward.in, adds);
    }

    /// Gᵀ m G of the channels first ..< last out → [out][3][3][in].
    void transformBack(const float *m, int64_t first, int64_t last, Number *to) const {
        const int64_t in = forward.in, each = forward.out * in;
        for (int64_t o = first; o < last; ++o)
            for (int64_t c = 0; c < in; c += lanes) {
                const float *const at = m + o * in + c;
                Vector half[3][4];  // Gᵀ m
#pragma clang loop unroll(full)
                for (int64_t j = 0; j < 4; ++j) {
                    const Vector m0 = load(at + j * each), m1 = load(at + (4 + j) * each),
                                 m2 = load(at + (8 + j) * each), m3 = load(at + (12 + j) * each);
                    const Vector sum = all(0.5f) * (m1 + m2);
                    half[0][j] = m0 + sum;
                    half[1][j] = all(0.5f) * (m1 - m2);
                    half[2][j] = sum + m3;
                }
#pragma clang loop unroll(full)
                for (int64_t i = 0; i < 3; ++i) {
                    const Vector *const h = half[i];
                    const Vector sum = all(0.5f) * (h[1] + h[2]);
                    Number *const row = to + (o * 9 + i * 3) * in + c;
                    Kind::write(row, h[0] + sum);
                    Kind::write(row + in, all(0.5f) * (h[1] - h[2]));
                    Kind::write(row + 2 * in, sum + h[3]);
                }
            }
    }
};
