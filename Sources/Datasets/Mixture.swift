/// Several sets seen as one, each with its share.
///
/// An epoch has as many examples as all sets together unless `count` says otherwise; of these, each set gives its
/// weight's share. A set that gives more than it has is repeated; of one that gives less, or of what is left behind whole
/// repetitions, others are shown each epoch, drawn one by one by the variation.
///
/// With `together`, what stands in a row in a set comes in a row. Shares are then whole runs of so many examples, at least
/// one of each set, which begin at multiples of `together` in the mixture as in their set; where a set's count is no
/// multiple, its last run goes on with its first examples. Of a set that gives less than it has, or behind whole
/// repetitions, whole runs are drawn, none of them twice, and the same ones each epoch: the variation, which differs from
/// example to example within a run, has no part in it.
public struct Mixture: CaptionedPictures {
    public let name: String
    public let parts: [(set: any CaptionedPictures, weight: Double)]
    /// Where each part's examples end, at multiples of `together`.
    private let ends: [Int]
    private let together: Int

    /// - Parameters:
    ///   - count: examples an epoch, brought to whole runs.
    ///   - together: examples that stand in a row in a set and come in a row; see `ShuffledOrder`.
    /// - Throws: `DatasetError.empty` for an empty set, `.invalid` for no parts, weights that are not positive numbers,
    ///   or counts out of range.
    public init(
        _ parts: [(set: any CaptionedPictures, weight: Double)], count: Int? = nil, together: Int = 1,
        name: String = "mixture"
    ) throws(DatasetError) {
        guard !parts.isEmpty else { throw .invalid("a mixture of no sets") }
        guard (1...1 << 40).contains(together) else {
            throw .invalid("a mixture with \(together) examples together: a positive number was expected")
        }
        for part in parts {
            guard part.weight > 0, part.weight.isFinite else {
                throw .invalid(
                    "\(part.set.name) in a mixture with weight \(part.weight): a positive number was expected")
            }
            guard part.set.count > 0 else { throw .empty(part.set.name, reason: "its count is 0") }
        }
        let total = count ?? parts.reduce(0) { $0 + $1.set.count }
        guard total >= parts.count, total <= 1 << 40 else {
            throw .invalid("a mixture of \(parts.count) sets with \(total) examples an epoch")
        }
        let weights = parts.reduce(0) { $0 + $1.weight }
        guard weights.isFinite else { throw .invalid("weights of a mixture whose sum is beyond counting") }
        self.name = name
        self.parts = parts
        self.together = together
        let runs = max((total + together / 2) / together, parts.count)
        var reached = 0.0
        var end = 0
        ends = parts.enumerated().map { number, part in
            reached += part.weight
            let share = Int((reached / weights * Double(runs)).rounded())
            // At least one run for this part and for each that follows.
            end = min(max(share, end + 1), runs - (parts.count - 1 - number))
            return end * together
        }
    }

    public var count: Int { ends.last ?? 0 }

    public var notes: [String] {
        parts.enumerated().flatMap { number, part in
            let given = range(of: number).count
            let isCut = together > 1 && given < part.set.count
            return part.set.notes
                + (isCut
                    ? ["\(part.set.name): \(given) of its \(part.set.count) examples are shown, by its weight and in runs of \(together)"]
                    : [])
        }
    }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        let (part, inner) = try place(of: index, variation)
        return try part.example(at: inner, variation: variation)
    }

    public func captions(at index: Int) throws -> [String] {
        let (part, inner) = try place(of: index, 0)
        return try part.captions(at: inner)
    }

    public func identity(at index: Int) throws -> ExampleIdentity {
        let (part, inner) = try place(of: index, 0)
        return try part.identity(at: inner)
    }

    public func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] {
        let (part, inner) = try place(of: index, variation)
        return try part.wrongCaptions(at: inner, variation: variation, count: count)
    }

    /// The examples that a part gives.
    private func range(of part: Int) -> Range<Int> { (part == 0 ? 0 : ends[part - 1])..<ends[part] }

    private func place(of index: Int, _ variation: UInt64) throws(DatasetError) -> (any CaptionedPictures, Int) {
        try check(index)
        let which = ends.firstIndex { index < $0 } ?? ends.count - 1
        let range = range(of: which)
        let set = parts[which].set
        // Runs that the part gives, and that its set has.
        let given = range.count / together
        let runs = (set.count - 1) / together + 1
        let (run, place) = (index - range.lowerBound).quotientAndRemainder(dividingBy: together)
        let chosen: Int
        if run < given / runs * runs {
            chosen = run % runs
        } else if together > 1 {
            chosen = try ShuffledOrder(count: runs, seed: UInt64(which)).element(at: UInt64(run % runs)).index
        } else {
            var draws = SeededGenerator(variation, UInt64(index), 0x6D69_78)
            chosen = draws.below(runs)
        }
        return (set, (chosen * together + place) % set.count)
    }
}

/// Some examples of a set, in an order of one's own.
public struct Subset: CaptionedPictures {
    public let name: String
    public let set: any CaptionedPictures
    public let indices: [Int]

    /// - Throws: `DatasetError.invalid` for an index outside the set.
    public init(_ set: any CaptionedPictures, indices: [Int], name: String? = nil) throws(DatasetError) {
        for index in indices { try set.check(index) }
        self.set = set
        self.indices = indices
        self.name = name ?? set.name
    }

    /// The examples for which `isIncluded(index, captions)` holds; no picture is read where the set knows its captions.
    public init(
        _ set: any CaptionedPictures, name: String? = nil, where isIncluded: (Int, [String]) throws -> Bool
    ) throws {
        let indices = try (0..<set.count).filter { try isIncluded($0, set.captions(at: $0)) }
        try self.init(set, indices: indices, name: name)
    }

    public var count: Int { indices.count }
    public var notes: [String] { self.set.notes }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        return try set.example(at: indices[index], variation: variation)
    }

    public func captions(at index: Int) throws -> [String] {
        try check(index)
        return try set.captions(at: indices[index])
    }

    public func identity(at index: Int) throws -> ExampleIdentity {
        try check(index)
        return try set.identity(at: indices[index])
    }

    public func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] {
        try check(index)
        return try set.wrongCaptions(at: indices[index], variation: variation, count: count)
    }
}
