/// What cannot be evaluated, and why.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not enough of something to compute with.
    case tooFew(String, expected: String)
    /// The folder holds another evaluation's pictures.
    case folder(String, problem: String)
    /// A file that cannot be used.
    case file(String, problem: String, expected: String)
    /// What was asked for cannot be done.
    case request(String)

    public var description: String {
        switch self {
        case .tooFew(let what, let expected): "\(what); expected \(expected)"
        case .folder(let path, let problem): "\(path): \(problem)"
        case .file(let path, let problem, let expected): "\(path): \(problem); expected \(expected)"
        case .request(let problem): problem
        }
    }
}
