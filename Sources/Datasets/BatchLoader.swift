import Images

/// One step's worth of prepared examples.
public struct Batch: Sendable, Equatable {
    public let step: Int
    /// [N × 3 × size × size], row-major, from −1 to 1.
    public let pixels: [Float]
    public let captions: [String]
    /// For each picture, captions that are not true of it: as many as the loader was asked for.
    public let wrongCaptions: [[String]]
    public let keys: [String]
    /// For each picture, where in it the caption's subjects stand, as far as the set knows.
    public let regions: [[Region]]
    public let size: Int
    /// Examples that could not be read and were replaced by others.
    public let skipped: [Skipped]

    public var count: Int { captions.count }

    public init(
        step: Int, pixels: [Float], captions: [String], wrongCaptions: [[String]] = [], keys: [String],
        regions: [[Region]]? = nil, size: Int, skipped: [Skipped] = []
    ) {
        self.step = step
        self.pixels = pixels
        self.captions = captions
        self.wrongCaptions = wrongCaptions
        self.keys = keys
        self.regions = regions ?? captions.map { _ in [] }
        self.size = size
        self.skipped = skipped
    }

    public struct Skipped: Sendable, Equatable {
        public let index: Int
        public let reason: String
    }
}

/// Makes batches: which examples, in which order, prepared how. A value without state.
///
/// `batch(step:)` is a pure function of (set, preparation, seed, batch size, step); `stream(from:)` computes the same
/// ahead of time on other threads.
public struct BatchLoader: Sendable {
    public let set: any CaptionedPictures
    public let preparation: Preparation
    public let batchSize: Int
    public let order: ShuffledOrder
    /// The share of the set that may be unreadable before a run stops; at 0, the first such picture stops it.
    public let tolerance: Double
    /// Captions that are not true, for each picture.
    public let wrongCaptions: Int

    /// - Parameter together: examples that stand in a row in the set and come in a row; see `ShuffledOrder`.
    /// - Throws: `DatasetError` for an empty set, a batch of none, a preparation or a tolerance out of range.
    public init(
        _ set: any CaptionedPictures, preparation: Preparation, batchSize: Int, seed: UInt64, tolerance: Double = 0,
        wrongCaptions: Int = 0, together: Int = 1
    ) throws(DatasetError) {
        guard set.count > 0 else { throw .empty(set.name, reason: "its count is 0") }
        guard (1...65_536).contains(batchSize) else {
            throw .invalid("batch size \(batchSize): 1 to 65536 are possible")
        }
        guard (0...256).contains(wrongCaptions) else {
            throw .invalid("\(wrongCaptions) wrong captions a picture: 0 to 256 are possible")
        }
        guard tolerance >= 0, tolerance <= 1 else { throw .invalid("tolerance \(tolerance): a share from 0 to 1") }
        try preparation.validate()
        let values = batchSize.multipliedReportingOverflow(by: 3 * preparation.size * preparation.size)
        guard !values.overflow, values.partialValue <= 1 << 30 else {
            throw .invalid("batches of \(batchSize) pictures of \(preparation.size) pixels: over 4 GiB each")
        }
        self.set = set
        self.preparation = preparation
        self.batchSize = batchSize
        self.tolerance = tolerance
        self.wrongCaptions = wrongCaptions
        order = try ShuffledOrder(count: set.count, seed: seed, together: together)
    }

    /// How many pictures may be skipped in all.
    public var allowedToSkip: Int { skipLimit.allowed }
    var skipLimit: SkipLimit { SkipLimit(tolerance, of: set.count) }

    /// - Parameter step: 0 at the run's beginning.
    /// - Throws: what the set throws, naming the file, where nothing may be skipped; `DatasetError.tooManyUnreadable`
    ///   where this one batch already skips more than may be.
    public func batch(step: Int) throws -> Batch {
        let elements = try order.batch(step: step, size: batchSize)
        var pixels: [Float] = []
        pixels.reserveCapacity(batchSize * 3 * preparation.size * preparation.size)
        var captions: [String] = []
        var wrong: [[String]] = []
        var keys: [String] = []
        var regions: [[Region]] = []
        var skipped: [Batch.Skipped] = []
        for element in elements {
            let (index, example, picture) = try read(element, &skipped)
            pixels += picture.planes()
            captions.append(example.caption)
            if wrongCaptions > 0 { wrong.append(try untrue(index, element.variation)) }
            keys.append(example.key)
            regions.append(preparation.regions(of: example, variation: element.variation))
        }
        return Batch(
            step: step, pixels: pixels, captions: captions, wrongCaptions: wrong, keys: keys, regions: regions,
            size: preparation.size, skipped: skipped)
    }

    /// As many as were asked for: where the set knows fewer, they come again.
    private func untrue(_ index: Int, _ variation: UInt64) throws -> [String] {
        let found = try set.wrongCaptions(at: index, variation: variation, count: wrongCaptions)
        guard !found.isEmpty else {
            throw DatasetError.invalid("\(set.name) knows no wrong captions for example \(index); composed scenes do")
        }
        return (0..<wrongCaptions).map { found[$0 % found.count] }
    }

    /// The example at an element, or, where it cannot be read and that is allowed, one drawn by the same variation.
    private func read(
        _ element: ShuffledOrder.Element, _ skipped: inout [Batch.Skipped]
    ) throws -> (index: Int, Example, Picture) {
        var index = element.index
        var substitutes = SeededGenerator(element.variation, 0x736B_6970)
        while true {
            do {
                let example = try set.example(at: index, variation: element.variation)
                return (index, example, try preparation.picture(of: example, variation: element.variation))
            } catch {
                skipped.append(Batch.Skipped(index: index, reason: "\(error)"))
                let distinct = Set(skipped.map(\.index)).count
                try skipLimit.check(distinct, last: error)
                guard skipped.count < 64 * batchSize else { throw skipLimit.tooMany(distinct, last: "\(error)") }
                index = substitutes.below(set.count)
            }
        }
    }

    /// Batches from `step` on, without end, computed ahead by `threads` threads; at most `ahead` wait finished or are
    /// being made.
    public func stream(from step: Int = 0, threads: Int = 2, ahead: Int = 4) -> BatchStream {
        BatchStream(loader: self, from: step, threads: max(1, threads), ahead: max(1, ahead))
    }
}
