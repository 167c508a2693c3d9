import Foundation

/// A thread of its own for one model: libtorch's modes and thread pools belong to threads, and long computations must
/// not hold up the cooperative pool.
final class ModelThread: SerialExecutor {
    private let queue = Queue()

    init(name: String) {
        let queue = queue
        let thread = Thread { queue.run() }
        thread.name = name
        thread.stackSize = 16 << 20
        thread.start()
    }

    deinit { queue.close() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        // The job holds its actor, and the actor this executor, until it has run.
        queue.add { job.runSynchronously(on: executor) }
    }

    /// What waits to be run.
    private final class Queue: @unchecked Sendable {
        // Every access to the two variables is under the condition's lock.
        private let condition = NSCondition()
        private var jobs: [@Sendable () -> Void] = []
        private var isClosed = false

        func add(_ job: @escaping @Sendable () -> Void) {
            condition.lock()
            jobs.append(job)
            condition.signal()
            condition.unlock()
        }

        func close() {
            condition.lock()
            isClosed = true
            condition.signal()
            condition.unlock()
        }

        func run() {
            while let job = next() { job() }
        }

        private func next() -> (@Sendable () -> Void)? {
            condition.lock()
            defer { condition.unlock() }
            while jobs.isEmpty {
                if isClosed { return nil }
                condition.wait()
            }
            return jobs.removeFirst()
        }
    }
}
