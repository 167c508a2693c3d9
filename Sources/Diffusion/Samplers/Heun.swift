public import Tensors

/// Heun's second-order steps along the probability-flow ODE; two network calls each but the last (Karras et al. 2022,
/// algorithm 2). Agrees with k-diffusion's `sample_heun`.
///
/// A step from a σ of more than a thousand to less than a hundredth of it is Euler's, such as the squared cosine's first, from
/// 20,000 to 19 of 30 steps: the average would weigh the difference between two predictions by some hundreds.
public struct Heun: Sampler, Hashable {
    public var churn: Churn

    public init(churn: Churn = .none) { self.churn = churn }

    public var scaling: Scaling { .exploding }

    public func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let (x, level) = try churn.raise(x, moment, denoiser, noise: noise)
        let denoised = try denoiser.denoised(x, at: level)
        let d = try (x - denoised) / level.sigma
        let dt = moment.to.sigma - level.sigma
        let euler = try x + d * dt
        guard Self.corrects(moment, from: level) else { return Advance(x: euler, x0: denoised) }
        let d2 = try (euler - denoiser.denoised(euler, at: moment.to)) / moment.to.sigma
        return Advance(x: try x + (d + d2) / 2 * dt, x0: denoised)
    }

    /// Whether the average of both ends' directions is a better one than the first.
    private static func corrects(_ moment: Moment, from level: NoiseLevel) -> Bool {
        !moment.endsClean && (level.sigma <= 1000 || moment.to.sigma >= level.sigma / 100)
    }
}
