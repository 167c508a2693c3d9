#ifndef CVECTORS_H
#define CVECTORS_H

#include <stddef.h>
#include <stdint.h>

/// What a query's products with many rows are at least and at most.
///
/// A row is a float32 `scale`, a float32 `error`, and `width` whole numbers from -127 to 127; the vector that it stands
/// for is no farther from `scale` times these than `error`. The query is `query_scale` times `query`, and the difference
/// costs at most `query_error`. Rows follow one another without gaps and need no alignment.
///
/// `width` is a multiple of 16, and 127 * width * the largest |query| must fit an int32. A row whose scale or error is no
/// finite number is bounded by infinities.
void moonlit_bound_products(
    const void *rows, size_t count, size_t width, const int16_t *query, float query_scale, float query_error,
    float *lower, float *upper);

#endif
