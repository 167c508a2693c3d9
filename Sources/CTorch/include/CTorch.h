/* Moonlit's door to libtorch: plain C over `at::Tensor`.
 *
 * Rules. No function lets a C++ exception out. A function that makes a tensor returns it, or null with
 * `*error` set; a function that does something returns true, or false with `*error` set. The caller owns what it
 * is given: tensors are freed by `ct_tensor_free`, generators by `ct_generator_free`, errors by `ct_error_free`.
 * Shapes and lists of dimensions are `const long *` with a count. A null tensor pointer stands for "none" where a
 * parameter says it may. */
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;
typedef struct ct_generator ct_generator;

enum { CT_ERROR_OPERATION = 0, CT_ERROR_MEMORY = 1, CT_ERROR_DEVICE = 2 };
typedef struct ct_error {
    int32_t kind;
    char *message;
} ct_error;
void ct_error_free(ct_error *error);

/* Types of elements, in the order of Swift's `DType`. */
enum {
    CT_FLOAT32, CT_FLOAT16, CT_BFLOAT16, CT_FLOAT64, CT_INT64, CT_INT32, CT_INT16, CT_INT8, CT_UINT8, CT_BOOL
};
enum { CT_CPU, CT_CUDA, CT_MPS };
typedef struct ct_device {
    int32_t kind;
    int32_t index;
} ct_device;

#include "CTorchCore.h"
#include "CTorchFused.h"
#include "CTorchGradients.h"
#include "CTorchNetwork.h"
#include "CTorchOperations.h"

#ifdef __cplusplus
}
#endif
#endif
