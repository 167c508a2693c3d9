// Work shared among the threads that libtorch's own operations use.
#pragma once
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <mutex>

namespace shim {

// libtorch's pool is an OpenMP library that comes with it, and that Swift's compiler has no headers for: its entry point
// is found at run time. Where there is none, the work is done by the caller alone.
struct OpenMP {
    using Region = void (*)(void (*)(void *), void *, unsigned, unsigned);
    using Number = int (*)();
    Region region = reinterpret_cast<Region>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    Number thread = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
    Number threads = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
    Number inside = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_in_parallel"));

    static const OpenMP &shared() {
        static const OpenMP found;
        return found;
    }
    bool isThere() const { return region && thread && threads && inside; }
};

/// Calls `body(begin, end)` for parts of 0..<count, each of them once.
template <class Body>
void parallel(int64_t count, int64_t grain, const Body &body) {
    const OpenMP &pool = OpenMP::shared();
    const int64_t wanted = std::min<int64_t>(at::get_num_threads(), (count + grain - 1) / std::max<int64_t>(grain, 1));
    if (count <= 0) return;
    if (wanted <= 1 || !pool.isThere() || pool.inside()) return body(0, count);
    struct Share {
        const Body &body;
        int64_t count;
        std::mutex lock;
        std::exception_ptr error;
    } share{body, count, {}, nullptr};
    pool.region(
        [](void *data) {
            Share &share = *static_cast<Share *>(data);
            const OpenMP &pool = OpenMP::shared();
            const int64_t threads = pool.threads(), each = (share.count + threads - 1) / threads;
            const int64_t begin = pool.thread() * each, end = std::min(share.count, begin + each);
            if (begin >= end) return;
            try {
                share.body(begin, end);
            } catch (...) {
                std::lock_guard<std::mutex> guard(share.lock);
                share.error = std::current_exception();
            }
        },
        &share, static_cast<unsigned>(wanted), 0);
    if (share.error) std::rethrow_exception(share.error);
}

}  // namespace shim
