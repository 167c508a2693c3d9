internal import Tensors

/// Noise added before a step, to make an ODE sampler stochastic (Karras et al. 2022, algorithm 2).
public struct Churn: Sendable, Hashable {
    /// S_churn: the noise of a whole run; 0 adds none.
    public var amount: Double
    /// [S_tmin, S_tmax]: the σ at which noise is added.
    public var range: ClosedRange<Double>
    /// S_noise: the added noise's deviation.
    public var deviation: Double

    public init(amount: Double, range: ClosedRange<Double> = 0...(.infinity), deviation: Double = 1) {
        self.amount = amount
        self.range = range
        self.deviation = deviation
    }

    public static let none = Churn(amount: 0)

    /// x at a raised level σ̂ = σ · (1 + γ). Noise is drawn also where none is added, as k-diffusion does.
    func raise(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> (x: Tensor, level: NoiseLevel) {
        let sigma = moment.from.sigma
        let z = try noise()
        let isInRange = range.contains(sigma)
        let gamma = isInRange ? min(amount / Double(moment.trajectory.count), 2.0.squareRoot() - 1) : 0
        guard gamma > 0 else { return (x, moment.from) }
        let sigmaHat = sigma * (gamma + 1)
        let added = (sigmaHat * sigmaHat - sigma * sigma).squareRoot()
        return (try x + z * deviation * added, denoiser.level(sigma: sigmaHat))
    }
}
