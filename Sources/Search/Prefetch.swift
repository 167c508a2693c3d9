internal import Foundation

/// Values made ahead on threads of their own, handed out in order.
///
/// The `count` values are made by `make(0)`, `make(1)` …; at most `ahead` wait or are being made. Threads end with the
/// last value, or when this object is released.
final class Prefetch<Value: Sendable>: Sendable {
    private let shared: Shared

    init(count: Int, threads: Int, ahead: Int, make: @escaping @Sendable (Int) -> Value) {
        shared = Shared(count: count, ahead: ahead, make: make)
        for _ in 0..<min(threads, ahead, count) {
            let thread = Thread { [shared] in shared.work() }
            thread.name = "moonlit.prefetch"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    deinit { shared.cancel() }

    /// Waits for the next value; nil after the last.
    func next() -> Value? { shared.next() }

    /// What the threads and the reader share; every variable is touched under `condition`'s lock.
    private final class Shared: @unchecked Sendable {
        private let count: Int
        private let ahead: Int
        private let make: @Sendable (Int) -> Value
        private let condition = NSCondition()
        private var making = 0
        private var handing = 0
        private var finished: [Int: Value] = [:]
        private var isCancelled = false

        init(count: Int, ahead: Int, make: @escaping @Sendable (Int) -> Value) {
            self.count = count
            self.ahead = ahead
            self.make = make
        }

        func work() {
            while let number = claim() {
                let value = make(number)
                condition.lock()
                finished[number] = value
                condition.broadcast()
                condition.unlock()
            }
        }

        func next() -> Value? {
            condition.lock()
            defer { condition.unlock() }
            guard handing < count else { return nil }
            while true {
                if let value = finished.removeValue(forKey: handing) {
                    handing += 1
                    condition.broadcast()
                    return value
                }
                condition.wait()
            }
        }

        func cancel() {
            condition.lock()
            isCancelled = true
            condition.broadcast()
            condition.unlock()
        }

        private func claim() -> Int? {
            condition.lock()
            defer { condition.unlock() }
            while !isCancelled, making < count, making - handing >= ahead { condition.wait() }
            guard !isCancelled, making < count else { return nil }
            defer { making += 1 }
            return making
        }
    }
}
