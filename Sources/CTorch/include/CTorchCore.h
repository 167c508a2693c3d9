/* Handles, creation, copies, random numbers, the machine. Included by CTorch.h. */

void ct_tensor_free(ct_tensor *tensor);
/* Tensors made here and not yet freed, over all threads. */
long ct_live_tensors(void);

/* What a tensor is. */
int32_t ct_dtype(const ct_tensor *t); /* -1: a type that Moonlit does not know */
ct_device ct_tensor_device(const ct_tensor *t);
int32_t ct_rank(const ct_tensor *t);
void ct_shape(const ct_tensor *t, long *shape); /* `ct_rank` numbers */
long ct_count(const ct_tensor *t);
bool ct_is_contiguous(const ct_tensor *t, bool channels_last);
bool ct_is_same_storage(const ct_tensor *a, const ct_tensor *b);

/* Creation. */
ct_tensor *ct_empty(const long *shape, int32_t rank, int32_t dtype, ct_device device, ct_error **error);
ct_tensor *ct_full(const long *shape, int32_t rank, double value, int32_t dtype, ct_device device, ct_error **error);
ct_tensor *ct_arange(double start, double end, double step, int32_t dtype, ct_device device, ct_error **error);
/* Copies `byte_count` bytes, which must be the shape's. */
ct_tensor *ct_from_bytes(
    const void *bytes, size_t byte_count, const long *shape, int32_t rank, int32_t dtype, ct_error **error);
/* Borrows memory, with strides in elements or null for contiguous; calls `release(context)` once when libtorch lets go
 * of it, also when this call fails. */
ct_tensor *ct_from_memory(
    void *memory, const long *shape, const long *strides, int32_t rank, int32_t dtype, void *context,
    void (*release)(void *context), ct_error **error);

/* Copies. */
bool ct_copy_bytes(const ct_tensor *t, void *out, size_t byte_count, ct_error **error);
bool ct_item(const ct_tensor *t, double *out, ct_error **error);
ct_tensor *ct_to(const ct_tensor *t, int32_t dtype, ct_device device, ct_error **error);
ct_tensor *ct_clone(const ct_tensor *t, ct_error **error);
ct_tensor *ct_contiguous(const ct_tensor *t, bool channels_last, ct_error **error);

/* Random numbers: PyTorch's generators. */
ct_generator *ct_generator_new(uint64_t seed, ct_device device, ct_error **error);
void ct_generator_free(ct_generator *generator);
ct_tensor *ct_generator_state(const ct_generator *generator, ct_error **error);
bool ct_generator_set_state(ct_generator *generator, const ct_tensor *state, ct_error **error);
ct_tensor *ct_randn(
    const long *shape, int32_t rank, int32_t dtype, ct_device device, ct_generator *generator, ct_error **error);
ct_tensor *ct_rand(
    const long *shape, int32_t rank, int32_t dtype, ct_device device, ct_generator *generator, ct_error **error);
ct_tensor *ct_randint(
    long low, long high, const long *shape, int32_t rank, ct_device device, ct_generator *generator, ct_error **error);
ct_tensor *ct_randperm(long n, ct_device device, ct_generator *generator, ct_error **error);

/* The machine. */
const char *ct_version(void);
int32_t ct_threads(void);
void ct_set_threads(int32_t count);
void ct_set_flush_denormals(bool on);
/* Suits glibc's allocator to tensors; once for the process. Nothing elsewhere. */
void ct_tune_allocator(void);
/* Pages of 2 MB for large tensors, on Linux; before the first tensor: libtorch reads the wish once. */
void ct_expect_large_tensors(void);
/* Opens libtorch's CUDA library if it can be found; the number of devices that can be used. */
int32_t ct_cuda_count(void);
bool ct_mps_available(void);
bool ct_synchronize(ct_device device, ct_error **error);
