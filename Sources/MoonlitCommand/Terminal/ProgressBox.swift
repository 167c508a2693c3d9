import Foundation

/// A progress bar that another thread's closure may move.
final class ProgressBox: @unchecked Sendable {
    private let lock = NSLock()
    private var progress: Progress

    init(_ progress: Progress) { self.progress = progress }

    func update(_ step: Int, of count: Int) {
        lock.withLock {
            progress.total = count
            progress.update(step)
        }
    }

    /// - Returns: the seconds it took.
    @discardableResult func finish() -> Double {
        lock.withLock {
            progress.finish()
            return progress.elapsed
        }
    }
}
