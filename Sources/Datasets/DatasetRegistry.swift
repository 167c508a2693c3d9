import Foundation

/// Finds a set by what a person typed: the name of a built-in set, a folder, a tar archive, or shards written
/// `photos-{000..012}.tar`. A value: other modules add their sets with `register`.
public struct DatasetRegistry: Sendable {
    public typealias Opening = @Sendable () throws -> any CaptionedPictures

    public private(set) var names: [String] = []
    private var openings: [String: (summary: String, open: Opening)] = [:]

    /// With the sets this module has.
    public init() {
        register("emoji", summary: "Noto Color Emoji on white") { EmojiSet(try EmojiCollection.load()) }
        register("emoji-objects", summary: "the same without faces, people and hands") {
            let collection = try EmojiCollection.load()
            return EmojiSet(collection, emoji: collection.objects, name: "emoji-objects")
        }
        register("emoji-grounds", summary: "Noto Color Emoji on soft colours, which captions often name") {
            EmojiSet(try EmojiCollection.load(), ground: .soft, name: "emoji-grounds")
        }
    }

    /// Adds a set, or replaces the one of that name.
    public mutating func register(_ name: String, summary: String, open: @escaping Opening) {
        if openings.updateValue((summary, open), forKey: name) == nil { names.append(name) }
    }

    public func summary(of name: String) -> String? { openings[name]?.summary }

    /// - Throws: `DatasetError`, listing the names there are where `what` is neither a name nor a path; what opening
    ///   the set throws.
    public func open(_ what: String) throws -> any CaptionedPictures {
        if let opening = openings[what] { return try opening.open() }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: what, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                guard what.hasSuffix(".tar") else {
                    throw DatasetError.unreadable(what, reason: "neither a folder nor a .tar archive")
                }
                return try TarShards(paths: [what])
            }
            let shards = ((try? FileManager.default.contentsOfDirectory(atPath: what)) ?? [])
                .filter { $0.hasSuffix(".tar") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            if shards.isEmpty { return try FolderSet(folder: what) }
            return try TarShards(
                paths: shards.map { what + "/" + $0 }, name: URL(fileURLWithPath: what).lastPathComponent)
        }
        if let shards = Self.expanded(what) { return try TarShards(paths: shards, name: what) }
        throw DatasetError.missing(
            "the set \"\(what)\"",
            remedy: "give a folder, a .tar archive, or one of the built-in sets: " + names.joined(separator: ", "))
    }

    /// `a-{008..010}.tar` is a-008.tar, a-009.tar, a-010.tar; nil for anything else, and for over 100,000 shards.
    package static func expanded(_ pattern: String) -> [String]? {
        guard pattern.hasSuffix(".tar"), let open = pattern.firstIndex(of: "{"),
            let close = pattern[open...].firstIndex(of: "}"),
            case let ends = pattern[pattern.index(after: open)..<close].split(separator: "."), ends.count == 2,
            let first = Int(ends[0]), let last = Int(ends[1]), first >= 0, last >= first, last - first < 100_000
        else { return nil }
        return (first...last).map { number in
            let digits = String(number)
            let zeros = String(repeating: "0", count: max(0, ends[0].count - digits.count))
            return pattern[..<open] + zeros + digits + pattern[pattern.index(after: close)...]
        }
    }
}
