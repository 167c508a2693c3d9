import Foundation

extension Program.Running {
    /// Sends Ctrl-C once a message is there.
    // Not asynchronous: where other tests hold all of the pool's threads, a task's sleep outlasts the program.
    func interrupt(afterSaying message: String) throws {
        while process.isRunning, try !String(contentsOf: messages, encoding: .utf8).contains(message) {
            Thread.sleep(forTimeInterval: 0.01)
        }
        kill(process.processIdentifier, SIGINT)
    }
}
