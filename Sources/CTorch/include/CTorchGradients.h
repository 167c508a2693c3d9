/* Gradients, autocast and the optimizer's fused steps. Included by CTorch.h. */

bool ct_set_requires_grad(const ct_tensor *t, bool on, ct_error **error);
bool ct_requires_grad(const ct_tensor *t);
ct_tensor *ct_detach(const ct_tensor *t, ct_error **error);
/* Adds the gradient of a scalar to every leaf that requires one. */
bool ct_backward(const ct_tensor *loss, const ct_tensor *seed_or_null, ct_error **error);
ct_tensor *ct_gradient(const ct_tensor *leaf); /* null where there is none */
void ct_clear_gradient(const ct_tensor *leaf);
bool ct_set_gradient(const ct_tensor *leaf, const ct_tensor *gradient, ct_error **error);
/* d(Σ seed·output)/d(inputs), without touching any leaf's own gradient; `out[i]` is null where unrelated. */
bool ct_gradients_of(
    const ct_tensor *output, const ct_tensor *seed_or_null, ct_tensor *const *inputs, int32_t n, ct_tensor **out,
    ct_error **error);

/* Thread-local modes; each returns the value before. */
bool ct_set_grad_mode(bool on);
bool ct_grad_mode(void);
typedef struct ct_autocast {
    bool on;
    int32_t dtype;
} ct_autocast;
ct_autocast ct_set_autocast(int32_t device_kind, ct_autocast state);

/* AdamW (Loshchilov & Hutter 2019) over lists, libtorch's fused kernel; `steps` are float32 scalars, raised by one
 * beforehand by the caller. Moments lie in memory as their parameters do, or it is an error. */
bool ct_adamw_step(
    ct_tensor *const *parameters, ct_tensor *const *gradients, ct_tensor *const *first, ct_tensor *const *second,
    ct_tensor *const *steps, int32_t n, double rate, double beta1, double beta2, double decay, double epsilon,
    ct_error **error);
/* average ← average + weight · (value − average) over lists. */
bool ct_lerp_lists(ct_tensor *const *averages, ct_tensor *const *values, int32_t n, double weight, ct_error **error);
/* The L2 norm over all tensors of a list, a float32 scalar. */
ct_tensor *ct_total_norm(ct_tensor *const *list, int32_t n, ct_error **error);
bool ct_multiply_lists(ct_tensor *const *list, int32_t n, double factor, ct_error **error);
