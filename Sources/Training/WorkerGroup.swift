internal import Foundation
internal import Tensors

/// Threads that compute side by side, each with libtorch's own threads switched off: two processes of one thread were
/// measured to train faster than one of two, and so do two threads that never wait for each other within a step.
///
/// Grad mode, autocast, the number of libtorch's threads and the treatment of denormals belong to a thread; so each
/// worker sets its own, once.
package final class WorkerGroup {
    package let count: Int
    private let workers: [Worker]

    package init(count: Int) {
        Engine.tuneAllocator()
        self.count = max(1, count)
        workers = (0..<max(1, count)).map { Worker(name: "moonlit.worker.\($0)") }
    }

    deinit { for worker in workers { worker.end() } }

    /// Runs `body` for 0 ..< `jobs` and waits for all; worker w takes the jobs w, w + count, w + 2 · count …
    /// - Returns: the results in order.
    /// - Throws: the error of the first job, in order, that failed.
    package func run<Result>(_ jobs: Int, _ body: (Int) throws -> Result) throws -> [Result] {
        var results: [Swift.Result<Result, any Error>?] = Array(repeating: nil, count: jobs)
        results.withUnsafeMutableBufferPointer { buffer in
            // Sound although tensors are not Sendable: the caller waits below until every worker is done, the workers
            // touch the closure's tensors only by reading, and each writes to places of the buffer that no other does;
            // the semaphores order these writes before the caller's reads.
            withoutActuallyEscaping(body) { body in
                let shared = Handover((body: body, buffer: buffer))
                let done = DispatchSemaphore(value: 0)
                for (index, worker) in workers.enumerated() {
                    worker.give { [count] in
                        // A function of its own, so that nothing of the closure is held when the caller wakes.
                        func work() {
                            guard let (body, buffer) = shared.value else { return }
                            for job in stride(from: index, to: jobs, by: count) {
                                buffer[job] = Swift.Result { try body(job) }
                            }
                        }
                        work()
                        done.signal()
                    }
                }
                for _ in workers { done.wait() }
                shared.value = nil
            }
        }
        return try results.compactMap { try $0?.get() }
    }
}

/// Carries a value that is not `Sendable` to threads that the sender then waits for.
private final class Handover<Value>: @unchecked Sendable {
    var value: Value?
    init(_ value: Value) { self.value = value }
}

/// One thread and its queue of one job.
private final class Worker: Sendable {
    private let inbox = Inbox()

    init(name: String) {
        let thread = Thread { [inbox] in
            Engine.threads = 1
            Engine.flushDenormals(true)
            while let job = inbox.take() { autoreleased(job) }
        }
        thread.name = name
        thread.stackSize = 16 << 20
        thread.start()
    }

    func give(_ job: @escaping @Sendable () -> Void) { inbox.put(job) }
    func end() { inbox.put(nil) }
}

private func autoreleased(_ job: () -> Void) {
    #if canImport(Darwin)
        autoreleasepool(invoking: job)
    #else
        job()
    #endif
}

/// Every member is touched under the condition's lock.
private final class Inbox: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [(@Sendable () -> Void)?] = []

    func put(_ job: (@Sendable () -> Void)?) {
        condition.lock()
        jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    func take() -> (@Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty { condition.wait() }
        return jobs.removeFirst()
    }
}
