public import Tensors

/// Euler steps to below the next level, then noise up to it. Agrees with k-diffusion's `sample_euler_ancestral`.
public struct EulerAncestral: Sampler, Hashable {
    /// 0 adds no noise and is `Euler`; 1 is as random as DDPM.
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
        let (from, to) = (moment.from.sigma, moment.to.sigma)
        let up = min(to, eta * to * ((from * from - to * to) / (from * from)).squareRoot())
        let down = (to * to - up * up).squareRoot()
        let d = try (x - denoised) / from
        let mean = try x + d * (down - from)
        if moment.endsClean { return Advance(x: mean, x0: denoised) }
        return Advance(x: try mean + noise() * (deviation * up), x0: denoised)
    }
}
