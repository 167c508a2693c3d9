internal import Foundation
internal import Tensors

/// `index.json`: what an index is, and how much of its files counts.
///
/// It is replaced as a whole each time pictures have been added, after their embeddings, codes and entries are on the
/// disk. What lies in those files beyond the sizes it tells was being written when the work ended, and counts for nothing.
public struct IndexManifest: Codable, Sendable, Equatable {
    /// A file of the index, as far as it counts.
    public struct Extent: Codable, Sendable, Equatable {
        public var bytes = 0
        /// CRC-32C of these bytes.
        public var crc32c: UInt32 = 0
    }

    public static let fileName = "index.json"
    static let currentFormat = 1

    public var format = IndexManifest.currentFormat
    public var model: ModelIdentity
    /// A built-in set's name, or the path of a folder or of shards.
    public var collection: String
    /// Numbers an embedding.
    public var width: Int
    /// Pictures.
    public var count = 0
    /// Counts how often the files were written anew, and is part of their names.
    public var generation = 1
    /// Float32 numbers, little-endian, an embedding after another.
    public var vectors = Extent()
    /// The same in whole numbers of a byte; see `VectorCodes`.
    public var codes = Extent()
    /// A JSON object a line.
    public var entries = Extent()

    public init(model: ModelIdentity, collection: String, width: Int) {
        self.model = model
        self.collection = collection
        self.width = width
    }

    var vectorsName: String { "vectors-\(generation).f32" }
    var codesName: String { "codes-\(generation).i8" }
    var entriesName: String { "entries-\(generation).jsonl" }

    /// Whether a file's name is one that an index gives.
    static func isOwn(_ name: String) -> Bool {
        name.hasPrefix(".") || name == fileName || name.wholeMatch(of: /(vectors|codes|entries)-\d+\.(f32|i8|jsonl)/) != nil
    }

    /// - Throws: `SearchError.notAnIndex` where there is none, `SearchError.damaged` where it contradicts itself.
    init(folder: String) throws(SearchError) {
        let path = folder + "/" + Self.fileName
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .notAnIndex(
                folder, problem: "there is no \(Self.fileName) in it; moonlit index makes an index of pictures")
        }
        do {
            self = try JSONDecoder().decode(IndexManifest.self, from: data)
        } catch {
            throw .damaged(path, problem: "it is no JSON object that says what an index is")
        }
        guard format == Self.currentFormat else {
            throw .notAnIndex(
                path, problem: "it is of format \(format), and this program reads format \(Self.currentFormat)")
        }
        guard (1...65_536).contains(width), (0...1 << 40).contains(count), generation > 0,
            vectors.bytes == count * width * 4, codes.bytes == count * VectorCodes.rowBytes(width),
            (count...1 << 50).contains(entries.bytes)
        else { throw .damaged(path, problem: "its numbers contradict each other") }
    }

    /// - Throws: `SearchError.unwritable`.
    func write(to folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(self) + Data("\n".utf8)
        try AtomicFile.replace(folder + "/" + Self.fileName) { file in
            try data.withUnsafeBytes { try file.append($0) }
        }
    }
}

/// Tells one model of pictures and texts from another: by its bytes, wherever it lies.
public struct ModelIdentity: Codable, Sendable, Equatable {
    /// The file's or folder's name.
    public var name: String
    /// Where it lay.
    public var path: String
    public var bytes: Int
    public var crc32c: UInt32

    public init(name: String, path: String, bytes: Int, crc32c: UInt32) {
        self.name = name
        self.path = path
        self.bytes = bytes
        self.crc32c = crc32c
    }

    /// Reads a model's file, or the files directly in its folder in the order of their names.
    /// - Throws: `TensorFileError` or the system's error, naming the file.
    public init(ofModelAt path: String) throws {
        let place = URL(fileURLWithPath: path).standardizedFileURL
        var isFolder: ObjCBool = false
        var files = [place.path]
        if FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), isFolder.boolValue {
            files = try FileManager.default.contentsOfDirectory(atPath: place.path)
                .filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                .map { place.path + "/" + $0 }
                .filter { FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue }
        }
        var crc = CRC32C()
        var bytes = 0
        for file in files {
            let mapped = try MappedFile(file)
            mapped.withBytes { crc.update($0) }
            bytes += mapped.count
        }
        self.init(name: place.lastPathComponent, path: place.path, bytes: bytes, crc32c: crc.value)
    }

    public func isSameModel(as other: ModelIdentity) -> Bool { bytes == other.bytes && crc32c == other.crc32c }
}
