/// Why a collection cannot be indexed or searched. One sentence: what, where, what to do.
public enum SearchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A folder that is no index.
    case notAnIndex(String, problem: String)
    /// An index whose files contradict one another.
    case damaged(String, problem: String)
    /// An index that was made of another collection or by another model.
    case other(String, problem: String)
    /// A collection that is no longer what the index was made of.
    case changed(String, gone: [String], changed: [String])
    /// A file that cannot be written.
    case unwritable(String, problem: String)
    /// A model that gives what are no embeddings.
    case embedding(String)
    /// A request that makes no sense.
    case invalid(String)

    public var description: String {
        switch self {
        case .notAnIndex(let path, let problem): "\(path): \(problem)"
        case .damaged(let path, let problem): "\(path) is damaged: \(problem); make the index anew"
        case .other(let path, let problem): "\(path): \(problem)"
        case .changed(let path, let gone, let changed):
            "\(path): since it was made, "
                + [Self.counted(gone, "gone"), Self.counted(changed, "changed")].compactMap { $0 }
                .joined(separator: " and ") + "; --update takes out what is gone and embeds anew what changed"
        case .unwritable(let path, let problem): "\(path) cannot be written: \(problem)"
        case .embedding(let problem), .invalid(let problem): problem
        }
    }

    private static func counted(_ keys: [String], _ what: String) -> String? {
        guard let first = keys.first else { return nil }
        let shown = keys.count == 1 ? first : "\(first), …"
        return "\(keys.count) picture\(keys.count == 1 ? " is" : "s are") \(what) (\(shown))"
    }
}
