// What every file of the shim shares: handles, and the guard that keeps C++ exceptions inside.
#pragma once
#include "CTorch.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <atomic>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

struct ct_tensor {
    at::Tensor value;
};
struct ct_generator {
    at::Generator value;
};

namespace shim {

inline std::atomic<long> live{0};

inline void report(ct_error **error, int32_t kind, const char *message) noexcept {
    if (!error) return;
    *error = static_cast<ct_error *>(std::malloc(sizeof(ct_error)));
    if (!*error) return;
    (*error)->kind = kind;
    (*error)->message = strdup(message ? message : "");
}

/// A device that this machine does not have, or that libtorch was built without.
struct NoDevice : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Call within `catch (...)`.
inline void reportCurrent(ct_error **error) noexcept {
    try {
        throw;
    } catch (const NoDevice &e) {
        report(error, CT_ERROR_DEVICE, e.what());
    } catch (const c10::OutOfMemoryError &e) {
        report(error, CT_ERROR_MEMORY, e.what_without_backtrace());
    } catch (const std::bad_alloc &e) {
        report(error, CT_ERROR_MEMORY, "not enough memory");
    } catch (const c10::Error &e) {
        const char *message = e.what_without_backtrace();
        // The two ways in which libtorch's CPU allocator says it.
        bool memory =
            message && (std::strstr(message, "not enough memory") || std::strstr(message, "can't allocate memory"));
        report(error, memory ? CT_ERROR_MEMORY : CT_ERROR_OPERATION, message);
    } catch (const std::exception &e) {
        report(error, CT_ERROR_OPERATION, e.what());
    } catch (...) {
        report(error, CT_ERROR_OPERATION, "an unknown C++ exception");
    }
}

inline ct_tensor *own(at::Tensor &&value) {
    auto *handle = new ct_tensor{std::move(value)};
    live.fetch_add(1, std::memory_order_relaxed);
    return handle;
}

template <class Body>
ct_tensor *make(ct_error **error, Body &&body) noexcept {
    try {
        return own(body());
    } catch (...) {
        reportCurrent(error);
        return nullptr;
    }
}

template <class Body>
bool run(ct_error **error, Body &&body) noexcept {
    try {
        body();
        return true;
    } catch (...) {
        reportCurrent(error);
        return false;
    }
}

constexpr at::ScalarType types[] = {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble, at::kLong,
                                    at::kInt,   at::kShort, at::kChar,    at::kByte,   at::kBool};

inline at::ScalarType type(int32_t dtype) {
    TORCH_CHECK(dtype >= 0 && dtype < 10, "unknown element type ", dtype);
    return types[dtype];
}

inline at::Device device(ct_device d) {
    switch (d.kind) {
        case CT_CPU: return at::Device(at::kCPU);
        case CT_CUDA: {
            int32_t count = ct_cuda_count();
            if (d.index < 0 || d.index >= count)
                throw NoDevice(
                    "there is no device cuda:" + std::to_string(d.index) + "; CUDA devices here: "
                    + std::to_string(count));
            return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(d.index));
        }
        case CT_MPS:
            if (!ct_mps_available()) throw NoDevice("there is no device mps here");
            return at::Device(at::kMPS);
        default: TORCH_CHECK(false, "unknown device ", d.kind);
    }
}

inline at::IntArrayRef list(const long *values, int32_t count) {
    static_assert(sizeof(long) == sizeof(int64_t), "Moonlit runs on 64-bit systems");
    return at::IntArrayRef(reinterpret_cast<const int64_t *>(values), static_cast<size_t>(count));
}

inline std::optional<at::Tensor> optional(const ct_tensor *t) {
    return t ? std::optional<at::Tensor>(t->value) : std::nullopt;
}

inline std::vector<at::Tensor> vector(ct_tensor *const *handles, int32_t count) {
    std::vector<at::Tensor> values;
    values.reserve(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; ++i) values.push_back(handles[i]->value);
    return values;
}

/// Whether an operation of our own may take the place of several of libtorch's: no graph is recorded, and the numbers
/// are on the CPU, of a type our loops read.
inline bool fuses(const at::Tensor &x) {
    return !c10::GradMode::is_enabled() && x.is_cpu() && x.numel() > 0
        && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

/// Whether the group normalisation of ours takes these pictures.
bool takesNorm(const at::Tensor &x);
/// norm(x + offset) · (1 + scale) + shift, through SiLU where `silu`; what is undefined is left out.
at::Tensor groupNorm(
    const at::Tensor &x, const at::Tensor &offset, int64_t groups, const at::Tensor &weight, const at::Tensor &bias,
    double epsilon, const at::Tensor &scale, const at::Tensor &shift, bool silu);

/// A convolution of 3×3 with stride 1 and padding 1 by Winograd's minimal filtering, with its gradients: where it pays and a
/// graph is recorded.
std::optional<at::Tensor> recordedWinograd(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias);

/// Attention by a kernel of our own, where there is one for these tensors [N, heads, L, width] and this processor.
std::optional<at::Tensor> attention(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, double scale);

}  // namespace shim
