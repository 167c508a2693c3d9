/// What can go wrong with a set of captioned pictures. Every message is one sentence that names the file and the place.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
    /// A file that is needed is not there. `remedy` says what to install or set.
    case missing(String, remedy: String)
    /// A file is there but cannot be opened or read.
    case unreadable(String, reason: String)
    /// A file's contents break its format; `place` is a line or a byte offset.
    case malformed(String, place: String, reason: String)
    /// A set without a single usable example.
    case empty(String, reason: String)
    /// A request that makes no sense: an index outside the set, a batch of none.
    case invalid(String)
    /// More pictures failed than the loader may skip.
    case tooManyUnreadable(count: Int, of: Int, allowed: Int, last: String)

    public var description: String {
        switch self {
        case .missing(let what, let remedy):
            "\(what) was not found: \(remedy)"
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason)"
        case .malformed(let path, let place, let reason):
            "\(path), \(place): \(reason)"
        case .empty(let path, let reason):
            "\(path) holds no captioned picture: \(reason)"
        case .invalid(let reason):
            reason
        case .tooManyUnreadable(let count, let total, let allowed, let last):
            "\(count) of \(total) pictures could not be read and at most \(allowed) may be skipped; the last: \(last)"
        }
    }
}
