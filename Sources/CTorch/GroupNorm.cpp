// Group normalisation and what follows it, which libtorch does in several passes over memory, in two, and its gradients in
// two more: for pictures on the CPU with channels innermost.
#include "Parallel.hpp"
#include "Shim.hpp"
#include "Vectors.hpp"

#include <torch/csrc/autograd/custom_function.h>

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

// MARK: Tensors

/// Calls `body` with pointers to the numbers of a tensor.
template <class Body>
void withNumbers(const at::Tensor &x, const Body &body) {
    x.scalar_type() == at::kFloat ? body(static_cast<const float *>(x.const_data_ptr()))
                                  : body(static_cast<const uint16_t *>(x.const_data_ptr()));
}

Shape shapeOf(const at::Tensor &x, int64_t groups) {
    TORCH_CHECK(
        takesNorm(x), "not [N, C, H, W] of float32 or bfloat16 on the CPU with channels innermost");
    TORCH_CHECK(groups > 0 && x.size(1) % groups == 0, x.size(1), " channels in ", groups, " groups");
    return {x.size(0), x.size(2) * x.size(3), x.size(1), groups};
}

at::Tensor numbers(const at::Tensor &t, int64_t count, const char *name) {
    if (!t.defined()) return t;
    TORCH_CHECK(
        t.is_cpu() && t.numel() == count, name, " has ", t.numel(), " numbers, not ", count, " on the CPU");
    return t.to(at::kFloat).contiguous();
}

const float *pointer(const at::Tensor &t) {
    return t.defined() ? static_cast<const float *>(t.const_data_ptr()) : nullptr;
}

/// The parameters as float32, kept while pointers to them are used.
struct Operands {
    at::Tensor offset, weight, bias, scale, shift;

    Operands(
        const Shape &s, const at::Tensor &o, const at::Tensor &w, const at::Tensor &b, const at::Tensor &sc,
        const at::Tensor &sh)
        : offset(numbers(o, s.pictures * s.channels, "offset")), weight(numbers(w, s.channels, "weight")),
          bias(numbers(b, s.channels, "bias")), scale(numbers(sc, s.pictures * s.channels, "scale")),
          shift(numbers(sh, s.pictures * s.channels, "shift")) {}
    Parameters pointers() const {
        return {pointer(offset), pointer(weight), pointer(bias), pointer(scale), pointer(shift)};
    }
};

at::Tensor normalised(const at::Tensor &x, const Shape &shape, const Operands &operands, double epsilon, bool silu, Scales &all) {
    at::Tensor result = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
    const Parameters parameters = operands.pointers();
    parameters.fill(all, shape);
    withNumbers(x, [&](auto *from) {
        using Number = std::remove_const_t<std::remove_pointer_t<decltype(from)>>;
        measure(from, shape, parameters.offset, epsilon, all);
        finishAll(from, static_cast<Number *>(result.mutable_data_ptr()), shape, all, silu);
    });
    return result;
}

using Maybe = std::optional<at::Tensor>;

/// As libtorch's graph sees it.
struct Recorded : torch::autograd::Function<Recorded> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &x, const Maybe &givenWeight, const Maybe &givenBias,
        const Maybe &givenScale, const Maybe &givenShift, int64_t groups, double epsilon, bool silu) {
        const at::Tensor weight = givenWeight.value_or(at::Tensor()), bias = givenBias.value_or(at::Tensor()),
                         scale = givenScale.value_or(at::Tensor()), shift = givenShift.value_or(at::Tensor());
        const Shape shape = shapeOf(x, groups);
        Scales all(shape);
        at::Tensor result = normalised(x, shape, Operands(shape, {}, weight, bias, scale, shift), epsilon, silu, all);
        auto keep = [](const std::vector<float> &v) { return at::tensor(v, at::kFloat); };
        context->save_for_backward({x, weight, bias, scale, shift});
        context->saved_data["centre"] = keep(all.centre);
        context->saved_data["deviation"] = keep(all.deviation);
        context->saved_data["groups"] = groups;
        context->saved_data["silu"] = silu;
        return result;
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &scale = saved[3], &shift = saved[4];
        const Shape shape = shapeOf(x, context->saved_data["groups"].toInt());
        const bool silu = context->saved_data["silu"].toBool();
        const Operands operands(shape, {}, weight, bias, scale, shift);
        Scales all(shape);
        operands.pointers().fill(all, shape);
        auto restore = [](const c10::IValue &value, std::vector<float> &to) {
            const at::Tensor kept = value.toTensor();
            std::copy_n(static_cast<const float *>(kept.const_data_ptr()), to.size(), to.begin());
        };
        restore(context->saved_data["centre"], all.centre);
        restore(context->saved_data["deviation"], all.deviation);
        const at::Tensor gradient = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
        at::Tensor back = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
        std::vector<float> sum(all.centre.size()), product(sum);
        withNumbers(x, [&](auto *from) {
            using Number = std::remove_const_t<std::remove_pointer_t<decltype(from)>>;
            goBack(
                from, static_cast<const Number *>(gradient.const_data_ptr()), static_cast<Number *>(back.mutable_data_ptr()),
                shape, all, silu, sum, product);
        });
        const std::vector<int64_t> each{shape.pictures, shape.channels};
        const at::Tensor s = at::tensor(sum, at::kFloat).view(each), p = at::tensor(product, at::kFloat).view(each);
        const at::Tensor more = scale.defined() ? operands.scale.view(each) + 1 : at::Tensor();
        auto ofWeight = [&](const at::Tensor &t, const at::Tensor &parameter) {
            if (!parameter.defined()) return at::Tensor();
            return (more.defined() ? t * more : t).sum(0).to(parameter.scalar_type()).view(parameter.sizes());
        };
        at::Tensor ofScale, ofShift;
        if (scale.defined()) {
            ofScale = operands.weight.defined() ? p * operands.weight : p;
            if (operands.bias.defined()) ofScale = ofScale + s * operands.bias;
            ofScale = ofScale.to(scale.scalar_type()).view(scale.sizes());
        }
        if (shift.defined()) ofShift = s.to(shift.scalar_type()).view(shift.sizes());
        return {back, ofWeight(p, weight), ofWeight(s, bias), ofScale, ofShift, {}, {}, {}};
    }
};

}  // namespace

namespace shim {

bool takesNorm(const at::Tensor &x) {
    return x.is_cpu() && x.numel() > 0 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16)
        && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor groupNorm(
    const at::Tensor &x, const at::Tensor &offset, int64_t groups, const at::Tensor &weight, const at::Tensor &bias,
    double epsilon, const at::Tensor &scale, const at::Tensor &shift, bool silu) {
    if (c10::GradMode::is_enabled()) {
        const at::Tensor moved = offset.defined()
            ? at::add(x, offset.reshape({x.size(0), x.size(1), 1, 1}).to(x.scalar_type()))
            : x;
        auto maybe = [](const at::Tensor &t) { return t.defined() ? Maybe(t) : std::nullopt; };
        return Recorded::apply(
            moved, maybe(weight), maybe(bias), maybe(scale), maybe(shift), groups, epsilon, silu);
    }
    const Shape shape = shapeOf(x, groups);
    Scales all(shape);
    return normalised(x, shape, Operands(shape, offset, weight, bias, scale, shift), epsilon, silu, all);
}

}  // namespace shim

extern "C" {

bool ct_fuses_group_norm(const ct_tensor *x) { return takesNorm(x->value); }

ct_tensor *ct_fused_group_norm(
    const ct_tensor *x, const ct_tensor *offset, long groups, const ct_tensor *weight, const ct_tensor *bias,
    double epsilon, const ct_tensor *scale, const ct_tensor *shift, bool silu, ct_error **error) {
    return make(error, [&] {
        auto value = [](const ct_tensor *t) { return t ? t->value : at::Tensor(); };
        return groupNorm(
            x->value, value(offset), groups, value(weight), value(bias), epsilon, value(scale), value(shift), silu);
    });
}

}
