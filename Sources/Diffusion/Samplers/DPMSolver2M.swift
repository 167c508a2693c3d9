internal import Foundation
public import Tensors

/// DPM-Solver++(2M): second order from one network call a step, by what the step before predicted (Lu et al. 2022,
/// algorithm 2). Agrees with k-diffusion's `sample_dpmpp_2m`.
public struct DPMSolver2M: Sampler, Hashable {
    public init() {}

    public var scaling: Scaling { .exploding }
    public var memory: Int { 1 }

    public func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let denoised = try denoiser.denoised(x, at: moment.from)
        if moment.isLast { return Advance(x: denoised, x0: denoised) }
        let (sigma, sigmaTo) = (moment.from.sigma, moment.to.sigma)
        let h = log(sigma / sigmaTo)  // the step in λ = −log σ

        var direction = denoised
        if let past = moment.past.first {
            let r = log(past.level.sigma / sigma) / h
            direction = try denoised * (1 + 1 / (2 * r)) - past.x0 * (1 / (2 * r))
        }
        return Advance(x: try x * (sigmaTo / sigma) - direction * expm1(-h), x0: denoised)
    }
}
