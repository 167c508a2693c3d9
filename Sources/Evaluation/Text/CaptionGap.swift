/// How much larger an error is by another caption than by the true one, over the same scenes with the same noise.
public struct CaptionGap: Sendable, Hashable, Codable {
    /// Scenes that have such a caption.
    public var count: Int
    /// The mean squared error by the other caption.
    public var squaredError: Double
    /// That over the same scenes' mean squared error by the true caption, less 1: 0.1 is ten percent more.
    public var value: Double
    /// Standard error of `value`, scenes paired; 0 of one scene.
    public var standardError: Double

    /// - Parameter errors: each scene's, by the other caption and by the true one.
    /// - Returns: nil where there is no scene, and where there is no error by the true captions.
    public init?(_ errors: [(other: Double, truth: Double)]) {
        let count = Double(errors.count)
        let others = errors.reduce(0) { $0 + $1.other }
        let truths = errors.reduce(0) { $0 + $1.truth }
        guard truths > 0 else { return nil }
        // A ratio of two means, which errs as the mean of these rests does (Cochran 1977, chapter 6).
        let ratio = others / truths
        let squares = errors.reduce(0.0) { sum, scene in
            let rest = scene.other - ratio * scene.truth
            return sum + rest * rest
        }
        self.count = errors.count
        squaredError = others / count
        value = ratio - 1
        standardError = count > 1 ? (squares * count / (count - 1)).squareRoot() / truths : 0
    }
}
