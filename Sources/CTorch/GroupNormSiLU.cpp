// Group normalisation and what follows it, which libtorch does in several passes over memory, in two: for pictures on the
// CPU with channels innermost.
#include "Parallel.hpp"
#include "Shim.hpp"
#include "Vectors.hpp"

#include <vector>

using namespace shim;

namespace {

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

/// SiLU((x − centre) · factor + shift).
template <class T>
SHIM_INLINE void activate(
    const T *x, T *y, int64_t rows, int64_t channels, const float *centre, const float *factor, const float *shift) {
    for (int64_t r = 0; r < rows; ++r, x += channels, y += channels)
        for (int64_t c = 0; c < channels; ++c) {
            const float v = (read(x[c]) - centre[c]) * factor[c] + shift[c];
            write(y[c], v / (1.0f + exponential(-v)));
        }
}

template <class T>
struct Loops {
    void (*sums)(const T *, int64_t, int64_t, float *);
    void (*squares)(const T *, int64_t, int64_t, const float *, float *);
    void (*activate)(const T *, T *, int64_t, int64_t, const float *, const float *, const float *);
};

// The same loops for the instructions there are.
#define LOOPS(name, attributes)                                                                                     \
    template <class T>                                                                                              \
    struct name {                                                                                                   \
        attributes static void sum(const T *x, int64_t r, int64_t c, float *s) { sums(x, r, c, s); }                \
        attributes static void square(const T *x, int64_t r, int64_t c, const float *m, float *s) {                 \
            squares(x, r, c, m, s);                                                                                 \
        }                                                                                                           \
        attributes static void apply(                                                                               \
            const T *x, T *y, int64_t r, int64_t c, const float *m, const float *f, const float *s) {               \
            activate(x, y, r, c, m, f, s);                                                                          \
        }                                                                                                           \
        static constexpr Loops<T> all{sum, square, apply};                                                          \
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
};

template <class T>
void normalise(
    const T *x, T *y, const Shape &shape, const float *offset, const float *weight, const float *bias, double epsilon,
    const float *scale, const float *shift) {
    const auto &own = loops<T>();
    const int64_t channels = shape.channels, groups = shape.groups, width = channels / groups;
    const int64_t rows = std::max<int64_t>(1, pieceNumbers / channels);
    const int64_t pieces = (shape.pixels + rows - 1) / rows;
    std::vector<Moments> parts(static_cast<size_t>(shape.pictures * pieces * groups));
    parallel(shape.pictures * pieces, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> sum(static_cast<size_t>(channels)), centre(static_cast<size_t>(channels));
        for (int64_t piece = begin; piece < end; ++piece) {
            const int64_t picture = piece / pieces, first = piece % pieces * rows;
            const int64_t count = std::min(rows, shape.pixels - first);
            const T *from = x + (picture * shape.pixels + first) * channels;
            const float *own_offset = offset ? offset + picture * channels : nullptr;
            own.sums(from, count, channels, sum.data());
            Moments *found = &parts[static_cast<size_t>(piece * groups)];
            for (int64_t g = 0; g < groups; ++g) {
                double total = 0;
                for (int64_t c = g * width; c < (g + 1) * width; ++c)
                    total += sum[static_cast<size_t>(c)] + (own_offset ? double(own_offset[c]) * double(count) : 0);
                const double mean = total / double(count * width);
                for (int64_t c = g * width; c < (g + 1) * width; ++c)
                    centre[static_cast<size_t>(c)] = static_cast<float>(mean - (own_offset ? own_offset[c] : 0));
                found[g] = {double(count * width), mean, 0};
            }
            own.squares(from, count, channels, centre.data(), sum.data());
            for (int64_t g = 0; g < groups; ++g)
                for (int64_t c = g * width; c < (g + 1) * width; ++c) found[g].squares += sum[static_cast<size_t>(c)];
        }
    });
    const size_t numbers = static_cast<size_t>(shape.pictures * channels);
    std::vector<float> centre(numbers), factor(numbers), added(numbers);
    for (int64_t picture = 0; picture < shape.pictures; ++picture)
        for (int64_t g = 0; g < groups; ++g) {
            Moments all;
            for (int64_t piece = 0; piece < pieces; ++piece)
                all.join(parts[static_cast<size_t>((picture * pieces + piece) * groups + g)]);
            const double deviation = 1 / std::sqrt(all.squares / all.count + epsilon);
            for (int64_t c = g * width; c < (g + 1) * width; ++c) {
                const size_t i = static_cast<size_t>(picture * channels + c);
                const double more = scale ? 1 + double(scale[i]) : 1;
                centre[i] = static_cast<float>(all.mean - (offset ? double(offset[i]) : 0));
                factor[i] = static_cast<float>(deviation * (weight ? weight[c] : 1) * more);
                added[i] = static_cast<float>((bias ? bias[c] : 0) * more + (shift ? shift[i] : 0));
            }
        }
    parallel(shape.pictures * pieces, 1, [&](int64_t begin, int64_t end) {
        for (int64_t piece = begin; piece < end; ++piece) {
            const int64_t picture = piece / pieces, first = piece % pieces * rows;
            const int64_t at = (picture * shape.pixels + first) * channels, i = picture * channels;
            own.activate(
                x + at, y + at, std::min(rows, shape.pixels - first), channels, &centre[static_cast<size_t>(i)],
                &factor[static_cast<size_t>(i)], &added[static_cast<size_t>(i)]);
        }
    });
}

}  // namespace

extern "C" {

bool ct_fuses_group_norm(const ct_tensor *x) {
    const at::Tensor &value = x->value;
    return fuses(value) && value.dim() == 4 && value.is_contiguous(at::MemoryFormat::ChannelsLast);
}

ct_tensor *ct_group_norm_silu(
    const ct_tensor *x, const ct_tensor *offset, long groups, const ct_tensor *weight, const ct_tensor *bias,
    double epsilon, const ct_tensor *scale, const ct_tensor *shift, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        const at::Tensor &value = x->value;
        TORCH_CHECK(ct_fuses_group_norm(x), "not [N, C, H, W] on the CPU with channels innermost");
        const Shape shape{value.size(0), value.size(2) * value.size(3), value.size(1), groups};
        TORCH_CHECK(groups > 0 && shape.channels % groups == 0, shape.channels, " channels in ", groups, " groups");
        auto numbers = [](const ct_tensor *t, int64_t count, const char *name) {
            if (!t) return at::Tensor();
            TORCH_CHECK(t->value.numel() == count, name, " has ", t->value.numel(), " numbers, not ", count);
            return t->value.to(at::kFloat).contiguous();
        };
        const int64_t all = shape.pictures * shape.channels;
        const at::Tensor w = numbers(weight, shape.channels, "weight"), b = numbers(bias, shape.channels, "bias"),
                         o = numbers(offset, all, "offset"), s = numbers(scale, all, "scale"),
                         h = numbers(shift, all, "shift");
        auto pointer = [](const at::Tensor &t) {
            return t.defined() ? static_cast<const float *>(t.const_data_ptr()) : nullptr;
        };
        at::Tensor result = at::empty_like(value, value.options(), at::MemoryFormat::ChannelsLast);
        if (value.scalar_type() == at::kFloat) {
            normalise(
                static_cast<const float *>(value.const_data_ptr()), static_cast<float *>(result.mutable_data_ptr()), shape,
                pointer(o), pointer(w), pointer(b), epsilon, pointer(s), pointer(h));
        } else {
            normalise(
                static_cast<const uint16_t *>(value.const_data_ptr()), static_cast<uint16_t *>(result.mutable_data_ptr()),
                shape, pointer(o), pointer(w), pointer(b), epsilon, pointer(s), pointer(h));
        }
        return result;
    });
}

}
