public import Images

/// What another wording makes of the same noise: whether the order of words matters, or "in the background".
///
/// ```swift
/// let comparison = try await model.compare(
///     .init(prompt: "a fox left of a house", seed: 7), with: "a house left of a fox")
/// print(comparison.change.mean, comparison.share)
/// ```
public struct PromptComparison: Sendable {
    public let first: GeneratedPicture
    public let second: GeneratedPicture
    /// How much each pixel differs: the mean over the channels of the absolute difference, 0…1.
    public let change: HeatMap
    /// The mean change as a share of what it is to a picture of no prompt: 0 where the wording does not matter, 1 where it
    /// matters as much as having a prompt at all.
    public let share: Double

    init(_ first: GeneratedPicture, _ second: GeneratedPicture, unprompted: GeneratedPicture) {
        (self.first, self.second) = (first, second)
        change = HeatMap(change: first.picture, second.picture)
        let most = HeatMap(change: first.picture, unprompted.picture).mean
        share = most > 0 ? change.mean / most : 0
    }

    /// Both pictures, and where they differ.
    /// - Throws: `ImageError`.
    public func sheet() throws -> Picture {
        try ContactSheet(columns: 3).picture(
            of: [first.picture, second.picture, change.laid(over: first.picture)],
            captions: [first.settings.prompt, second.settings.prompt, "where they differ"])
    }
}

extension HeatMap {
    /// The mean over the channels of the absolute difference of two pictures of one size, 0…1.
    init(change first: Picture, _ second: Picture) {
        let (own, other) = (first.rgb.pixels, second.rgb.pixels)
        var values = [Float](repeating: 0, count: min(own.count, other.count) / 3)
        for index in 0..<3 * values.count {
            values[index / 3] += Float(abs(Int(own[index]) - Int(other[index]))) / (3 * 255)
        }
        self.init(width: first.width, height: first.height, values: values)
    }
}
