internal import Foundation
public import Images
internal import Scenes

/// What a `CLIPEvaluation` found.
public struct CLIPReport: Sendable, Hashable, Codable {
    public var model: String
    public var set: String
    /// Pictures.
    public var count: Int
    /// Captions that each was ranked by, on average; the true one is among them.
    public var captions: Double
    public var seed: UInt64
    /// What guessing comes to.
    public var chance: RankingScores
    public var clean: RankingScores
    public var noisy: [Level] = []
    public var retrieval: RetrievalScores?

    /// Pictures with the noise of one step.
    public struct Level: Sendable, Hashable, Codable {
        public var step: Int
        /// √((1 − ᾱ) / ᾱ): noise for each unit of picture.
        public var sigma: Double
        public var ranking: RankingScores
    }

    init(
        model: String, set: String, count: Int, captions: Double, seed: UInt64, chance: RankingScores,
        clean: RankingScores
    ) {
        (self.model, self.set, self.count, self.captions) = (model, set, count, captions)
        (self.seed, self.chance, self.clean) = (seed, chance, clean)
    }

    private var parts: [String] { ScenePart.allCases.map(\.rawValue).filter { chance.parts[$0] != nil } }

    /// As Markdown: a table of the steps, and one of the search.
    public var markdown: String {
        let heads = ["", "first of \(captions.formatted(0))", "first five"] + parts
        var rows = [heads, ["---"] + heads.dropFirst().map { _ in "---:" }]
        func row(_ name: String, _ scores: RankingScores, _ text: (Rate) -> String = { $0.text }) -> [String] {
            [name, text(scores.first), text(scores.firstFive)] + parts.map { scores.parts[$0].map(text) ?? "–" }
        }
        rows.append(row("chance", chance) { $0.percent })
        rows.append(row("clean pictures", clean))
        for level in noisy { rows.append(row("step \(level.step), σ \(level.sigma.formatted(3))", level.ranking)) }
        var lines = ["# \(model) on \(count) real scenes (\(set))", ""]
        lines += rows.map { "| " + $0.joined(separator: " | ") + " |" }
        if let retrieval {
            lines += [
                "", "Search: \(count) captions among \(retrieval.gallery) pictures of the same kind.", "",
                "| own picture first | in the first five | in the first ten | median place |", "| ---: | ---: | ---: | ---: |",
                "| \(retrieval.first.text) | \(retrieval.firstFive.text) | \(retrieval.firstTen.text) | "
                    + "\(retrieval.medianRank.formatted(nil)) |",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Accuracy over the step; nil for a model of clean pictures.
    public func plot() throws -> Picture? {
        guard !noisy.isEmpty else { return nil }
        var canvas = PlotCanvas(width: LinePlot.size.width, height: LinePlot.size.height)
        let measures: [(name: String, rate: (RankingScores) -> Rate?)] =
            [("first of \(captions.formatted(0))", { $0.first })] + parts.map { part in (part, { $0.parts[part] }) }
        LinePlot(
            title: "Accuracy over the noise", axis: "step",
            series: measures.enumerated().map { index, measure in
                LinePlot.Series(
                    name: measure.name, colour: Palette.line(index),
                    points: noisy.compactMap { level in
                        measure.rate(level.ranking).map { (Double(level.step), $0.value) }
                    })
            }, isShare: true, most: 1
        ).draw(on: &canvas, left: 0, top: 0)
        return try canvas.picture()
    }
}
