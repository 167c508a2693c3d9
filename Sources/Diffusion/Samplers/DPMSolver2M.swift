internal import Foundation
public import Tensors

/// DPM-Solver++(2M): second order from one network call a step, by what the step before predicted (Lu et al. 2022,
/// algorithm 2). Agrees with k-diffusion's `sample_dpmpp_2m` and with diffusers' `DPMSolverMultistepScheduler`.
public struct DPMSolver2M: Sampler, Hashable {
    /// How x₀'s change over the step is weighed.
    public enum Correction: String, Sendable, Hashable {
        /// None: DDIM, in other words.
        case none
        /// As if it were what it is in the middle of the step.
        case midpoint
        /// Integrated.
        case heun
    }

    public var correction: Correction
    /// Whether the last step takes the latest x₀ alone, also where it does not end at the clean picture.
    public var endsFirstOrder: Bool

    public init(correction: Correction = .midpoint, endsFirstOrder: Bool = true) {
        self.correction = correction
        self.endsFirstOrder = endsFirstOrder
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

        var direction = denoised
        if correction != .none, let past = moment.past.first, !(moment.isLast && endsFirstOrder) {
            let r = log(past.level.sigma / sigma) / h
            let weight = correction.weight(h) / r
            direction = try denoised * (1 + weight) - past.x0 * weight
        }
        return Advance(x: try x * (sigmaTo / sigma) - direction * expm1(-h), x0: denoised)
    }
}

extension DPMSolver2M.Correction {
    /// The share of x₀'s change over a step of length h that counts.
    ///
    /// - Parameter h: twice the step in λ where half of it is noise.
    func weight(_ h: Double) -> Double {
        switch self {
        case .none: 0
        case .midpoint: 0.5
        case .heun: -(expm1(-h) / h + 1) / expm1(-h)
        }
    }
}
