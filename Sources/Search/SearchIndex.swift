internal import Foundation
internal import Tensors

/// Pictures that can be searched: embeddings on the disk, looked at where they lie.
///
/// ```swift
/// let index = try SearchIndex("photos.index")
/// for found in try index.nearest(to: embedder.embedding(ofText: "a dog chasing a bird"), count: 9) {
///     print(found.likeness, found.entry.key)
/// }
/// ```
/// A value that any number of threads may search at once. It stays as it was opened while pictures are added.
public struct SearchIndex: Sendable {
    public let folder: String
    public let manifest: IndexManifest
    private let vectors: MappedFile
    private let codes: MappedFile
    private let lines: EntryLines

    /// A picture with its likeness to what was looked for, −1 to 1.
    public struct Found: Sendable, Equatable {
        public var likeness: Double
        public var entry: IndexEntry
    }

    /// - Throws: `SearchError` where there is no index, or its files are not what they were; `TensorFileError`.
    public init(_ folder: String) throws {
        try self.init(folder, manifestIsRead: {})
    }

    /// - Parameter manifestIsRead: is called each time before the files that the manifest names are opened.
    package init(_ folder: String, manifestIsRead: () throws -> Void) throws {
        self = try Self.opened(folder, manifestIsRead)
    }

    private static func opened(_ folder: String, _ manifestIsRead: () throws -> Void) throws -> SearchIndex {
        var manifest = try IndexManifest(folder: folder)
        while true {
            try manifestIsRead()
            do {
                return try SearchIndex(folder, manifest)
            } catch {
                // Where pictures were taken out meanwhile, the files that it names are gone, and there is a newer one.
                guard let next = try? IndexManifest(folder: folder), next.generation != manifest.generation else {
                    throw error
                }
                manifest = next
            }
        }
    }

    private init(_ folder: String, _ manifest: IndexManifest) throws {
        self.folder = folder
        self.manifest = manifest
        vectors = try Self.file(folder, manifest.vectorsName, manifest.vectors)
        codes = try Self.file(folder, manifest.codesName, manifest.codes)
        let entries = try Self.file(folder, manifest.entriesName, manifest.entries)
        lines = try EntryLines(entries, bytes: manifest.entries.bytes, count: manifest.count)
    }

    public var count: Int { manifest.count }

    /// A picture by its row, 0 ..< `count`.
    /// - Throws: `SearchError`.
    public func entry(at row: Int) throws(SearchError) -> IndexEntry {
        guard row >= 0, row < count else { throw .invalid("row \(row) of an index of \(count)") }
        return try lines[row]
    }

    /// The pictures most like an embedding, the likest first: exactly those that comparing with every one would find.
    ///
    /// - Parameters:
    ///   - embedding: of any length but zero; likeness is told for length 1.
    ///   - count: at most so many.
    ///   - threads: as many as there are cores unless given.
    /// - Throws: `SearchError`.
    public func nearest(
        to embedding: [Float], count: Int, threads: Int? = nil
    ) throws -> [Found] {
        guard count > 0 else { throw SearchError.invalid("the \(count) most like: at least one can be asked for") }
        guard embedding.count == manifest.width else {
            throw SearchError.embedding(
                "a query of \(embedding.count) numbers for \(folder), whose embeddings have \(manifest.width)")
        }
        let query = try VectorQuery(embedding)
        let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        do {
            let neighbours = try vectors.withBytes { vectors in
                try codes.withBytes { codes in
                    try VectorScan(vectors: vectors, codes: codes, rows: manifest.count, width: manifest.width)
                        .nearest(to: query, count: count, threads: threads)
                }
            }
            return try neighbours.map { Found(likeness: $0.likeness, entry: try lines[$0.row]) }
        } catch let error as VectorScan.Contradiction {
            throw SearchError.damaged(
                folder, problem: "embedding \(error.row + 1) is none, or not what its codes stand for")
        }
    }

    private static func file(
        _ folder: String, _ name: String, _ extent: IndexManifest.Extent
    ) throws -> MappedFile {
        let file = try MappedFile(folder + "/" + name)
        guard file.count >= extent.bytes else {
            throw SearchError.damaged(file.path, problem: "\(file.count) bytes, where there were \(extent.bytes)")
        }
        return file
    }
}
