public import Datasets
internal import Foundation
internal import Images

/// Embeds a collection into an index: what is there already is passed over, what cannot be read is reported.
///
/// Interrupted (by cancelling the task, or by the process's end), it goes on when it is run again, and the index becomes
/// the same to the byte as in one go.
public struct Indexing {
    public struct Options: Sendable {
        /// Pictures that go through the model together.
        public var batchSize = 64
        /// Only the first so many of the collection.
        public var limit: Int?
        /// Takes out what is gone from the collection and embeds anew what has changed, instead of refusing.
        public var updates = false
        /// Threads that read pictures.
        public var readers = 2
        /// Seconds after which what is done is made to count.
        public var commitInterval = 2.0

        public init() {}
    }

    public struct Skipped: Sendable, Equatable, Codable {
        public var picture: String
        public var reason: String
    }

    public struct Outcome: Sendable, Equatable {
        /// Pictures in the index now, and those that this run added or took out.
        public var count = 0
        public var added = 0
        public var removed = 0
        /// Pictures of the collection that this run looked at or knew.
        public var total = 0
        public var skipped: [Skipped] = []
        /// False where the task was cancelled.
        public var isFinished = true
    }

    public let collection: any CaptionedPictures
    public let embedder: Embedder
    public let options: Options

    public init(_ collection: any CaptionedPictures, embedder: Embedder, options: Options = Options()) {
        self.collection = collection
        self.embedder = embedder
        self.options = options
    }

    /// - Parameter report: is told how many of all pictures are in the index, after each batch.
    /// - Throws: `SearchError.changed` where pictures are gone or have changed and `options.updates` is false; what the
    ///   model or the disk throws. What was done before counts.
    public func run(into writer: IndexWriter, report: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws -> Outcome {
        guard options.batchSize > 0, options.limit ?? 1 > 0 else {
            throw SearchError.invalid("batches of \(options.batchSize), \(options.limit ?? 1) pictures: neither can be none")
        }
        let pictures = try NamedPictures(collection, limit: options.limit)
        let comparison = pictures.compared(with: writer.known)
        var outcome = Outcome(total: pictures.count)
        if !comparison.gone.isEmpty || !comparison.changed.isEmpty {
            guard options.updates else {
                throw SearchError.changed(writer.folder, gone: comparison.gone, changed: comparison.changed)
            }
            let out = Set(comparison.gone + comparison.changed)
            try writer.keep { key, _ in !out.contains(key) }
            outcome.removed = out.count
        }
        do {
            try embed(comparison.missing, of: pictures, into: writer, &outcome, report)
        } catch {
            // What was embedded before is kept; this error is the one to tell.
            try? writer.commit()
            throw error
        }
        try writer.commit()
        outcome.count = writer.count
        return outcome
    }

    private func embed(
        _ missing: [Int], of pictures: NamedPictures, into writer: IndexWriter, _ outcome: inout Outcome,
        _ report: (Int, Int) -> Void
    ) throws {
        let blocks = Block.places(missing, batchSize: options.batchSize)
        let preparation = embedder.preparation
        let ahead = Prefetch(count: blocks.count, threads: max(1, options.readers), ahead: max(1, options.readers) + 1) {
            Block(blocks[$0], of: pictures, preparation)
        }
        let clock = ContinuousClock()
        var committed = clock.now
        var done = pictures.count - missing.count
        report(done, pictures.count)
        while !Task.isCancelled, let block = ahead.next() {
            if !block.entries.isEmpty {
                let embeddings = try embedder.embeddings(ofPlanes: block.planes, count: block.entries.count)
                try writer.append(embeddings, block.entries)
                outcome.added += block.entries.count
            }
            outcome.skipped += block.skipped
            done += block.entries.count + block.skipped.count
            if committed.duration(to: clock.now) >= .seconds(options.commitInterval) {
                try writer.commit()
                committed = clock.now
            }
            report(done, pictures.count)
        }
        outcome.isFinished = done == pictures.count
    }
}

/// Pictures read and prepared, with what is said of them.
///
/// Blocks begin at multiples of the batch size, whatever is missing within them, so that a run that goes on embeds the
/// same pictures together as one that was never interrupted, with the same roundings.
private struct Block: Sendable {
    var planes: [Float] = []
    var entries: [IndexEntry] = []
    var skipped: [Indexing.Skipped] = []

    /// Of a picture, so many are kept; some sets word one thing in dozens of ways.
    private static let captions = 8

    static func places(_ missing: [Int], batchSize: Int) -> [[Int]] {
        var blocks: [[Int]] = []
        for place in missing {
            if let last = blocks.last?.last, last / batchSize == place / batchSize {
                blocks[blocks.count - 1].append(place)
            } else {
                blocks.append([place])
            }
        }
        return blocks
    }

    init(_ places: [Int], of pictures: NamedPictures, _ preparation: Preparation) {
        for place in places {
            do {
                let identity = try pictures.identities[place].get()
                let captions = try pictures.set.captions(at: place)
                let example = try pictures.set.example(at: place, variation: 0)
                planes += try preparation.picture(of: example, variation: 0).planes()
                entries.append(
                    IndexEntry(
                        key: identity.key, place: place, stamp: identity.stamp,
                        captions: Array(captions.prefix(Self.captions)), path: identity.path))
            } catch {
                let name = (try? pictures.identities[place].get().key) ?? "picture \(place)"
                skipped.append(Indexing.Skipped(picture: name, reason: "\(error)"))
            }
        }
    }
}
