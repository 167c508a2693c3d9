public import Tensors

/// Ancestral sampling: x_{t−1} is drawn from p(x_{t−1} | x_t) (Ho et al. 2020, algorithm 2; Nichol & Dhariwal 2021 for
/// the learned variance). Agrees with glide-text2im's `p_sample`.
public struct DDPM: Sampler {
    public init() {}

    public var scaling: Scaling { .preserving }

    public func step(
        _ xt: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let estimate = try denoiser.estimate(xt, at: moment.from)
        let posterior = moment.posterior
        let logVariance = try denoiser.variance.logVariance(
            posterior, range: estimate.varianceRange, isLast: moment.isLast)

        var mean = try estimate.x0 * posterior.x0Factor + xt * posterior.xtFactor
        if let gradient = try denoiser.scoreGradient(xt, at: moment.from) {
            mean = try mean + logVariance.exp(1) * gradient
        }
        let z = try noise()  // drawn at the last step too, so that what follows has the reference's numbers
        if moment.isLast { return Advance(x: mean, x0: estimate.x0) }
        return Advance(x: try mean + logVariance.exp(0.5) * z, x0: estimate.x0)
    }
}
