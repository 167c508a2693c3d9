internal import Checkpoints
internal import Foundation
internal import Yams

extension TrainingConfiguration {
    /// A preset by its name, or a YAML file.
    /// - Throws: `TrainingError.configuration`.
    public init(presetOrFile what: String) throws {
        if let preset = Self.presets[what] {
            self = preset
            return
        }
        guard let text = try? String(contentsOfFile: what, encoding: .utf8) else {
            throw TrainingError.configuration(
                key: "",
                problem: "\(what) is neither a readable file nor a preset: "
                    + Self.presets.keys.sorted().joined(separator: ", "))
        }
        try self.init(yaml: text, file: what)
    }

    /// Reads YAML. Keys that are absent are those of the preset that the key `preset` names, or of the file, seen from this
    /// one's folder, that the key `base` names; without either, of `emoji-64`.
    /// - Throws: `TrainingError.configuration`, naming the key, for one that nobody reads, a value of the wrong kind or
    ///   out of range, and for a file that is its own base.
    public init(yaml: String, file: String = "the configuration") throws {
        try self.init(yaml: yaml, file: file, builtOnBy: [])
    }

    private init(yaml: String, file: String, builtOnBy above: [URL]) throws {
        let given: Node
        do {
            given = try Yams.compose(yaml: yaml) ?? Node.mapping([:])
        } catch {
            throw TrainingError.configuration(key: file, problem: "no YAML: \(error)")
        }
        guard case .mapping(var mapping) = given else {
            throw TrainingError.configuration(key: file, problem: "keys and values were expected at the top")
        }
        let foundation = try Self.foundation(mapping, file: URL(fileURLWithPath: file).standardizedFileURL, above)
        (mapping["preset"], mapping["base"]) = (nil, nil)
        let merged = try Self.merge(.mapping(mapping), over: foundation.node(), path: [])
        do {
            self = try YAMLDecoder().decode(Self.self, from: try Yams.serialize(node: merged))
        } catch let error as DecodingError {
            throw TrainingError.configuration(key: "", problem: error.summary)
        }
        let known = try flat
        if let unknown = Self.flattened(merged).keys.sorted().first(where: { known[$0] == nil }) {
            throw TrainingError.configuration(key: unknown, problem: "there is no such key")
        }
        try validate()
    }

    /// What a file's keys stand on.
    private static func foundation(_ mapping: Node.Mapping, file: URL, _ above: [URL]) throws -> Self {
        guard let base = mapping["base"] else {
            let name = mapping["preset"]?.string ?? emoji64.name
            guard let preset = presets[name] else {
                throw TrainingError.configuration(
                    key: "preset", problem: "\(name) is none of " + presets.keys.sorted().joined(separator: ", "))
            }
            return preset
        }
        guard mapping["preset"] == nil, let name = base.string, !name.isEmpty else {
            throw TrainingError.configuration(key: "base", problem: "a file's name was expected, and no preset beside it")
        }
        let path = URL(fileURLWithPath: name, relativeTo: file.deletingLastPathComponent()).standardizedFileURL
        guard path != file, !above.contains(path) else {
            throw TrainingError.configuration(key: "base", problem: "\(path.path) is its own base")
        }
        guard let text = try? String(contentsOf: path, encoding: .utf8) else {
            throw TrainingError.configuration(key: "base", problem: "\(path.path) cannot be read")
        }
        return try Self(yaml: text, file: path.path, builtOnBy: above + [file])
    }

    /// All of it as YAML.
    public func yaml() throws -> String { try YAMLEncoder().encode(self) }

    private func node() throws -> Node { try Yams.compose(yaml: yaml()) ?? Node.mapping([:]) }

    /// Each value by its path, for comparing.
    package var flat: [String: String] { get throws { Self.flattened(try node()) } }

    private static func flattened(_ node: Node, _ path: String = "") -> [String: String] {
        func below(_ key: String) -> String { path.isEmpty ? key : path + "." + key }
        switch node {
        case .mapping(let mapping):
            return mapping.reduce(into: [:]) { all, pair in
                all.merge(flattened(pair.value, below(pair.key.string ?? "?"))) { $1 }
            }
        case .sequence(let sequence):
            return sequence.enumerated().reduce(into: [path + ".count": String(sequence.count)]) { all, item in
                all.merge(flattened(item.element, below(String(item.offset)))) { $1 }
            }
        case .scalar(let scalar): return [path: scalar.string]
        case .alias: return [path: "an alias"]
        }
    }

    /// Where one of several keys stands, each with its own below it: another one replaces the preset's.
    private static let alternatives: Set = ["contrastive.picture"]

    private static func merge(_ given: Node, over usual: Node, path: [String]) throws -> Node {
        guard case .mapping(let changes) = given, case .mapping(var result) = usual else { return given }
        for (key, value) in changes {
            let name = key.string ?? "?"
            guard let known = result[key] else {
                if alternatives.contains(path.joined(separator: ".")) { return given }
                throw TrainingError.configuration(
                    key: (path + [name]).joined(separator: "."),
                    problem: "there is no such key; there are " + result.keys.compactMap(\.string).joined(separator: ", "))
            }
            result[key] = try merge(value, over: known, path: path + [name])
        }
        return .mapping(result)
    }

    /// Keys that may change when a run is resumed: they decide when something is said, how fast, or how far it goes (and so,
    /// where the rate falls, by how much a step).
    private static let free = ["steps", "workers", "name", "intervals.", "samples."]

    /// What another configuration has different that a resumed run must not, a sentence each.
    package func differences(from asked: TrainingConfiguration) throws -> [String] {
        let (own, other) = (try flat, try asked.flat)
        return Set(own.keys).union(other.keys).sorted().compactMap { key in
            guard own[key] != other[key],
                !Self.free.contains(where: { $0.hasSuffix(".") ? key.hasPrefix($0) : key == $0 })
            else { return nil }
            return "\(key) was \(own[key] ?? "not there"), now \(other[key] ?? "not there")"
        }
    }
}
