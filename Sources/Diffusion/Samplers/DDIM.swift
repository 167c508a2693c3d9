public import Tensors

/// Denoising diffusion implicit models (Song et al. 2021, equation 12). Agrees with glide-text2im's `ddim_sample`, and
/// with diffusers' `DDIMScheduler` where the direction is the predicted one.
public struct DDIM: Sampler, Hashable {
    /// The ε that the step goes along.
    public enum Direction: Sendable, Hashable {
        /// As it follows from the treated x₀: the pictures stay on the way that x₀ is on.
        case treated
        /// As the network said, however x₀ was treated.
        case predicted
    }

    /// 0 is deterministic, 1 as random as DDPM.
    public var eta: Double
    public var direction: Direction

    public init(eta: Double = 0, direction: Direction = .treated) {
        self.eta = eta
        self.direction = direction
    }

    public var scaling: Scaling { .preserving }

    public func step(
        _ xt: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let estimate = try denoiser.guidedEstimate(xt, at: moment.from)
        let epsilon = try direction == .treated ? estimate.noise() : estimate.predictedNoise()
        let (alphaBar, alphaBarTo) = (moment.from.alphaBar, moment.to.alphaBar)
        let sigma =
            eta * ((1 - alphaBarTo) / (1 - alphaBar)).squareRoot() * (1 - alphaBar / alphaBarTo).squareRoot()

        let direction = max(0, 1 - alphaBarTo - sigma * sigma).squareRoot()
        let mean = try estimate.x0 * alphaBarTo.squareRoot() + epsilon * direction
        let z = try noise()  // drawn at η = 0 and at the last step too, as the reference does
        if sigma == 0 { return Advance(x: mean, x0: estimate.x0) }
        return Advance(x: try mean + z * sigma, x0: estimate.x0)
    }
}
