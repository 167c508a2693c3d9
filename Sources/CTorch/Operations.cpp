// Arithmetic, comparison, reduction and shape.
#include "Shim.hpp"

#include <cmath>

using namespace shim;

namespace {
at::OptionalIntArrayRef someDimensions(const long *dims, int32_t n) {
    return n ? at::OptionalIntArrayRef(list(dims, n)) : std::nullopt;
}
}  // namespace

#define UNARY(name, call) \
    ct_tensor *name(const ct_tensor *t, ct_error **error) { return make(error, [&] { return call(t->value); }); }
#define BINARY(name, call)                                                        \
    ct_tensor *name(const ct_tensor *a, const ct_tensor *b, ct_error **error) { \
        return make(error, [&] { return call(a->value, b->value); });           \
    }
#define REDUCTION(name, body)                                                                         \
    ct_tensor *name(const ct_tensor *t, const long *dims, int32_t n, bool keep, ct_error **error) { \
        return make(error, [&]() -> at::Tensor { return body; });                                   \
    }

extern "C" {

BINARY(ct_add, at::add)
BINARY(ct_subtract, at::sub)
BINARY(ct_multiply, at::mul)
BINARY(ct_divide, at::div)
BINARY(ct_maximum, at::maximum)
BINARY(ct_minimum, at::minimum)
BINARY(ct_matmul, at::matmul)

ct_tensor *ct_add_number(const ct_tensor *a, double b, ct_error **error) {
    return make(error, [&] { return at::add(a->value, b); });
}
ct_tensor *ct_subtract_from_number(double a, const ct_tensor *b, ct_error **error) {
    return make(error, [&] { return at::rsub(b->value, a); });
}
ct_tensor *ct_multiply_number(const ct_tensor *a, double b, ct_error **error) {
    return make(error, [&] { return at::mul(a->value, b); });
}
ct_tensor *ct_divide_number(const ct_tensor *a, double b, ct_error **error) {
    return make(error, [&] { return at::div(a->value, b); });
}
ct_tensor *ct_power(const ct_tensor *a, double exponent, ct_error **error) {
    return make(error, [&] { return at::pow(a->value, exponent); });
}

UNARY(ct_negate, at::neg)
UNARY(ct_exp, at::exp)
UNARY(ct_expm1, at::expm1)
UNARY(ct_log, at::log)
UNARY(ct_sqrt, at::sqrt)
UNARY(ct_rsqrt, at::rsqrt)
UNARY(ct_reciprocal, at::reciprocal)
UNARY(ct_square, at::square)
UNARY(ct_abs, at::abs)
UNARY(ct_sin, at::sin)
UNARY(ct_cos, at::cos)
UNARY(ct_tanh, at::tanh)
UNARY(ct_erf, at::erf)
UNARY(ct_sigmoid, at::sigmoid)
UNARY(ct_silu, at::silu)
UNARY(ct_relu, at::relu)
UNARY(ct_softplus, at::softplus)
UNARY(ct_floor, at::floor)
UNARY(ct_round, at::round)
UNARY(ct_is_finite, at::isfinite)
UNARY(ct_logical_not, at::logical_not)

ct_tensor *ct_gelu(const ct_tensor *t, bool tanh_form, ct_error **error) {
    return make(error, [&] { return at::gelu(t->value, tanh_form ? "tanh" : "none"); });
}

ct_tensor *ct_clamp(const ct_tensor *t, double minimum, double maximum, ct_error **error) {
    return make(error, [&] {
        std::optional<at::Scalar> low, high;
        if (!std::isnan(minimum)) low = minimum;
        if (!std::isnan(maximum)) high = maximum;
        return at::clamp(t->value, low, high);
    });
}

ct_tensor *ct_compare(const ct_tensor *a, const ct_tensor *b, int32_t relation, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        switch (relation) {
            case 0: return at::eq(a->value, b->value);
            case 1: return at::ne(a->value, b->value);
            case 2: return at::lt(a->value, b->value);
            case 3: return at::le(a->value, b->value);
            case 4: return at::gt(a->value, b->value);
            case 5: return at::ge(a->value, b->value);
            default: TORCH_CHECK(false, "unknown relation ", relation);
        }
    });
}

ct_tensor *ct_compare_number(const ct_tensor *a, double b, int32_t relation, ct_error **error) {
    return make(error, [&]() -> at::Tensor {
        switch (relation) {
            case 0: return at::eq(a->value, b);
            case 1: return at::ne(a->value, b);
            case 2: return at::lt(a->value, b);
            case 3: return at::le(a->value, b);
            case 4: return at::gt(a->value, b);
            case 5: return at::ge(a->value, b);
            default: TORCH_CHECK(false, "unknown relation ", relation);
        }
    });
}

ct_tensor *ct_where(const ct_tensor *condition, const ct_tensor *a, const ct_tensor *b, ct_error **error) {
    return make(error, [&] { return at::where(condition->value, a->value, b->value); });
}
ct_tensor *ct_lerp(const ct_tensor *a, const ct_tensor *b, double weight, ct_error **error) {
    return make(error, [&] { return at::lerp(a->value, b->value, weight); });
}

REDUCTION(ct_sum, at::sum(t->value, someDimensions(dims, n), keep))
REDUCTION(ct_mean, at::mean(t->value, someDimensions(dims, n), keep))
REDUCTION(ct_amax, at::amax(t->value, list(dims, n), keep))
REDUCTION(ct_amin, at::amin(t->value, list(dims, n), keep))
REDUCTION(ct_norm, at::linalg_vector_norm(t->value, 2, someDimensions(dims, n), keep))

ct_tensor *ct_variance(const ct_tensor *t, const long *dims, int32_t n, bool unbiased, bool keep, ct_error **error) {
    return make(error, [&] { return at::var(t->value, someDimensions(dims, n), unbiased, keep); });
}
ct_tensor *ct_argmax(const ct_tensor *t, long dim, ct_error **error) {
    return make(error, [&] { return at::argmax(t->value, dim); });
}
ct_tensor *ct_cumulative_sum(const ct_tensor *t, long dim, ct_error **error) {
    return make(error, [&] { return at::cumsum(t->value, dim); });
}
ct_tensor *ct_sort(const ct_tensor *t, long dim, bool descending, ct_tensor **indices, ct_error **error) {
    return make(error, [&] {
        auto [values, order] = at::sort(t->value, /*stable=*/true, dim, descending);
        *indices = own(std::move(order));
        return values;
    });
}
ct_tensor *ct_symmetric_eigen(const ct_tensor *t, ct_tensor **vectors, ct_error **error) {
    return make(error, [&] {
        auto [values, columns] = at::linalg_eigh(t->value, "L");
        *vectors = own(std::move(columns));
        return values;
    });
}
ct_tensor *ct_softmax(const ct_tensor *t, long dim, int32_t dtype, ct_error **error) {
    return make(error, [&] {
        std::optional<at::ScalarType> wanted;
        if (dtype >= 0) wanted = type(dtype);
        return at::softmax(t->value, dim, wanted);
    });
}
ct_tensor *ct_log_softmax(const ct_tensor *t, long dim, ct_error **error) {
    return make(error, [&] { return at::log_softmax(t->value, dim); });
}
ct_tensor *ct_logsumexp(const ct_tensor *t, long dim, bool keep, ct_error **error) {
    return make(error, [&] { return at::logsumexp(t->value, dim, keep); });
}

ct_tensor *ct_reshape(const ct_tensor *t, const long *shape, int32_t rank, ct_error **error) {
    return make(error, [&] { return at::reshape(t->value, list(shape, rank)); });
}
ct_tensor *ct_permute(const ct_tensor *t, const long *dims, int32_t n, ct_error **error) {
    return make(error, [&] { return at::permute(t->value, list(dims, n)); });
}
ct_tensor *ct_transpose(const ct_tensor *t, long a, long b, ct_error **error) {
    return make(error, [&] { return at::transpose(t->value, a, b); });
}
ct_tensor *ct_unsqueeze(const ct_tensor *t, long dim, ct_error **error) {
    return make(error, [&] { return at::unsqueeze(t->value, dim); });
}
ct_tensor *ct_squeeze(const ct_tensor *t, long dim, ct_error **error) {
    return make(error, [&] { return at::squeeze(t->value, dim); });
}
ct_tensor *ct_expand(const ct_tensor *t, const long *shape, int32_t rank, ct_error **error) {
    return make(error, [&] { return t->value.expand(list(shape, rank)); });
}
ct_tensor *ct_repeat(const ct_tensor *t, const long *times, int32_t n, ct_error **error) {
    return make(error, [&] { return t->value.repeat(list(times, n)); });
}
ct_tensor *ct_narrow(const ct_tensor *t, long dim, long start, long length, ct_error **error) {
    return make(error, [&] { return at::narrow(t->value, dim, start, length); });
}
ct_tensor *ct_select(const ct_tensor *t, long dim, long index, ct_error **error) {
    return make(error, [&] { return at::select(t->value, dim, index); });
}
ct_tensor *ct_index_select(const ct_tensor *t, long dim, const ct_tensor *indices, ct_error **error) {
    return make(error, [&] { return at::index_select(t->value, dim, indices->value); });
}
ct_tensor *ct_gather(const ct_tensor *t, long dim, const ct_tensor *indices, ct_error **error) {
    return make(error, [&] { return at::gather(t->value, dim, indices->value); });
}
ct_tensor *ct_flip(const ct_tensor *t, const long *dims, int32_t n, ct_error **error) {
    return make(error, [&] { return at::flip(t->value, list(dims, n)); });
}
ct_tensor *ct_triangle(const ct_tensor *t, long diagonal, bool upper, ct_error **error) {
    return make(error, [&] { return upper ? at::triu(t->value, diagonal) : at::tril(t->value, diagonal); });
}
ct_tensor *ct_concatenate(ct_tensor *const *handles, int32_t n, long dim, ct_error **error) {
    return make(error, [&] { return at::cat(vector(handles, n), dim); });
}
ct_tensor *ct_stack(ct_tensor *const *handles, int32_t n, long dim, ct_error **error) {
    return make(error, [&] { return at::stack(vector(handles, n), dim); });
}

bool ct_copy_in_place(const ct_tensor *t, const ct_tensor *source, ct_error **error) {
    return run(error, [&] { at::Tensor(t->value).copy_(source->value); });
}
bool ct_fill_in_place(const ct_tensor *t, double value, ct_error **error) {
    return run(error, [&] { at::Tensor(t->value).fill_(value); });
}
bool ct_add_in_place(const ct_tensor *t, const ct_tensor *other, double factor, ct_error **error) {
    return run(error, [&] { at::Tensor(t->value).add_(other->value, factor); });
}
bool ct_multiply_in_place(const ct_tensor *t, double factor, ct_error **error) {
    return run(error, [&] { at::Tensor(t->value).mul_(factor); });
}

}  // extern "C"
