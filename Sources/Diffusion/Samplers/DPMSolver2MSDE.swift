internal import Foundation
public import Tensors

/// SDE-DPM-Solver++(2M): `DPMSolver2M` for the diffusion's stochastic equation, with fresh noise at every step (Lu et
/// al. 2022, appendix D). Agrees with k-diffusion's `sample_dpmpp_2m_sde`, its Brownian noise being drawn step by step,
/// and with diffusers' `DPMSolverMultistepScheduler` as `sde-dpmsolver++`.
public struct DPMSolver2MSDE: Sampler, Hashable {
    /// 0 adds no noise and is `DPMSolver2M`.
    public var eta: Double
    public var correction: DPMSolver2M.Correction
    /// Whether the last step takes the latest x₀ alone, also where it does not end at the clean picture.
    public var endsFirstOrder: Bool
    /// The added noise's deviation.
    public var deviation: Double

    public init(
        eta: Double = 1, correction: DPMSolver2M.Correction = .midpoint, endsFirstOrder: Bool = true,
        deviation: Double = 1
    ) {
        self.eta = eta
        self.correction = correction
        self.endsFirstOrder = endsFirstOrder
        self.deviation = deviation
    }

    public var scaling: Scaling { .exploding }
    public var memory: Int { 1 }

    public func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let denoised = try denoiser.denoised(x, at: moment.from)
        if moment.endsClean { return Advance(x: denoised, x0: denoised) }
        let (sigma, sigmaTo) = (moment.from.sigma, moment.to.sigma)
        let h = log(sigma / sigmaTo)  // the step in λ = −log σ
        let added = eta * h  // what is denoised beside, and replaced by new noise

        var direction = denoised
        if correction != .none, let past = moment.past.first, !(moment.isLast && endsFirstOrder) {
            let r = log(past.level.sigma / sigma) / h
            let weight = correction.weight(h + added) / r
            direction = try denoised * (1 + weight) - past.x0 * weight
        }
        let mean = try x * (sigmaTo / sigma * exp(-added)) - direction * expm1(-h - added)
        let fresh = sigmaTo * (-expm1(-2 * added)).squareRoot() * deviation
        return Advance(x: try mean + noise() * fresh, x0: denoised)
    }
}
