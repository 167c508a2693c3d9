public import Scenes

/// How one picture did among its captions.
public struct Verdict: Sendable, Equatable {
    /// Where the true caption came among all: 1 is first. Captions as near as it count half.
    public var rank: Double
    /// 0 or 1, or the part that falls to the true caption where others are exactly as near.
    public var first: Double
    public var firstFive: Double
    /// The same among the captions of one part; those parts that the choice has, whatever the picture.
    public var parts: [ScenePart: Double]
    /// The cosine between picture and true caption.
    public var similarity: Double

    /// - Parameter similarities: one a caption, in their order.
    public init(_ choice: CaptionChoice, similarities: [Double]) {
        let own = similarities[0]
        func credit(_ others: [Int], within places: Int) -> Double {
            let nearer = others.count { similarities[$0] > own }
            let equal = others.count { similarities[$0] == own }
            return min(1, max(0, Double(places - nearer) / Double(equal + 1)))
        }
        similarity = own
        let nearer = choice.mixed.count { similarities[$0] > own }
        rank = 1 + Double(nearer) + Double(choice.mixed.count { similarities[$0] == own }) / 2
        first = credit(choice.mixed, within: 1)
        firstFive = credit(choice.mixed, within: 5)
        parts = choice.parts.mapValues { credit($0, within: 1) }
    }
}

/// What many verdicts come to.
public struct RankingScores: Sendable, Hashable, Codable {
    /// The true caption was first of all.
    public var first: Rate
    /// It was among the first five.
    public var firstFive: Rate
    /// By a part's name: it was first of those that differ in this part alone. Of the prompts that have such captions, so
    /// that a part counts equally often whatever was ranked by the same prompts.
    public var parts: [String: Rate]
    /// The mean cosine between a picture and its caption.
    public var similarity: Double
    /// The true caption's mean place; 1 is first.
    public var meanRank: Double

    public init(_ verdicts: [Verdict]) {
        first = Rate(verdicts.map(\.first))
        firstFive = Rate(verdicts.map(\.firstFive))
        parts = [:]
        for part in ScenePart.allCases {
            let values = verdicts.compactMap { $0.parts[part] }
            if !values.isEmpty { parts[part.rawValue] = Rate(values) }
        }
        let count = Double(max(1, verdicts.count))
        similarity = verdicts.reduce(0) { $0 + $1.similarity } / count
        meanRank = verdicts.reduce(0) { $0 + $1.rank } / count
    }

    /// What guessing comes to: one over the number of captions to choose from, five over it for `firstFive`, on average over
    /// the choices. A choice counts in a part only if it has other captions in it. In the whole, every choice counts; a lone
    /// caption is always right.
    public static func chance(_ choices: [CaptionChoice]) -> RankingScores {
        RankingScores(
            choices.map { choice in Verdict(choice, similarities: [Double](repeating: 0, count: choice.captions.count)) })
    }
}
