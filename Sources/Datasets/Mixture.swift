/// Several sets seen as one, each with its share.
///
/// An epoch has as many examples as all sets together unless `count` says otherwise; of these, each set gives its
/// weight's share. A set that gives more than it has is repeated; of one that gives less, or of what is left behind whole
/// repetitions, others are shown each epoch, drawn one by one. What stands in a row in a set comes in a row only where its
/// share is a whole multiple of its count.
public struct Mixture: CaptionedPictures {
    public let name: String
    public let parts: [(set: any CaptionedPictures, weight: Double)]
    /// Where each part's examples end.
    private let ends: [Int]

    /// - Throws: `DatasetError.invalid` for no parts, an empty set, or weights that are not positive numbers.
    public init(
        _ parts: [(set: any CaptionedPictures, weight: Double)], count: Int? = nil, name: String = "mixture"
    ) throws(DatasetError) {
        guard !parts.isEmpty else { throw .invalid("a mixture of no sets") }
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
        var reached = 0.0
        ends = parts.map { part in
            reached += part.weight
            return Int((reached / weights * Double(total)).rounded())
        }
    }

    public var count: Int { ends.last ?? 0 }
    public var notes: [String] { parts.flatMap(\.set.notes) }

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

    private func place(of index: Int, _ variation: UInt64) throws(DatasetError) -> (any CaptionedPictures, Int) {
        try check(index)
        let which = ends.firstIndex { index < $0 } ?? ends.count - 1
        let start = which == 0 ? 0 : ends[which - 1]
        let set = parts[which].set
        let given = ends[which] - start
        let local = index - start
        if local < given / set.count * set.count { return (set, local % set.count) }
        var draws = SeededGenerator(variation, UInt64(index), 0x6D69_78)
        return (set, draws.below(set.count))
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
