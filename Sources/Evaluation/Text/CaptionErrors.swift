internal import Scenes

/// One scene's mean squared errors, each a number a level.
struct CaptionErrors {
    /// By the true caption.
    var truth: [Double]
    /// By the empty one.
    var empty: [Double]
    /// By a caption that is false in one part; of the parts that have one.
    var parts: [ScenePart: [Double]] = [:]
}

extension TextReport.Level {
    /// - Parameter index: of the level, among each error's numbers.
    init(step: Int, sigma: Double, _ scenes: [CaptionErrors], at index: Int) {
        func gap(_ other: (CaptionErrors) -> [Double]?) -> CaptionGap? {
            CaptionGap(
                scenes.compactMap { scene -> (other: Double, truth: Double)? in
                    other(scene).map { (other: $0[index], truth: scene.truth[index]) }
                })
        }
        let count = Double(max(1, scenes.count))
        let mean = scenes.reduce(0) { $0 + $1.truth[index] } / count
        let squares = scenes.reduce(0.0) { sum, scene in
            let rest = scene.truth[index] - mean
            return sum + rest * rest
        }
        var parts: [String: CaptionGap] = [:]
        for part in ScenePart.allCases { parts[part.rawValue] = gap { $0.parts[part] } }
        self.init(
            step: step, sigma: sigma, squaredError: mean,
            standardError: count > 1 ? (squares / (count - 1) / count).squareRoot() : 0, parts: parts,
            empty: gap { $0.empty })
    }
}
