internal import Foundation
internal import Tensors

/// What an index keeps about a picture beside its embedding: a line of `entries.jsonl`.
public struct IndexEntry: Codable, Sendable, Equatable {
    /// Names the picture in its collection; where several have one name, the second is `name#2`, or the next that is no
    /// other picture's own name.
    public var key: String
    /// Where it stood in the collection.
    public var place: Int
    /// Another one where the picture or its captions have changed; see `ExampleIdentity`.
    public var stamp: String
    public var captions: [String]
    /// The file that holds this picture alone, where there is one.
    public var path: String?

    public init(key: String, place: Int, stamp: String, captions: [String], path: String? = nil) {
        self.key = key
        self.place = place
        self.stamp = stamp
        self.captions = captions
        self.path = path
    }

    /// One line of JSON with its end.
    func line() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}

/// The lines of `entries.jsonl`, read where they are asked for.
struct EntryLines: Sendable {
    private let file: MappedFile
    /// Where each line begins, and where the last ends.
    private let starts: [Int]

    /// - Parameter bytes: of the file that count.
    /// - Throws: `SearchError.damaged` where there are not `count` lines.
    init(_ file: MappedFile, bytes: Int, count: Int) throws(SearchError) {
        var starts = [0]
        starts.reserveCapacity(min(count, bytes) + 1)
        file.withBytes { all in
            guard let base = all.baseAddress else { return }
            while let last = starts.last, last < bytes, starts.count <= count + 1,
                let end = memchr(base + last, Int32(UInt8(ascii: "\n")), bytes - last)
            { starts.append(UnsafeRawPointer(end) - base + 1) }
        }
        guard starts.count == count + 1, starts.last == bytes else {
            throw .damaged(file.path, problem: "it has not the \(count) lines that \(IndexManifest.fileName) says")
        }
        self.file = file
        self.starts = starts
    }

    var count: Int { starts.count - 1 }

    /// - Throws: `SearchError.damaged`, naming the line.
    subscript(row: Int) -> IndexEntry {
        get throws(SearchError) {
            let line = file.withBytes { Data($0[starts[row]..<starts[row + 1]]) }
            do {
                return try JSONDecoder().decode(IndexEntry.self, from: line)
            } catch {
                throw .damaged(file.path, problem: "line \(row + 1) is no entry")
            }
        }
    }
}
