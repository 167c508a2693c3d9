internal import Foundation

/// How noisy a picture is: one point of the forward process.
public struct NoiseLevel: Sendable, Hashable {
    /// What the network is told: an original step number, whole or between two.
    public let timestep: Double
    /// The share of the picture's variance that is left, 1 for a clean picture.
    public let alphaBar: Double
    /// √((1 − ᾱ) / ᾱ), 0 for a clean picture.
    public let sigma: Double

    /// - Parameter alphaBar: above 0, or 0 for nothing but noise: σ is then infinite.
    package init(timestep: Double, alphaBar: Double) {
        self.timestep = timestep
        self.alphaBar = alphaBar
        sigma = ((1 - alphaBar) / alphaBar).squareRoot()
    }

    package init(timestep: Double, sigma: Double) {
        self.timestep = timestep
        self.sigma = sigma
        alphaBar = 1 / (1 + sigma * sigma)
    }

    private init(timestep: Double, alphaBar: Double, sigma: Double) {
        self.timestep = timestep
        self.alphaBar = alphaBar
        self.sigma = sigma
    }

    /// The same noise under another step number.
    func told(_ timestep: Double) -> NoiseLevel { NoiseLevel(timestep: timestep, alphaBar: alphaBar, sigma: sigma) }

    /// No noise at all.
    public static let clean = NoiseLevel(timestep: 0, alphaBar: 1)
}

extension NoiseSchedule {
    /// The noise at an original step number; between two steps, log σ is interpolated as k-diffusion's
    /// `DiscreteSchedule.t_to_sigma` does, and √ᾱ before a step of nothing but noise, whose σ is infinite.
    public func level(timestep time: Double) throws -> NoiseLevel {
        guard let first = timesteps.first, let last = timesteps.last, time >= Double(first), time <= Double(last) else {
            throw DiffusionError.time(time, expected: "\(timesteps.first ?? 0) to \(timesteps.last ?? 0)")
        }
        let low = lastIndex { Double(timesteps[$0]) <= time }
        if Double(timesteps[low]) == time { return NoiseLevel(timestep: time, alphaBar: alphaBar[low]) }
        let gap = Double(timesteps[low + 1] - timesteps[low])
        let weight = (time - Double(timesteps[low])) / gap
        if sigmas[low + 1] == .infinity {
            let root = (1 - weight) * alphaBar[low].squareRoot()
            return NoiseLevel(timestep: time, alphaBar: root * root)
        }
        let logSigma = (1 - weight) * logSigmas[low] + weight * logSigmas[low + 1]
        return NoiseLevel(timestep: time, sigma: exp(logSigma))
    }

    /// The noise of a given σ; the time is what lies at that σ, kept within the schedule.
    ///
    /// - Parameter rounding: takes the nearest step's number (in log σ) instead of interpolating. σ stays as given.
    ///   k-diffusion calls it `quantize`.
    public func level(sigma: Double, rounding: Bool = false) -> NoiseLevel {
        NoiseLevel(timestep: timestep(sigma: sigma, rounding: rounding), sigma: sigma)
    }

    /// k-diffusion's `DiscreteSchedule.sigma_to_t`, and the way back from what `level(timestep:)` says.
    public func timestep(sigma: Double, rounding: Bool = false) -> Double {
        guard sigma > 0 else { return Double(timesteps.first ?? 0) }
        let logSigma = log(sigma)
        let low = min(lastIndex { logSigmas[$0] <= logSigma }, max(count - 2, 0))
        let high = min(low + 1, count - 1)
        guard low < high else { return Double(timesteps[low]) }
        if rounding {
            let isLowNearer = abs(logSigma - logSigmas[low]) <= abs(logSigma - logSigmas[high])
            return Double(timesteps[isLowNearer ? low : high])
        }
        let weight =
            sigmas[high] == .infinity
            ? 1 - 1 / (alphaBar[low] * (1 + sigma * sigma)).squareRoot()
            : (logSigma - logSigmas[low]) / (logSigmas[high] - logSigmas[low])
        let clamped = min(max(weight, 0), 1)
        return (1 - clamped) * Double(timesteps[low]) + clamped * Double(timesteps[high])
    }

    /// The last step of which `holds` is true, where it is true up to some step and false after; 0 where never.
    private func lastIndex(_ holds: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }
}
