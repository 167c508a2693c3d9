import FlyingFox
import FlyingSocks
import Foundation

/// Server-sent events (WHATWG HTML, §9.2) as a response's body.
struct EventStream: AsyncBufferedSequence {
    typealias Element = UInt8
    private let events: AsyncThrowingStream<Data, any Error>

    /// Where events go.
    struct Sender: Sendable {
        fileprivate let continuation: AsyncThrowingStream<Data, any Error>.Continuation

        func send(_ event: String, _ value: some Encodable) throws {
            continuation.yield(Data("event: \(event)\ndata: ".utf8) + (try value.jsonData()) + Data("\n\n".utf8))
        }

        /// A comment, which clients pass over: only by writing is it seen that nobody listens any more.
        func beat() { continuation.yield(Data(":\n\n".utf8)) }
    }

    /// - Parameter work: sends events until it returns; it is cancelled where nobody listens any more.
    init(_ work: @escaping @Sendable (Sender) async -> Void) {
        events = AsyncThrowingStream { continuation in
            let task = Task {
                await work(Sender(continuation: continuation))
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    var response: HTTPResponse {
        HTTPResponse(
            statusCode: .ok, headers: [.contentType: "text/event-stream", HTTPHeader("Cache-Control"): "no-store"],
            body: HTTPBodySequence(from: self, suggestedBufferSize: 1 << 16))
    }

    func makeAsyncIterator() -> Iterator { Iterator(events: events.makeAsyncIterator()) }

    struct Iterator: AsyncBufferedIteratorProtocol {
        var events: AsyncThrowingStream<Data, any Error>.Iterator
        private var rest = Data()[...]

        init(events: AsyncThrowingStream<Data, any Error>.Iterator) { self.events = events }

        mutating func next() async throws -> UInt8? { try await nextBuffer(suggested: 1)?.first }

        mutating func nextBuffer(suggested count: Int) async throws -> Data? {
            if rest.isEmpty {
                guard let event = try await events.next() else { return nil }
                rest = event[...]
            }
            let taken = rest.prefix(Swift.max(1, count))
            rest = rest.dropFirst(taken.count)
            return taken
        }
    }
}
