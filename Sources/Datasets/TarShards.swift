import Foundation
import Images

/// Captioned pictures in tar archives, as WebDataset lays them out: entries that share a name up to its first dot are
/// one example, `0001.jpg` with `0001.txt`, `0001.cap`, `0001.caption` (a caption a line) or `0001.json` (`text` or
/// `caption`, a string or several).
///
/// The archives are indexed once and then read at any place; nothing is unpacked. Each is open only while it is read: a
/// set may have more of them than a process may have open files.
public struct TarShards: CaptionedPictures {
    public let name: String
    private let shards: [Shard]
    private let samples: [Sample]
    public let notes: [String]

    private struct Shard: Sendable {
        let path: String
        let identity: RandomAccessFile.Identity

        init(_ file: RandomAccessFile) { (path, identity) = (file.path, file.identity) }

        /// What was indexed lies elsewhere in an archive that was written anew meanwhile.
        func open() throws(DatasetError) -> RandomAccessFile {
            let file = try RandomAccessFile(path: path)
            guard file.identity == identity else {
                throw .unreadable(path, reason: "it was written anew since it was indexed")
            }
            return file
        }
    }

    private struct Sample: Sendable {
        var key: String
        var shard: Int
        var picture: TarIndex.Entry
        var captions: [TarIndex.Entry]
    }

    private static let largestPicture = 1 << 28
    private static let largestCaption = 1 << 20

    /// - Parameter paths: the archives, in the order of the set.
    /// - Throws: `DatasetError`, naming archive and offset, where one is damaged or two examples share a key.
    public init(paths: [String], name: String? = nil) throws(DatasetError) {
        var shards: [Shard] = []
        var samples: [Sample] = []
        var incomplete = 0
        for (shard, path) in paths.enumerated() {
            let file = try RandomAccessFile(path: path)
            let (found, missing) = try Self.samples(in: TarIndex(file), shard: shard, path: path)
            shards.append(Shard(file))
            samples += found
            incomplete += missing
        }
        self.name = name ?? paths.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? "shards"
        guard !samples.isEmpty else {
            throw .empty(
                paths.joined(separator: ", "),
                reason: "no entries name.jpg, .png or .webp with name.txt, .cap, .caption or .json")
        }
        self.shards = shards
        self.samples = samples
        notes = incomplete == 0 ? [] : ["\(incomplete) entries lack their picture or their caption and are left out"]
    }

    private static func samples(
        in index: TarIndex, shard: Int, path: String
    ) throws(DatasetError) -> ([Sample], missing: Int) {
        var order: [String] = []
        var pictures: [String: TarIndex.Entry] = [:]
        var captions: [String: [TarIndex.Entry]] = [:]
        for entry in index.entries {
            let base = entry.name.lastIndex(of: "/").map { entry.name.index(after: $0) } ?? entry.name.startIndex
            guard let dot = entry.name[base...].firstIndex(of: "."), dot > base else { continue }
            let key = String(entry.name[..<dot])
            let kind = entry.name[entry.name.index(after: dot)...].lowercased()
            if FolderSet.pictureExtensions.contains(kind) {
                guard pictures.updateValue(entry, forKey: key) == nil else {
                    throw .malformed(
                        path, place: "byte \(entry.offset)", reason: "a second picture for \"\(key)\"")
                }
            } else if ["txt", "cap", "caption", "json"].contains(kind) {
                captions[key, default: []].append(entry)
            } else {
                continue
            }
            if order.last != key { order.append(key) }
        }
        var known: Set<String> = []
        var samples: [Sample] = []
        var missing = 0
        for key in order where known.insert(key).inserted {
            guard let picture = pictures[key], let captions = captions[key] else {
                missing += 1
                continue
            }
            guard picture.size <= largestPicture else {
                throw .malformed(
                    path, place: "byte \(picture.offset)", reason: "\"\(picture.name)\" of \(picture.size) bytes")
            }
            samples.append(Sample(key: key, shard: shard, picture: picture, captions: captions))
        }
        return (samples, missing)
    }

    public var count: Int { samples.count }

    /// A shard that was written anew is one whose pictures may have changed.
    public func identity(at index: Int) throws -> ExampleIdentity {
        try check(index)
        let sample = samples[index]
        return ExampleIdentity(
            key: sample.key, stamp: "\(try stamp(ofFile: shards[sample.shard].path))-\(sample.picture.offset)")
    }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        let sample = samples[index]
        let file = try shards[sample.shard].open()
        let captions = try captions(of: sample, in: file)
        var draws = SeededGenerator(variation, 0x7461_7220)
        let bytes = try file.read(sample.picture.size, at: sample.picture.offset)
        return Example(
            picture: try Picture(decoding: bytes, name: "\(file.path): \(sample.picture.name)"),
            caption: draws.pick(captions) ?? "", key: sample.key)
    }

    public func captions(at index: Int) throws -> [String] {
        try check(index)
        return try captions(of: samples[index], in: shards[samples[index].shard].open())
    }

    private func captions(of sample: Sample, in file: RandomAccessFile) throws -> [String] {
        var captions: [String] = []
        for entry in sample.captions {
            let place = "byte \(entry.offset), \(entry.name)"
            guard entry.size <= Self.largestCaption else {
                throw DatasetError.malformed(file.path, place: place, reason: "a caption of \(entry.size) bytes")
            }
            let bytes = try file.read(entry.size, at: entry.offset)
            if entry.name.lowercased().hasSuffix(".json") {
                do {
                    let words = try JSONDecoder().decode(Words.self, from: Data(bytes))
                    captions += (words.text ?? words.caption)?.nonEmpty ?? []
                } catch {
                    throw DatasetError.malformed(file.path, place: place, reason: "no JSON with a caption: \(error)")
                }
            } else {
                captions += try Datasets.captions(inText: bytes, path: "\(file.path), \(place)")
            }
        }
        guard !captions.isEmpty else {
            throw DatasetError.malformed(
                file.path, place: "byte \(sample.picture.offset)", reason: "\"\(sample.key)\" has an empty caption")
        }
        return captions
    }

    private struct Words: Decodable {
        var text: CaptionValue?
        var caption: CaptionValue?
    }
}
