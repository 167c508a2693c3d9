internal import Foundation

/// What a run has to say after a step.
public struct TrainingProgress: Sendable, Equatable {
    /// Steps done, of so many.
    public var step: Int
    public var steps: Int
    public var loss: Double
    public var rate: Double
    /// Of late; 0 until a step is done.
    public var samplesPerSecond: Double
    /// Estimated from the rate.
    public var secondsLeft: Double
}

/// Something a person may want to read while a run goes on.
public enum TrainingMessage: Sendable, Equatable {
    case progress(TrainingProgress)
    /// A sentence: a damaged checkpoint was passed over, a picture could not be read.
    case note(String)
    /// A line of the log was written.
    case logged(LogEntry)
    /// A checkpoint and `model.safetensors` were written.
    case checkpoint(step: Int, path: String)
    case samples(step: Int, path: String)
}

/// Asks a run to stop: after the step it is computing, it writes a checkpoint and returns. May be set from any thread,
/// and from a signal source's handler.
public final class StopFlag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    public init() {}

    public var isSet: Bool { lock.withLock { value } }
    public func set() { lock.withLock { value = true } }
}
