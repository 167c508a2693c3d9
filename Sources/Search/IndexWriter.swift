internal import Foundation
internal import Tensors

/// Makes an index, adds to it, or takes out of it.
///
/// What is added counts from the next `commit()` on; a program that ends before, however it ends, leaves the index as the
/// last one made it. One writer at a time; others may search meanwhile.
public final class IndexWriter {
    /// What is known of a picture that is there.
    public struct Known: Sendable, Equatable {
        public var row: Int
        public var place: Int
        public var stamp: String

        public init(row: Int, place: Int, stamp: String) {
            self.row = row
            self.place = place
            self.stamp = stamp
        }
    }

    public let folder: String
    /// Pictures by their keys.
    public private(set) var known: [String: Known] = [:]
    private var manifest: IndexManifest
    private let lock: IndexLock
    private var files: Files
    /// The sizes after the last pictures that were added wholly.
    private var reached: [IndexManifest.Extent]
    private var isBroken = false

    private struct Files {
        let vectors, codes, entries: GrowingFile

        init(_ folder: String, _ manifest: IndexManifest) throws {
            vectors = try GrowingFile(folder + "/" + manifest.vectorsName, extent: manifest.vectors)
            codes = try GrowingFile(folder + "/" + manifest.codesName, extent: manifest.codes)
            entries = try GrowingFile(folder + "/" + manifest.entriesName, extent: manifest.entries)
        }

        var all: [GrowingFile] { [vectors, codes, entries] }
        var extents: [IndexManifest.Extent] { all.map(\.extent) }
    }

    /// Opens the index in a folder to go on with it, its bytes checked; makes folder and index where they are missing.
    ///
    /// - Throws: `SearchError`: the folder holds something else, the index is damaged, was made of another collection or
    ///   by another model, another program is at work on it, the disk refuses.
    public init(folder: String, model: ModelIdentity, collection: String, width: Int) throws {
        guard (1...65_536).contains(width) else {
            throw SearchError.invalid("embeddings of \(width) numbers: 1 to 65536 are possible")
        }
        try Self.prepare(folder)
        lock = try IndexLock(folder)
        self.folder = folder
        if FileManager.default.fileExists(atPath: folder + "/" + IndexManifest.fileName) {
            manifest = try IndexManifest(folder: folder)
        } else {
            manifest = IndexManifest(model: model, collection: collection, width: width)
            try manifest.write(to: folder)
        }
        guard manifest.collection == collection else {
            throw SearchError.other(
                folder, problem: "it is an index of \(manifest.collection), not of \(collection); choose another folder")
        }
        guard manifest.model.isSameModel(as: model), manifest.width == width else {
            throw SearchError.other(
                folder,
                problem: "it was made by \(manifest.model.path), and \(model.path) is another model; choose another folder")
        }
        files = try Files(folder, manifest)
        reached = files.extents
        try read()
        removeLeftovers()
    }

    public var count: Int { known.count }
    public var width: Int { manifest.width }

    /// Adds pictures.
    ///
    /// - Parameter embeddings: [entries.count × width], each of length 1.
    /// - Throws: `SearchError.embedding` for what is none, `.invalid` for a key that is there, `.unwritable`.
    public func append(_ embeddings: [Float], _ entries: [IndexEntry]) throws {
        guard !isBroken else { throw SearchError.unwritable(folder, problem: "writing to it has failed before") }
        guard embeddings.count == entries.count * width else {
            throw SearchError.embedding("\(embeddings.count) numbers for \(entries.count) embeddings of \(width)")
        }
        var codes: [UInt8] = []
        codes.reserveCapacity(entries.count * VectorCodes.rowBytes(width))
        var lines: [UInt8] = []
        var added: [String: Known] = [:]
        for (index, entry) in entries.enumerated() {
            guard known[entry.key] == nil, added[entry.key] == nil else {
                throw SearchError.invalid("\(folder): \"\(entry.key)\" is there already")
            }
            added[entry.key] = Known(row: count + index, place: entry.place, stamp: entry.stamp)
            try embeddings.withUnsafeBufferPointer { all in
                let row = UnsafeBufferPointer(rebasing: all[index * width..<(index + 1) * width])
                let length = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                // False for what is not a number.
                guard abs(length - 1) <= 1e-3 else {
                    throw SearchError.embedding(
                        "the model gave \"\(entry.key)\" an embedding of length \(length), where 1 was expected")
                }
                VectorCodes.append(row, to: &codes)
            }
            lines += try entry.line()
        }
        isBroken = true
        try embeddings.withUnsafeBytes { try files.vectors.append($0) }
        try codes.withUnsafeBytes { try files.codes.append($0) }
        try lines.withUnsafeBytes { try files.entries.append($0) }
        isBroken = false
        reached = files.extents
        known.merge(added) { $1 }
    }

    /// Makes what was added so far count.
    /// - Throws: `SearchError.unwritable` or `TensorFileError`.
    public func commit() throws {
        guard manifest.count != count else { return }
        for file in files.all { try file.synchronise() }
        try confirm(count, &manifest, reached)
    }

    /// Takes out all pictures but some, which keep their order. It is done at once or not at all.
    public func keep(where isKept: (String, Known) -> Bool) throws {
        try commit()
        let kept = known.filter { isKept($0.key, $0.value) }.sorted { $0.value.row < $1.value.row }
        guard kept.count < count else { return }
        var next = manifest
        next.generation += 1
        (next.vectors, next.codes, next.entries) = (.init(), .init(), .init())
        let new = try Files(folder, next)
        let lines = try self.lines()
        let sizes = [width * 4, VectorCodes.rowBytes(width)]
        for (old, (new, size)) in zip([files.vectors, files.codes], zip([new.vectors, new.codes], sizes)) {
            let mapped = try MappedFile(old.path)
            for (_, place) in kept {
                try mapped.withBytes { bytes in
                    try new.append(UnsafeRawBufferPointer(rebasing: bytes[place.row * size..<(place.row + 1) * size]))
                }
            }
        }
        for (_, place) in kept { try lines[place.row].line().withUnsafeBytes { try new.entries.append($0) } }
        for file in new.all { try file.synchronise() }
        try confirm(kept.count, &next, new.extents)
        (manifest, files, reached) = (next, new, new.extents)
        known = Dictionary(
            uniqueKeysWithValues: kept.enumerated().map { row, one in
                (one.key, Known(row: row, place: one.value.place, stamp: one.value.stamp))
            })
        removeLeftovers()
    }

    private func confirm(
        _ count: Int, _ manifest: inout IndexManifest, _ extents: [IndexManifest.Extent]
    ) throws {
        var next = manifest
        next.count = count
        (next.vectors, next.codes, next.entries) = (extents[0], extents[1], extents[2])
        try next.write(to: folder)
        manifest = next
    }

    private func lines() throws -> EntryLines {
        try EntryLines(MappedFile(files.entries.path), bytes: manifest.entries.bytes, count: manifest.count)
    }

    private func read() throws {
        let lines = try lines()
        for row in 0..<lines.count {
            let entry = try lines[row]
            known[entry.key] = Known(row: row, place: entry.place, stamp: entry.stamp)
        }
        guard known.count == lines.count else {
            throw SearchError.damaged(files.entries.path, problem: "a picture is in it twice")
        }
    }

    /// Makes the folder; one without an index must be empty.
    private static func prepare(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw SearchError.unwritable(folder, problem: "it cannot be made a folder")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        if !names.contains(IndexManifest.fileName), let foreign = names.sorted().first(where: { !IndexManifest.isOwn($0) }) {
            throw SearchError.notAnIndex(
                folder, problem: "there are other files in it, such as \(foreign); choose another folder for the index")
        }
    }

    /// Files of other generations, which an interrupted change left or the last one replaced.
    private func removeLeftovers() {
        let current = Set([manifest.vectorsName, manifest.codesName, manifest.entriesName, IndexManifest.fileName])
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where IndexManifest.isOwn(name) && !name.hasPrefix(".") && !current.contains(name) {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
        }
    }
}
