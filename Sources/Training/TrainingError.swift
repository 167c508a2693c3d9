/// Why a training run cannot start or go on. One sentence: what, where, what to do.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A configuration that cannot be read, or a value out of range. `key` is its path, such as `data.sets`.
    case configuration(key: String, problem: String)
    /// A run folder that holds something else than what was asked for.
    case folder(String, problem: String)
    /// A run that goes on with other settings than it began with.
    case changed([String])
    /// A checkpoint that cannot be used.
    case checkpoint(String, problem: String)
    /// A file of the run that cannot be written.
    case unwritable(String, problem: String)
    /// Numbers that are none: the run diverged.
    case diverged(step: Int, skipped: Int)

    public var description: String {
        switch self {
        case .configuration(let key, let problem): key.isEmpty ? problem : "\(key): \(problem)"
        case .folder(let path, let problem): "\(path): \(problem)"
        case .changed(let differences):
            "the run began with other settings: " + differences.joined(separator: "; ")
                + ". Resume with its own, or begin a new run"
        case .checkpoint(let path, let problem): "\(path): \(problem)"
        case .unwritable(let path, let problem): "\(path) cannot be written: \(problem)"
        case .diverged(let step, let skipped):
            "the last \(skipped) steps up to step \(step) had a loss or gradients that are no finite numbers; "
                + "begin a new run with a lower rate or a tighter gradientClip, from this one's model if it has one"
        }
    }
}
