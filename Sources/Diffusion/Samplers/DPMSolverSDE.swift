internal import Foundation
public import Tensors

/// DPM-Solver++(S) for the diffusion's stochastic equation: a step to the middle (in λ), and the whole step with what
/// the network says there. Agrees with k-diffusion's `sample_dpmpp_sde` and diffusers' `DPMSolverSDEScheduler`, given
/// the same noise.
///
/// Both parts of a step see one Brownian motion in σ: the first follows it to the middle, the second to the end. Two
/// draws a step are its two pieces.
public struct DPMSolverSDE: Sampler, Hashable {
    /// 0 adds no noise; 1 is as random as DDPM.
    public var eta: Double
    /// The added noise's deviation.
    public var deviation: Double

    public init(eta: Double = 1, deviation: Double = 1) {
        self.eta = eta
        self.deviation = deviation
    }

    public var scaling: Scaling { .exploding }

    public func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let denoised = try denoiser.denoised(x, at: moment.from)
        if moment.endsClean { return Advance(x: denoised, x0: denoised) }
        let (from, to) = (moment.from.sigma, moment.to.sigma)
        let middle = (from * to).squareRoot()

        let first = try noise()
        let half = try part(x, denoised, from: from, to: middle, first)
        let atMiddle = try denoiser.denoised(half, at: denoiser.level(sigma: middle))

        let share = (from - middle) / (from - to)  // of the whole motion's variance
        let whole = try first * share.squareRoot() + noise() * (1 - share).squareRoot()
        return Advance(x: try part(x, atMiddle, from: from, to: to, whole), x0: denoised)
    }

    /// Denoises to below `to`, and adds noise up to it.
    private func part(_ x: Tensor, _ x0: Tensor, from: Double, to: Double, _ z: Tensor) throws -> Tensor {
        let up = min(to, eta * to * ((from * from - to * to) / (from * from)).squareRoot())
        let down = (to * to - up * up).squareRoot()
        return try x * (down / from) + x0 * (1 - down / from) + z * (deviation * up)
    }
}
