import Foundation
import Tensors
import Testing

/// How many threads libtorch takes for an operation is a thread's own affair.
struct ThreadTests {
    /// A number that the worker was given stays, although another thread sets another before the worker first computes.
    @Test func anotherThreadsNumberIsNotTakenOver() throws {
        let (isSet, mayAsk, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let seen = Seen()
        let worker = Thread {
            Engine.threads = 1
            isSet.signal()
            mayAsk.wait()
            seen.threads = Engine.threads
            done.signal()
        }
        worker.start()
        isSet.wait()
        let own = Engine.threads
        Engine.threads = 3
        mayAsk.signal()
        done.wait()
        Engine.threads = own
        #expect(seen.threads == 1)
    }

    /// Written by the worker before the last semaphore, read after it.
    private final class Seen: @unchecked Sendable {
        var threads = 0
    }
}
