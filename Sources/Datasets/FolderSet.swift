import Foundation
import Images

/// A folder of PNG, JPEG and WebP files with captions, folders within it included.
///
/// Captions come from `metadata.jsonl` and `captions.txt` in any of the folders (their paths are relative to the folder
/// they lie in) and from text files of the pictures' names, `1.txt` beside `1.png`, a caption a line. All that a picture
/// has are kept, in that order, and one is drawn by the variation. The order of pictures is that of their paths' bytes.
public struct FolderSet: CaptionedPictures {
    public let name: String
    public let folder: String
    /// Pictures with at least one caption, by path within the folder.
    package let entries: [Entry]
    /// Pictures without; they are left out of the set.
    public let uncaptioned: [String]

    package struct Entry: Sendable, Equatable {
        package var file: String
        package var captions: [String]
    }

    static let pictureExtensions: Set<String> = ["png", "jpg", "jpeg", "webp"]
    private static let largestCaptionFile = 1 << 28
    private static let deepest = 64

    /// Reads the folder's captions; pictures are read when asked for.
    /// - Throws: `DatasetError`: no such folder, a damaged file of captions (with its line), a caption for a picture that
    ///   is not there or outside the folder, no captioned picture at all.
    public init(folder: String) throws(DatasetError) {
        self.folder = folder
        name = URL(fileURLWithPath: folder).lastPathComponent
        var walk = Walk(root: folder)
        try walk.enter("", depth: 0)

        var captions: [String: [String]] = [:]
        for file in walk.metadataFiles + walk.captionFiles {
            let path = folder + "/" + file
            let bytes = try contents(of: path, atMost: Self.largestCaptionFile)
            let lines =
                file.hasSuffix("metadata.jsonl")
                ? try MetadataFile.parse(bytes, path: path) : try CaptionsTextFile.parse(bytes, path: path)
            let base = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
            for line in lines {
                guard walk.pictures.contains(base + line.file) else {
                    throw .malformed(
                        path, place: "line \(line.line)", reason: "\"\(line.file)\" is no PNG, JPEG or WebP file there")
                }
                captions[base + line.file, default: []] += line.captions
            }
        }
        var entries: [Entry] = []
        var uncaptioned: [String] = []
        for picture in walk.pictures.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            var own = captions[picture] ?? []
            let beside = withoutExtension(picture) + ".txt"
            if walk.texts.contains(beside) {
                let path = folder + "/" + beside
                own += try Datasets.captions(inText: contents(of: path, atMost: 1 << 20), path: path)
            }
            var known: Set<String> = []
            own = own.filter { known.insert($0).inserted }
            if own.isEmpty { uncaptioned.append(picture) } else { entries.append(Entry(file: picture, captions: own)) }
        }
        guard !entries.isEmpty else {
            throw .empty(
                folder,
                reason: walk.pictures.isEmpty
                    ? "no PNG, JPEG or WebP file in it"
                    : "\(uncaptioned.count) pictures, but neither metadata.jsonl, captions.txt nor text files of their "
                        + "names say what they show")
        }
        self.entries = entries
        self.uncaptioned = uncaptioned
    }

    public var count: Int { entries.count }

    public var notes: [String] {
        uncaptioned.isEmpty
            ? []
            : [
                "\(uncaptioned.count) pictures have no caption and are left out: "
                    + uncaptioned.prefix(5).joined(separator: ", ") + (uncaptioned.count > 5 ? ", …" : "")
            ]
    }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        let entry = entries[index]
        var draws = SeededGenerator(variation, 0x666F_6C64)
        return Example(
            picture: try Picture(path: folder + "/" + entry.file),
            caption: draws.pick(entry.captions) ?? "", key: entry.file)
    }

    public func captions(at index: Int) throws -> [String] {
        try check(index)
        return entries[index].captions
    }

    public func identity(at index: Int) throws -> ExampleIdentity {
        try check(index)
        let entry = entries[index]
        let path = folder + "/" + entry.file
        return ExampleIdentity(
            key: entry.file, stamp: "\(try stamp(ofFile: path))-\(stamp(entry.captions))", path: path)
    }

    /// What lies in a folder, by paths within it. Links to folders are not followed: they could lead in circles.
    private struct Walk {
        let root: String
        var pictures: Set<String> = []
        var texts: Set<String> = []
        var metadataFiles: [String] = []
        var captionFiles: [String] = []

        init(root: String) { self.root = root }

        mutating func enter(_ folder: String, depth: Int) throws(DatasetError) {
            let here = folder.isEmpty ? root : root + "/" + folder
            guard depth <= deepest else { throw .unreadable(here, reason: "over \(deepest) folders within folders") }
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: here)
            } catch {
                throw .unreadable(here, reason: error.localizedDescription)
            }
            for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) where !name.hasPrefix(".") {
                let path = folder.isEmpty ? name : folder + "/" + name
                let kind = (try? FileManager.default.attributesOfItem(atPath: root + "/" + path))?[.type]
                if kind as? FileAttributeType == .typeDirectory {
                    try enter(path, depth: depth + 1)
                } else if name == "metadata.jsonl" {
                    metadataFiles.append(path)
                } else if name == "captions.txt" {
                    captionFiles.append(path)
                } else if pictureExtensions.contains(extensionOf(name)) {
                    pictures.insert(path)
                } else if extensionOf(name) == "txt" {
                    texts.insert(path)
                }
            }
        }
    }
}

/// After the last dot, in lower case; empty where there is none.
private func extensionOf(_ name: String) -> String {
    name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
}

private func withoutExtension(_ path: String) -> String {
    path.lastIndex(of: ".").map { String(path[..<$0]) } ?? path
}
