// Group normalisation and its gradients as passes over the numbers of pictures [pictures, pixels, channels].
#pragma once
#include "Parallel.hpp"
#include "Vectors.hpp"

#include <cmath>
#include <vector>

namespace shim::norm {
/// Each channel's sum over rows [rows, channels].
template <class T>
SHIM_INLINE void sums(const T *x, int64_t rows, int64_t channels, float *sum) {
    for (int64_t c = 0; c < channels; ++c) sum[c] = 0;
    for (int64_t r = 0; r < rows; ++r, x += channels)
        for (int64_t c = 0; c < channels; ++c) sum[c] += read(x[c]);
}

/// Each channel's sum of squared distances from `centre`.
template <class T>
SHIM_INLINE void squares(const T *x, int64_t rows, int64_t channels, const float *centre, float *sum) {
    for (int64_t c = 0; c < channels; ++c) sum[c] = 0;
    for (int64_t r = 0; r < rows; ++r, x += channels)
        for (int64_t c = 0; c < channels; ++c) {
            const float d = read(x[c]) - centre[c];
            sum[c] += d * d;
        }
}

/// What each channel of a picture is normalised with: z = (x − centre) · deviation, then z · factor + shift.
struct Channels {
    const float *centre, *deviation, *factor, *shift;
};

SHIM_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

/// z · factor + shift of rows [rows, channels], through SiLU where `silu`.
template <bool silu, class T>
SHIM_INLINE void finish(const T *x, T *y, int64_t rows, int64_t channels, const Channels &with) {
    const float *const centre = with.centre, *const deviation = with.deviation, *const factor = with.factor,
                *const shift = with.shift;
    for (int64_t r = 0; r < rows; ++r, x += channels, y += channels)
        for (int64_t c = 0; c < channels; ++c) {
            const float v = (read(x[c]) - centre[c]) * deviation[c] * factor[c] + shift[c];
            write(y[c], silu ? v * sigmoid(v) : v);
        }
}

/// The gradient by what `finish` takes through SiLU.
template <bool silu>
SHIM_INLINE float inner(float gradient, float v) {
    if (!silu) return gradient;
    const float s = sigmoid(v);
    return gradient * s * (1.0f + v * (1.0f - s));
}

/// Each channel's sum of the gradients by z · factor + shift, and of those times z.
template <bool silu, class T>
SHIM_INLINE void gradientSums(
    const T *x, const T *gradient, int64_t rows, int64_t channels, const Channels &with, float *sum, float *product) {
    const float *const centre = with.centre, *const deviation = with.deviation, *const factor = with.factor,
                *const shift = with.shift;
    for (int64_t c = 0; c < channels; ++c) sum[c] = product[c] = 0;
    for (int64_t r = 0; r < rows; ++r, x += channels, gradient += channels)
        for (int64_t c = 0; c < channels; ++c) {
            const float z = (read(x[c]) - centre[c]) * deviation[c];
            const float d = inner<silu>(read(gradient[c]), z * factor[c] + shift[c]);
            sum[c] += d;
            product[c] += d * z;
        }
}

/// The gradient by x: deviation · (d · factor − mean − z · slope), where the last two are a group's.
template <bool silu, class T>
SHIM_INLINE void gradientBack(
    const T *x, const T *gradient, T *to, int64_t rows, int64_t channels, const Channels &with, const float *mean,
    const float *slope) {
    const float *const centre = with.centre, *const deviation = with.deviation, *const factor = with.factor,
                *const shift = with.shift;
    for (int64_t r = 0; r < rows; ++r, x += channels, gradient += channels, to += channels)
        for (int64_t c = 0; c < channels; ++c) {
            const float z = (read(x[c]) - centre[c]) * deviation[c];
            const float d = inner<silu>(read(gradient[c]), z * factor[c] + shift[c]);
            write(to[c], deviation[c] * (d * factor[c] - mean[c] - z * slope[c]));
        }
}

template <class T>
struct Loops {
    void (*sums)(const T *, int64_t, int64_t, float *);
    void (*squares)(const T *, int64_t, int64_t, const float *, float *);
    void (*finish)(bool, const T *, T *, int64_t, int64_t, const Channels &);
    void (*gradientSums)(bool, const T *, const T *, int64_t, int64_t, const Channels &, float *, float *);
    void (*gradientBack)(bool, const T *, const T *, T *, int64_t, int64_t, const Channels &, const float *, const float *);
};

// The same loops for the instructions there are.
#define LOOPS(name, attributes)                                                                                     \
    template <class T>                                                                                              \
    struct name {                                                                                                   \
        attributes static void sum(const T *x, int64_t r, int64_t c, float *s) { sums(x, r, c, s); }                \
        attributes static void square(const T *x, int64_t r, int64_t c, const float *m, float *s) {                 \
            squares(x, r, c, m, s);                                                                                 \
        }                                                                                                           \
        attributes static void apply(bool silu, const T *x, T *y, int64_t r, int64_t c, const Channels &w) {        \
            silu ? finish<true>(x, y, r, c, w) : finish<false>(x, y, r, c, w);                                      \
        }                                                                                                           \
        attributes static void first(                                                                               \
            bool silu, const T *x, const T *g, int64_t r, int64_t c, const Channels &w, float *s, float *p) {       \
            silu ? gradientSums<true>(x, g, r, c, w, s, p) : gradientSums<false>(x, g, r, c, w, s, p);              \
        }                                                                                                           \
        attributes static void second(                                                                              \
            bool silu, const T *x, const T *g, T *d, int64_t r, int64_t c, const Channels &w, const float *m,       \
            const float *s) {                                                                                       \
            silu ? gradientBack<true>(x, g, d, r, c, w, m, s) : gradientBack<false>(x, g, d, r, c, w, m, s);        \
        }                                                                                                           \
        static constexpr Loops<T> all{sum, square, apply, first, second};                                           \
    };
LOOPS(Plain, )
#if defined(__x86_64__)
LOOPS(Wide, SHIM_AVX2)
LOOPS(Widest, SHIM_AVX512)
#endif

template <class T>
const Loops<T> &loops() {
#if defined(__x86_64__)
    if (widest() == 2) return Widest<T>::all;
    if (widest() == 1) return Wide<T>::all;
#endif
    return Plain<T>::all;
}

/// How many numbers, their mean, and the sum of their squared distances from it.
struct Moments {
    double count = 0, mean = 0, squares = 0;

    /// Chan, Golub & LeVeque 1983, equation 2.1.
    void join(const Moments &other) {
        if (other.count == 0) return;
        const double all = count + other.count, d = other.mean - mean;
        mean += d * other.count / all;
        squares += other.squares + d * d * count * other.count / all;
        count = all;
    }
};

/// Numbers of a piece: it stays in the second cache between its two passes.
constexpr int64_t pieceNumbers = 32768;

struct Shape {
    int64_t pictures, pixels, channels, groups;

    int64_t width() const { return channels / groups; }
    int64_t rows() const { return std::max<int64_t>(1, pieceNumbers / channels); }
    int64_t pieces() const { return (pixels + rows() - 1) / rows(); }

    /// Calls `body(picture, number of the first pixel, count of pixels, number of the piece)` for each piece.
    template <class Body>
    void eachPiece(const Body &body) const {
        parallel(pictures * pieces(), 1, [&](int64_t begin, int64_t end) {
            for (int64_t piece = begin; piece < end; ++piece) {
                const int64_t picture = piece / pieces(), first = piece % pieces() * rows();
                body(picture, first, std::min(rows(), pixels - first), piece);
            }
        });
    }
};

/// For each picture's channels.
struct Scales {
    std::vector<float> centre, deviation, factor, shift;

    Scales(const Shape &s)
        : centre(static_cast<size_t>(s.pictures * s.channels)), deviation(centre), factor(centre), shift(centre) {}
    Channels of(int64_t picture, const Shape &s) const {
        const int64_t i = picture * s.channels;
        return {centre.data() + i, deviation.data() + i, factor.data() + i, shift.data() + i};
    }
};

/// The parameters, float32 or null: offset, scale and shift hold a number for each picture's channels.
struct Parameters {
    const float *offset, *weight, *bias, *scale, *shift;

    void fill(Scales &all, const Shape &s) const {
        for (int64_t i = 0; i < s.pictures * s.channels; ++i) {
            const int64_t c = i % s.channels;
            const float more = scale ? 1 + scale[i] : 1;
            all.factor[static_cast<size_t>(i)] = (weight ? weight[c] : 1) * more;
            all.shift[static_cast<size_t>(i)] = (bias ? bias[c] : 0) * more + (shift ? shift[i] : 0);
        }
    }
};

/// Means and deviations of the groups of x + offset.
template <class T>
void measure(const T *x, const Shape &shape, const float *offset, double epsilon, Scales &all) {
    const auto &own = loops<T>();
    const int64_t channels = shape.channels, groups = shape.groups, width = shape.width();
    std::vector<Moments> parts(static_cast<size_t>(shape.pictures * shape.pieces() * groups));
    shape.eachPiece([&](int64_t picture, int64_t first, int64_t count, int64_t piece) {
        std::vector<float> sum(static_cast<size_t>(channels)), centre(static_cast<size_t>(channels));
        const T *from = x + (picture * shape.pixels + first) * channels;
        const float *added = offset ? offset + picture * channels : nullptr;
        own.sums(from, count, channels, sum.data());
        Moments *found = &parts[static_cast<size_t>(piece * groups)];
        for (int64_t g = 0; g < groups; ++g) {
            double total = 0;
            for (int64_t c = g * width; c < (g + 1) * width; ++c)
                total += sum[static_cast<size_t>(c)] + (added ? double(added[c]) * double(count) : 0);
            const double mean = total / double(count * width);
            for (int64_t c = g * width; c < (g + 1) * width; ++c)
                centre[static_cast<size_t>(c)] = static_cast<float>(mean - (added ? added[c] : 0));
            found[g] = {double(count * width), mean, 0};
        }
        own.squares(from, count, channels, centre.data(), sum.data());
        for (int64_t g = 0; g < groups; ++g)
            for (int64_t c = g * width; c < (g + 1) * width; ++c) found[g].squares += sum[static_cast<size_t>(c)];
    });
    for (int64_t picture = 0; picture < shape.pictures; ++picture)
        for (int64_t g = 0; g < groups; ++g) {
            Moments whole;
            for (int64_t piece = 0; piece < shape.pieces(); ++piece)
                whole.join(parts[static_cast<size_t>((picture * shape.pieces() + piece) * groups + g)]);
            const double deviation = 1 / std::sqrt(whole.squares / whole.count + epsilon);
            for (int64_t c = g * width; c < (g + 1) * width; ++c) {
                const size_t i = static_cast<size_t>(picture * channels + c);
                all.centre[i] = static_cast<float>(whole.mean - (offset ? double(offset[i]) : 0));
                all.deviation[i] = static_cast<float>(deviation);
            }
        }
}

template <class T>
void finishAll(const T *x, T *y, const Shape &shape, const Scales &all, bool silu) {
    const auto &own = loops<T>();
    shape.eachPiece([&](int64_t picture, int64_t first, int64_t count, int64_t) {
        const int64_t at = (picture * shape.pixels + first) * shape.channels;
        own.finish(silu, x + at, y + at, count, shape.channels, all.of(picture, shape));
    });
}

/// The gradient by x; `sum` and `product` [pictures, channels] become what those by the parameters are made of.
template <class T>
void goBack(
    const T *x, const T *gradient, T *to, const Shape &shape, const Scales &all, bool silu, std::vector<float> &sum,
    std::vector<float> &product) {
    const auto &own = loops<T>();
    const int64_t channels = shape.channels, width = shape.width();
    std::vector<float> parts(static_cast<size_t>(shape.pictures * shape.pieces() * 2 * channels));
    shape.eachPiece([&](int64_t picture, int64_t first, int64_t count, int64_t piece) {
        const int64_t at = (picture * shape.pixels + first) * channels;
        float *const found = &parts[static_cast<size_t>(piece * 2 * channels)];
        own.gradientSums(silu, x + at, gradient + at, count, channels, all.of(picture, shape), found, found + channels);
    });
    std::vector<float> mean(sum.size()), slope(sum.size());
    for (int64_t picture = 0; picture < shape.pictures; ++picture) {
        for (int64_t c = 0; c < channels; ++c) {
            double s = 0, p = 0;
            for (int64_t piece = picture * shape.pieces(); piece < (picture + 1) * shape.pieces(); ++piece) {
                s += parts[static_cast<size_t>(piece * 2 * channels + c)];
                p += parts[static_cast<size_t>((piece * 2 + 1) * channels + c)];
            }
            sum[static_cast<size_t>(picture * channels + c)] = static_cast<float>(s);
            product[static_cast<size_t>(picture * channels + c)] = static_cast<float>(p);
        }
        for (int64_t g = 0; g < shape.groups; ++g) {
            const size_t begin = static_cast<size_t>(picture * channels + g * width), end = begin + static_cast<size_t>(width);
            double m = 0, s = 0;
            for (size_t i = begin; i < end; ++i) m += double(sum[i]) * all.factor[i], s += double(product[i]) * all.factor[i];
            const double count = double(width * shape.pixels);
            for (size_t i = begin; i < end; ++i)
                mean[i] = static_cast<float>(m / count), slope[i] = static_cast<float>(s / count);
        }
    }
    shape.eachPiece([&](int64_t picture, int64_t first, int64_t count, int64_t) {
        const int64_t at = (picture * shape.pixels + first) * channels;
        own.gradientBack(
            silu, x + at, gradient + at, to + at, count, channels, all.of(picture, shape), &mean[static_cast<size_t>(picture * channels)],
            &slope[static_cast<size_t>(picture * channels)]);
    });
}

}  // namespace shim::norm
