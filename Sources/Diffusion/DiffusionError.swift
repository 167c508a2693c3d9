/// What this module refuses: a schedule, a setting or a shape that no diffusion process can have.
public enum DiffusionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A noise schedule that cannot be.
    case schedule(String)
    /// A choice of steps that cannot be made.
    case spacing(String)
    /// A name that is not among those known.
    case unknown(what: String, name: String, known: [String])
    /// A tensor of another shape than the process needs.
    case shape(what: String, expected: [Int], actual: [Int])
    /// A setting out of its range.
    case setting(name: String, value: String, expected: String)
    /// A time that is no step of the schedule, or is none where only whole steps will do.
    case time(Double, expected: String)

    public var description: String {
        switch self {
        case .schedule(let reason): "noise schedule: \(reason)"
        case .spacing(let reason): "steps: \(reason)"
        case .unknown(let what, let name, let known):
            "there is no \(what) “\(name)”; there are \(known.joined(separator: ", "))"
        case .shape(let what, let expected, let actual): "\(what) has shape \(actual), expected \(expected)"
        case .setting(let name, let value, let expected): "\(name) is \(value), expected \(expected)"
        case .time(let time, let expected): "time \(time): expected \(expected)"
        }
    }
}
