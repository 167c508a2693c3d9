/* Arithmetic, comparison, reduction and shape. Included by CTorch.h. */

/* Two tensors, broadcast. */
ct_tensor *ct_add(const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_subtract(const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_multiply(const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_divide(const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_maximum(const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_minimum(const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_matmul(const ct_tensor *a, const ct_tensor *b, ct_error **error);

/* A tensor and a number. */
ct_tensor *ct_add_number(const ct_tensor *a, double b, ct_error **error);
ct_tensor *ct_subtract_from_number(double a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_multiply_number(const ct_tensor *a, double b, ct_error **error);
ct_tensor *ct_divide_number(const ct_tensor *a, double b, ct_error **error);
ct_tensor *ct_power(const ct_tensor *a, double exponent, ct_error **error);

/* One tensor, element by element. */
ct_tensor *ct_negate(const ct_tensor *t, ct_error **error);
ct_tensor *ct_exp(const ct_tensor *t, ct_error **error);
ct_tensor *ct_expm1(const ct_tensor *t, ct_error **error);
ct_tensor *ct_log(const ct_tensor *t, ct_error **error);
ct_tensor *ct_sqrt(const ct_tensor *t, ct_error **error);
ct_tensor *ct_rsqrt(const ct_tensor *t, ct_error **error);
ct_tensor *ct_reciprocal(const ct_tensor *t, ct_error **error);
ct_tensor *ct_square(const ct_tensor *t, ct_error **error);
ct_tensor *ct_abs(const ct_tensor *t, ct_error **error);
ct_tensor *ct_sin(const ct_tensor *t, ct_error **error);
ct_tensor *ct_cos(const ct_tensor *t, ct_error **error);
ct_tensor *ct_tanh(const ct_tensor *t, ct_error **error);
ct_tensor *ct_erf(const ct_tensor *t, ct_error **error);
ct_tensor *ct_sigmoid(const ct_tensor *t, ct_error **error);
ct_tensor *ct_silu(const ct_tensor *t, ct_error **error);
ct_tensor *ct_relu(const ct_tensor *t, ct_error **error);
ct_tensor *ct_softplus(const ct_tensor *t, ct_error **error);
ct_tensor *ct_floor(const ct_tensor *t, ct_error **error);
ct_tensor *ct_round(const ct_tensor *t, ct_error **error);
ct_tensor *ct_is_finite(const ct_tensor *t, ct_error **error);
ct_tensor *ct_logical_not(const ct_tensor *t, ct_error **error);
ct_tensor *ct_gelu(const ct_tensor *t, bool tanh_form, ct_error **error);
/* Not-a-number stands for "no bound". */
ct_tensor *ct_clamp(const ct_tensor *t, double minimum, double maximum, ct_error **error);

/* Comparison and choice. `relation`: 0 =, 1 ≠, 2 <, 3 ≤, 4 >, 5 ≥. */
ct_tensor *ct_compare(const ct_tensor *a, const ct_tensor *b, int32_t relation, ct_error **error);
ct_tensor *ct_compare_number(const ct_tensor *a, double b, int32_t relation, ct_error **error);
ct_tensor *ct_where(const ct_tensor *condition, const ct_tensor *a, const ct_tensor *b, ct_error **error);
ct_tensor *ct_lerp(const ct_tensor *a, const ct_tensor *b, double weight, ct_error **error);

/* Reductions; no dimensions given means all of them. */
ct_tensor *ct_sum(const ct_tensor *t, const long *dims, int32_t n, bool keep, ct_error **error);
ct_tensor *ct_mean(const ct_tensor *t, const long *dims, int32_t n, bool keep, ct_error **error);
ct_tensor *ct_variance(
    const ct_tensor *t, const long *dims, int32_t n, bool unbiased, bool keep, ct_error **error);
ct_tensor *ct_amax(const ct_tensor *t, const long *dims, int32_t n, bool keep, ct_error **error);
ct_tensor *ct_amin(const ct_tensor *t, const long *dims, int32_t n, bool keep, ct_error **error);
ct_tensor *ct_norm(const ct_tensor *t, const long *dims, int32_t n, bool keep, ct_error **error);
ct_tensor *ct_argmax(const ct_tensor *t, long dim, ct_error **error);
ct_tensor *ct_cumulative_sum(const ct_tensor *t, long dim, ct_error **error);
ct_tensor *ct_sort(const ct_tensor *t, long dim, bool descending, ct_tensor **indices, ct_error **error);
ct_tensor *ct_softmax(const ct_tensor *t, long dim, int32_t dtype, ct_error **error); /* dtype -1: the input's */
ct_tensor *ct_log_softmax(const ct_tensor *t, long dim, ct_error **error);
ct_tensor *ct_logsumexp(const ct_tensor *t, long dim, bool keep, ct_error **error);

/* Eigenvalues, ascending, of symmetric matrices [..., n, n], and their vectors as columns; the lower triangle is read. */
ct_tensor *ct_symmetric_eigen(const ct_tensor *t, ct_tensor **vectors, ct_error **error);

/* Shape. */
ct_tensor *ct_reshape(const ct_tensor *t, const long *shape, int32_t rank, ct_error **error);
ct_tensor *ct_permute(const ct_tensor *t, const long *dims, int32_t n, ct_error **error);
ct_tensor *ct_transpose(const ct_tensor *t, long a, long b, ct_error **error);
ct_tensor *ct_unsqueeze(const ct_tensor *t, long dim, ct_error **error);
ct_tensor *ct_squeeze(const ct_tensor *t, long dim, ct_error **error);
ct_tensor *ct_expand(const ct_tensor *t, const long *shape, int32_t rank, ct_error **error);
ct_tensor *ct_repeat(const ct_tensor *t, const long *times, int32_t n, ct_error **error);
ct_tensor *ct_narrow(const ct_tensor *t, long dim, long start, long length, ct_error **error);
ct_tensor *ct_select(const ct_tensor *t, long dim, long index, ct_error **error);
ct_tensor *ct_index_select(const ct_tensor *t, long dim, const ct_tensor *indices, ct_error **error);
ct_tensor *ct_gather(const ct_tensor *t, long dim, const ct_tensor *indices, ct_error **error);
ct_tensor *ct_flip(const ct_tensor *t, const long *dims, int32_t n, ct_error **error);
ct_tensor *ct_triangle(const ct_tensor *t, long diagonal, bool upper, ct_error **error);
ct_tensor *ct_concatenate(ct_tensor *const *list, int32_t n, long dim, ct_error **error);
ct_tensor *ct_stack(ct_tensor *const *list, int32_t n, long dim, ct_error **error);

/* In place: for training only. */
bool ct_copy_in_place(const ct_tensor *t, const ct_tensor *source, ct_error **error);
bool ct_fill_in_place(const ct_tensor *t, double value, ct_error **error);
bool ct_add_in_place(const ct_tensor *t, const ct_tensor *other, double factor, ct_error **error);
bool ct_multiply_in_place(const ct_tensor *t, double factor, ct_error **error);
