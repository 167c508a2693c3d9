// Handles, creation, copies, random numbers, the machine.
#include "Shim.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <torch/headeronly/version.h>

#include <dlfcn.h>
#if defined(__linux__)
#include <malloc.h>
#endif

#include <cstdlib>
#include <memory>
#include <mutex>

using namespace shim;

extern "C" {

void ct_error_free(ct_error *error) {
    if (!error) return;
    std::free(error->message);
    std::free(error);
}

void ct_tensor_free(ct_tensor *tensor) {
    if (!tensor) return;
    delete tensor;
    live.fetch_sub(1, std::memory_order_relaxed);
}

long ct_live_tensors(void) { return live.load(std::memory_order_relaxed); }

int32_t ct_dtype(const ct_tensor *t) {
    for (int32_t i = 0; i < 10; ++i)
        if (types[i] == t->value.scalar_type()) return i;
    return -1;
}

ct_device ct_tensor_device(const ct_tensor *t) {
    auto d = t->value.device();
    int32_t kind = d.is_cuda() ? CT_CUDA : d.is_mps() ? CT_MPS : CT_CPU;
    return {kind, d.has_index() ? d.index() : 0};
}

int32_t ct_rank(const ct_tensor *t) { return static_cast<int32_t>(t->value.dim()); }

void ct_shape(const ct_tensor *t, long *shape) {
    auto sizes = t->value.sizes();
    for (size_t i = 0; i < sizes.size(); ++i) shape[i] = sizes[i];
}

long ct_count(const ct_tensor *t) { return t->value.numel(); }

bool ct_is_contiguous(const ct_tensor *t, bool channels_last) {
    return t->value.is_contiguous(channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

bool ct_is_same_storage(const ct_tensor *a, const ct_tensor *b) {
    return a->value.has_storage() && b->value.has_storage() && a->value.storage().is_alias_of(b->value.storage());
}

ct_tensor *ct_empty(const long *shape, int32_t rank, int32_t dtype, ct_device d, ct_error **error) {
    return make(error, [&] { return at::empty(list(shape, rank), at::device(device(d)).dtype(type(dtype))); });
}

ct_tensor *ct_full(const long *shape, int32_t rank, double value, int32_t dtype, ct_device d, ct_error **error) {
    return make(error, [&] { return at::full(list(shape, rank), value, at::device(device(d)).dtype(type(dtype))); });
}

ct_tensor *ct_arange(double start, double end, double step, int32_t dtype, ct_device d, ct_error **error) {
    return make(error, [&] { return at::arange(start, end, step, at::device(device(d)).dtype(type(dtype))); });
}

ct_tensor *ct_from_bytes(
    const void *bytes, size_t byte_count, const long *shape, int32_t rank, int32_t dtype, ct_error **error) {
    return make(error, [&] {
        auto out = at::empty(list(shape, rank), at::dtype(type(dtype)));
        TORCH_CHECK(out.nbytes() == byte_count, "the shape needs ", out.nbytes(), " bytes, not ", byte_count);
        if (byte_count) std::memcpy(out.data_ptr(), bytes, byte_count);
        return out;
    });
}

ct_tensor *ct_from_memory(
    void *memory, const long *shape, const long *strides, int32_t rank, int32_t dtype, void *context,
    void (*release)(void *), ct_error **error) {
    return make(error, [&] {
        // Let go of with the last copy of the deleter, wherever this fails.
        std::shared_ptr<void> owner(context, release);
        auto deleter = [owner](void *) {};
        owner.reset();
        auto options = at::TensorOptions().dtype(type(dtype));
        return strides ? at::from_blob(memory, list(shape, rank), list(strides, rank), std::move(deleter), options)
                       : at::from_blob(memory, list(shape, rank), std::move(deleter), options);
    });
}

bool ct_copy_bytes(const ct_tensor *t, void *out, size_t byte_count, ct_error **error) {
    return run(error, [&] {
        auto flat = t->value.detach().to(at::kCPU).contiguous();
        TORCH_CHECK(flat.nbytes() == byte_count, "the tensor has ", flat.nbytes(), " bytes, not ", byte_count);
        if (byte_count) std::memcpy(out, flat.data_ptr(), byte_count);
    });
}

bool ct_item(const ct_tensor *t, double *out, ct_error **error) {
    return run(error, [&] { *out = t->value.item().toDouble(); });
}

ct_tensor *ct_to(const ct_tensor *t, int32_t dtype, ct_device d, ct_error **error) {
    return make(error, [&] { return t->value.to(device(d), type(dtype)); });
}

ct_tensor *ct_clone(const ct_tensor *t, ct_error **error) {
    return make(error, [&] { return t->value.clone(); });
}

ct_tensor *ct_contiguous(const ct_tensor *t, bool channels_last, ct_error **error) {
    return make(error, [&] {
        return t->value.contiguous(channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
    });
}

ct_generator *ct_generator_new(uint64_t seed, ct_device d, ct_error **error) {
    try {
        at::Generator g = d.kind == CT_CPU
            ? at::make_generator<at::CPUGeneratorImpl>(seed)
            : at::globalContext().defaultGenerator(device(d)).clone();
        g.set_current_seed(seed);
        return new ct_generator{std::move(g)};
    } catch (...) {
        reportCurrent(error);
        return nullptr;
    }
}

void ct_generator_free(ct_generator *generator) { delete generator; }

ct_tensor *ct_generator_state(const ct_generator *generator, ct_error **error) {
    return make(error, [&] { return generator->value.get_state(); });
}

bool ct_generator_set_state(ct_generator *generator, const ct_tensor *state, ct_error **error) {
    return run(error, [&] { generator->value.set_state(state->value); });
}

ct_tensor *ct_randn(
    const long *shape, int32_t rank, int32_t dtype, ct_device d, ct_generator *generator, ct_error **error) {
    return make(error, [&] {
        return at::randn(list(shape, rank), generator->value, at::device(device(d)).dtype(type(dtype)));
    });
}

ct_tensor *ct_rand(
    const long *shape, int32_t rank, int32_t dtype, ct_device d, ct_generator *generator, ct_error **error) {
    return make(error, [&] {
        return at::rand(list(shape, rank), generator->value, at::device(device(d)).dtype(type(dtype)));
    });
}

ct_tensor *ct_randint(
    long low, long high, const long *shape, int32_t rank, ct_device d, ct_generator *generator, ct_error **error) {
    return make(error, [&] {
        return at::randint(low, high, list(shape, rank), generator->value, at::device(device(d)).dtype(at::kLong));
    });
}

ct_tensor *ct_randperm(long n, ct_device d, ct_generator *generator, ct_error **error) {
    return make(error, [&] { return at::randperm(n, generator->value, at::device(device(d)).dtype(at::kLong)); });
}

const char *ct_version(void) { return TORCH_VERSION; }
int32_t ct_threads(void) { return at::get_num_threads(); }
void ct_set_threads(int32_t count) {
    if (count <= 0) return;
    // A thread's first parallel operation, or question, takes over the number that any thread set last: it is let do so
    // now, so that the number set here stays this thread's own.
    (void)at::get_num_threads();
    at::set_num_threads(count);
}
void ct_set_flush_denormals(bool on) { at::globalContext().setFlushDenormal(on); }

void ct_expect_large_tensors(void) {
#if defined(__linux__)
    // For tensors of 2 MB and more (`c10/core/impl/alloc_cpu.cpp`): memory that is new for each operation costs a fault for
    // each page. A value that the user has set stays.
    setenv("THP_MEM_ALLOC_ENABLE", "1", 0);
#endif
#if defined(__GLIBC__)
    // And the system clears it: what a large tensor leaves is for the next one, but for what exceeds a gigabyte.
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void ct_tune_allocator(void) {
#if defined(__GLIBC__)
    static std::once_flag once;
    std::call_once(once, [] {
        // Threads' own arenas come in heaps of 64 MB, which tensors of 8 or 16 MB fill badly: one arena took 250 MB less
        // in a training step of 1.9 GB.
        mallopt(M_ARENA_MAX, 1);
    });
#endif
}

int32_t ct_cuda_count(void) {
    static std::once_flag once;
    try {
        std::call_once(once, [] {
#if defined(__linux__)
            dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
#endif
        });
        return at::globalContext().hasCUDA() ? static_cast<int32_t>(at::detail::getCUDAHooks().deviceCount()) : 0;
    } catch (...) {
        return 0;
    }
}

bool ct_mps_available(void) {
    try {
        return at::globalContext().hasMPS();
    } catch (...) {
        return false;
    }
}

bool ct_synchronize(ct_device d, ct_error **error) {
    return run(error, [&] {
        if (d.kind == CT_CPU) return;
        c10::impl::VirtualGuardImpl(device(d).type()).synchronizeDevice(static_cast<c10::DeviceIndex>(d.index));
    });
}

}  // extern "C"
