public import Tensors

/// Pictures made noisy, each at a time of its own, with all that a loss needs to know of it.
public struct NoisedBatch {
    public let schedule: NoiseSchedule
    /// What the network sees, [N, …].
    public let xt: Tensor
    /// The clean pictures.
    public let x0: Tensor
    /// ε.
    public let noise: Tensor
    /// The original step number of each example, whole or between two.
    public let times: [Double]
    /// Each example's noise level.
    public let levels: [NoiseLevel]
    public let scales: Scales

    /// `times` for the network: [N], float32, on the pictures' device.
    public func timesteps() throws -> Tensor { try Tensor(times.map { Float($0) }).to(device: xt.device) }
}

extension NoiseSchedule {
    /// The forward process q(x_t | x₀): x_t = √ᾱ · x₀ + √(1 − ᾱ) · ε (Ho et al. 2020, equation 4).
    ///
    /// - Parameters:
    ///   - x0: clean pictures [N, …] in [−1, 1], or latents of unit deviation.
    ///   - times: an original step number for each. Between two steps, log σ is interpolated.
    ///   - noise: standard normal numbers of `x0`'s shape.
    public func noised(_ x0: Tensor, at times: [Double], noise: Tensor) throws -> NoisedBatch {
        guard noise.shape == x0.shape else {
            throw DiffusionError.shape(what: "the noise", expected: x0.shape, actual: noise.shape)
        }
        let levels = try times.map { try level(timestep: $0) }
        let scales = try Scales(levels, like: x0)
        let xt = try scales.noised(x0, noise)
        return NoisedBatch(
            schedule: self, xt: xt, x0: x0, noise: noise, times: times, levels: levels, scales: scales)
    }

    public func noised(_ x0: Tensor, at steps: [Int], noise: Tensor) throws -> NoisedBatch {
        try noised(x0, at: steps.map(Double.init), noise: noise)
    }
}

/// How training draws its times.
public enum TimeDraw: String, Sendable, Hashable, Codable, CaseIterable {
    /// Whole steps, each as likely (Ho et al. 2020).
    case uniform
    /// Any time from the first step to the last.
    case continuous
    /// Continuous times, one from each of N equal parts in random order: less scatter in a small batch (Kingma et al.
    /// 2021, appendix I.1).
    case stratified

    /// - Parameter generator: on the CPU.
    public func times(_ count: Int, of schedule: NoiseSchedule, generator: RandomGenerator) throws -> [Double] {
        let (first, last) = (Double(schedule.timesteps[0]), Double(schedule.timesteps[schedule.count - 1]))
        switch self {
        case .uniform:
            let indices = try Tensor.randint(0..<schedule.count, [count], generator: generator).ints()
            return indices.map { Double(schedule.timesteps[$0]) }
        case .continuous:
            return try Tensor.rand([count], dtype: .float64, generator: generator).doubles().map {
                min(first + $0 * (last - first), last)
            }
        case .stratified:
            let offset = try Tensor.rand([1], dtype: .float64, generator: generator).item()
            return try Tensor.randperm(count, generator: generator).ints().map {
                min(first + (Double($0) + offset) / Double(count) * (last - first), last)
            }
        }
    }
}
