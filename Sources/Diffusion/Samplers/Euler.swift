public import Tensors

/// Euler steps along the probability-flow ODE (Karras et al. 2022, algorithm 2 without its correction). Agrees with
/// k-diffusion's `sample_euler`.
public struct Euler: Sampler, Hashable {
    public var churn: Churn

    public init(churn: Churn = .none) { self.churn = churn }

    public var scaling: Scaling { .exploding }

    public func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let (x, level) = try churn.raise(x, moment, denoiser, noise: noise)
        let denoised = try denoiser.denoised(x, at: level)
        let d = try (x - denoised) / level.sigma
        return Advance(x: try x + d * (moment.to.sigma - level.sigma), x0: denoised)
    }
}
