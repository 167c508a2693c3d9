internal import Foundation
public import Images
internal import Scenes

/// What a `TextEvaluation` found.
public struct TextReport: Sendable, Hashable, Codable {
    public var model, data, set: String
    public var seed: UInt64
    /// Scenes.
    public var count: Int
    /// The least noise first.
    public var levels: [Level]

    public struct Level: Sendable, Hashable, Codable {
        public var step: Int
        /// √((1 − ᾱ) / ᾱ): noise for each unit of picture.
        public var sigma: Double
        /// Mean squared error of the predicted clean picture, or latents, by the true captions.
        public var squaredError: Double
        /// Standard error of that mean over the scenes; 0 of one scene.
        public var standardError: Double
        /// By the name of the part that alone is false; parts that some scene can be told falsely in.
        public var parts: [String: CaptionGap]
        /// By the empty caption; nil where there is no error by the true ones.
        public var empty: CaptionGap?
    }

    private var parts: [String] {
        ScenePart.allCases.map(\.rawValue).filter { part in levels.contains { $0.parts[part] != nil } }
    }

    /// As Markdown: a row a level.
    public var markdown: String {
        let heads = ["step", "σ", "true caption"] + parts + ["no caption"]
        var rows = [heads, heads.map { _ in "---:" }]
        for level in levels {
            let gaps = parts.map { level.parts[$0] } + [level.empty]
            rows.append(
                ["\(level.step)", level.sigma.formatted(3), String(format: "%.4g", level.squaredError)]
                    + gaps.map { $0?.text ?? "–" })
        }
        var lines = ["# \(model): what it hears of the captions of \(count) real scenes (\(set) of \(data))", ""]
        lines += rows.map { "| " + $0.joined(separator: " | ") + " |" }
        lines += [
            "",
            "“True caption”: mean squared error of the clean picture, or latents, that the network predicts. The columns "
                + "after it: by how much that error grows when the caption is false in this part alone, or empty; with "
                + "standard errors, scenes paired.",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The parts' gaps over the step, those below 0 at 0; nil where no part can be told falsely.
    public func plot() throws -> Picture? {
        guard !parts.isEmpty else { return nil }
        var canvas = PlotCanvas(width: LinePlot.size.width, height: LinePlot.size.height)
        LinePlot(
            title: "Error above the true caption's, %", axis: "step",
            series: parts.enumerated().map { index, part in
                LinePlot.Series(
                    name: part, colour: Palette.line(index),
                    points: levels.compactMap { level in
                        level.parts[part].map { (Double(level.step), 100 * $0.value) }
                    })
            }, isShare: false, most: nil
        ).draw(on: &canvas, left: 0, top: 0)
        return try canvas.picture()
    }
}

extension CaptionGap {
    /// 12.30 ± 0.41 %.
    fileprivate var text: String { "\((100 * value).formatted(2)) ± \((100 * standardError).formatted(2)) %" }
}
