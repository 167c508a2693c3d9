/// How well captions find their pictures among many.
public struct RetrievalScores: Sendable, Hashable, Codable {
    /// Pictures that are searched.
    public var gallery: Int
    /// How often a caption's own picture was the nearest, among the nearest five, and among the nearest ten.
    public var first, firstFive, firstTen: Rate
    /// The own picture's place that half of the captions reach; 1 is first.
    public var medianRank: Double

    /// - Parameters:
    ///   - texts: caption k is picture k's.
    ///   - pictures: at least as many.
    /// - Throws: `EvaluationError.tooFew`.
    public init(texts: Embeddings, pictures: Embeddings) throws {
        guard texts.count > 0, pictures.count >= texts.count else {
            throw EvaluationError.tooFew(
                "\(pictures.count) pictures for \(texts.count) captions", expected: "at least one caption, and its picture")
        }
        let ranks = (0..<texts.count).map { row in
            let nearness = texts.similarities(of: row, to: pictures)
            // Pictures exactly as near come before it by half.
            return 1 + Double(nearness.count { $0 > nearness[row] })
                + Double(nearness.count { $0 == nearness[row] } - 1) / 2
        }
        func within(_ places: Double) -> Rate { Rate(right: Double(ranks.count { $0 <= places }), of: ranks.count) }
        gallery = pictures.count
        (first, firstFive, firstTen) = (within(1), within(5), within(10))
        let ordered = ranks.sorted()
        medianRank = (ordered[(ordered.count - 1) / 2] + ordered[ordered.count / 2]) / 2
    }
}
