/// Some examples of a set, spread evenly over it: a look at a large one.
public struct Excerpt: CaptionedPictures {
    public let whole: any CaptionedPictures
    public let count: Int

    /// - Parameter count: at most so many.
    public init(of whole: any CaptionedPictures, count: Int) {
        self.whole = whole
        self.count = min(max(count, 0), whole.count)
    }

    public var name: String { whole.name }
    public var notes: [String] { whole.notes }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        try whole.example(at: place(index), variation: variation)
    }

    public func captions(at index: Int) throws -> [String] { try whole.captions(at: place(index)) }

    public func identity(at index: Int) throws -> ExampleIdentity { try whole.identity(at: place(index)) }

    public func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] {
        try whole.wrongCaptions(at: place(index), variation: variation, count: count)
    }

    private func place(_ index: Int) throws -> Int {
        try check(index)
        // In parts, as the product may be beyond an Int.
        let (step, rest) = whole.count.quotientAndRemainder(dividingBy: count)
        return index * step + Int(Double(index) / Double(count) * Double(rest))
    }
}
