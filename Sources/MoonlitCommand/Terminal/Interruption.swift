import Dispatch
import Foundation

/// Ctrl-C, and what `kill` sends: the first cancels the work, so that it can end cleanly; the second ends the program.
enum Interruption {
    static func watching(_ work: @escaping @Sendable () async -> Int32) async -> Int32 {
        let task = Task { await work() }
        let count = Count()
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: count.queue)
            source.setEventHandler {
                count.value += 1
                if count.value > 1 { _exit(ExitStatus.interrupted) }
                task.cancel()
            }
            source.resume()
            return source
        }
        let status = await task.value
        for source in sources { source.cancel() }
        return status
    }

    private final class Count: @unchecked Sendable {
        let queue = DispatchQueue(label: "moonlit.signals")
        // Touched on the queue alone.
        var value = 0
    }
}
