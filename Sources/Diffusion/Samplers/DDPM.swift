internal import Foundation
public import Tensors

/// Ancestral sampling: x_{t−1} is drawn from p(x_{t−1} | x_t) (Ho et al. 2020, algorithm 2; Nichol & Dhariwal 2021 for
/// the learned variance). Agrees with glide-text2im's `p_sample`, and with diffusers' `DDPMScheduler`.
public struct DDPM: Sampler, Hashable {
    /// What the last step draws.
    public enum Ending: Sendable, Hashable {
        /// The mean alone, as OpenAI's code does.
        case mean
        /// As every step does, with β̃ at least `floor`: diffusers', where the last step's number is above 0.
        case drawn(floor: Double)
    }

    public var ending: Ending

    public init(ending: Ending = .mean) { self.ending = ending }

    public var scaling: Scaling { .preserving }

    public func step(
        _ xt: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let (estimate, gradient) = try denoiser.estimateWithGradient(xt, at: moment.from)
        let posterior = moment.posterior
        let logVariance = try denoiser.variance.logVariance(
            posterior, range: estimate.varianceRange, isLast: moment.isLast)

        var mean = try estimate.x0 * posterior.x0Factor + xt * posterior.xtFactor
        if let gradient { mean = try mean + denoiser.variance.factor(logVariance, posterior) * gradient }
        let z = try noise()  // drawn at the last step too, so that what follows has the reference's numbers
        guard moment.isLast else { return Advance(x: try mean + logVariance.exp(0.5) * z, x0: estimate.x0) }
        switch ending {
        case .mean: return Advance(x: mean, x0: estimate.x0)
        case .drawn(let floor):
            let logVariance = try denoiser.variance.logVariance(
                posterior, logSmall: log(max(posterior.variance, floor)), range: estimate.varianceRange)
            return Advance(x: try mean + logVariance.exp(0.5) * z, x0: estimate.x0)
        }
    }
}
