import Foundation

/// A learning rate as a function of the step: linear warm-up, then constant, or a cosine or line down to a floor.
public struct LearningRate: Codable, Sendable, Equatable {
    public enum Decay: String, Codable, Sendable { case constant, cosine, linear }

    /// The highest rate.
    public var peak: Double
    /// Steps of linear warm-up from 0.
    public var warmup: Int
    public var decay: Decay
    /// The last rate, as a fraction of the highest.
    public var floor: Double

    public init(peak: Double, warmup: Int = 0, decay: Decay = .constant, floor: Double = 0) {
        self.peak = peak
        self.warmup = warmup
        self.decay = decay
        self.floor = floor
    }

    /// - Parameters:
    ///   - step: from 0.
    ///   - total: steps of the whole run, where the decay ends.
    public func at(_ step: Int, of total: Int) -> Double {
        if step < warmup { return peak * Double(step + 1) / Double(warmup) }
        let progress = total > warmup ? min(1, Double(step - warmup) / Double(total - warmup)) : 1
        let remaining =
            switch decay {
            case .constant: 1.0
            case .cosine: (1 + cos(.pi * progress)) / 2
            case .linear: 1 - progress
            }
        return decay == .constant ? peak : peak * (floor + (1 - floor) * remaining)
    }
}
