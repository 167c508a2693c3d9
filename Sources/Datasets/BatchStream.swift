import Foundation

/// Batches one after another, made ahead on threads of its own.
///
/// Their order and their contents do not depend on how many threads there are: each batch is a pure function of its
/// step. An error arrives at the step it belongs to, after all batches before it, and ends the stream. Threads end when
/// the stream is cancelled or released.
///
/// A synchronous trainer calls `next()`, which waits; an asynchronous one iterates, `for try await batch in stream`,
/// and may be cancelled; cancelling the task that waits ends the stream for good. One reader at a time.
public final class BatchStream: AsyncSequence, Sendable {
    public typealias Element = Batch

    private let shared: Shared

    init(loader: BatchLoader, from step: Int, threads: Int, ahead: Int) {
        shared = Shared(loader: loader, from: step, ahead: ahead)
        for number in 0..<Swift.min(threads, ahead) {
            let thread = Thread { [shared] in shared.work() }
            thread.name = "moonlit.batches.\(number)"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    deinit { shared.cancel() }

    /// The next batch; waits until it is made.
    /// - Throws: what making it threw, `DatasetError.tooManyUnreadable`, or `CancellationError` after `cancel()`.
    public func next() throws -> Batch {
        let arrived = DispatchSemaphore(value: 0)
        let box = ResultBox()
        shared.request { result in
            box.result = result
            arrived.signal()
        }
        arrived.wait()
        return try box.result.get()
    }

    /// Ends the threads after the batch each is making. A waiting `next()` throws `CancellationError`.
    public func cancel() { shared.cancel() }

    /// Distinct examples skipped so far in the batches handed out.
    public var skipped: [Batch.Skipped] { shared.skipped }

    public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    public struct Iterator: AsyncIteratorProtocol {
        let stream: BatchStream

        public func next() async throws -> Batch? {
            let shared = stream.shared
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    shared.request { continuation.resume(with: $0) }
                }
            } onCancel: {
                shared.cancel()
            }
        }
    }
}

/// Written by one thread before it signals, read by another after it waited.
private final class ResultBox: @unchecked Sendable {
    var result: Result<Batch, any Error> = .failure(CancellationError())
}

/// What the threads and the reader share; every member is touched under `condition`'s lock.
private final class Shared: @unchecked Sendable {
    typealias Receiver = @Sendable (Result<Batch, any Error>) -> Void

    private let loader: BatchLoader
    private let ahead: Int
    private let condition = NSCondition()
    /// The next step to be made, and the next to be handed out.
    private var making: Int
    private var handing: Int
    private var finished: [Int: Result<Batch, any Error>] = [:]
    private var receivers: [Receiver] = []
    private var ended: (any Error)?
    private var seen: [Int: Batch.Skipped] = [:]

    init(loader: BatchLoader, from step: Int, ahead: Int) {
        self.loader = loader
        self.ahead = ahead
        making = step
        handing = step
    }

    var skipped: [Batch.Skipped] {
        condition.lock()
        defer { condition.unlock() }
        return seen.values.sorted { $0.index < $1.index }
    }

    func request(_ receiver: @escaping Receiver) {
        condition.lock()
        receivers.append(receiver)
        let ready = deliveries()
        condition.broadcast()
        condition.unlock()
        for (receiver, result) in ready { receiver(result) }
    }

    func cancel() {
        condition.lock()
        ended = ended ?? CancellationError()
        let ready = deliveries()
        condition.broadcast()
        condition.unlock()
        for (receiver, result) in ready { receiver(result) }
    }

    /// One thread's life.
    func work() {
        while let step = claim() {
            let result = Result { try loader.batch(step: step) }
            condition.lock()
            finished[step] = result
            let ready = deliveries()
            condition.broadcast()
            condition.unlock()
            for (receiver, result) in ready { receiver(result) }
        }
    }

    private func claim() -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while ended == nil, making - handing >= ahead { condition.wait() }
        guard ended == nil else { return nil }
        defer { making += 1 }
        return making
    }

    /// What can be handed out now, in order. Called under the lock; the receivers are called outside it.
    private func deliveries() -> [(Receiver, Result<Batch, any Error>)] {
        var ready: [(Receiver, Result<Batch, any Error>)] = []
        while !receivers.isEmpty {
            if let ended {
                ready.append((receivers.removeFirst(), .failure(ended)))
            } else if let result = finished.removeValue(forKey: handing) {
                handing += 1
                ready.append((receivers.removeFirst(), checked(result)))
            } else {
                break
            }
        }
        return ready
    }

    /// Counts what a batch skipped, and ends the stream at an error or at too many.
    private func checked(_ result: Result<Batch, any Error>) -> Result<Batch, any Error> {
        switch result {
        case .failure(let error):
            ended = error
            return result
        case .success(let batch):
            for skipped in batch.skipped { seen[skipped.index] = skipped }
            guard seen.count <= loader.allowedToSkip else {
                let error = loader.skipLimit.tooMany(seen.count, last: batch.skipped.last?.reason ?? "")
                ended = error
                return .failure(error)
            }
            return result
        }
    }
}
