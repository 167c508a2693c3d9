public import Tensors

/// Latent consistency sampling: the network, distilled for it, says where the way of the ODE ends, and new noise is
/// added for the next step (Luo et al. 2023, algorithm 3; Song et al. 2023, algorithm 1). Agrees with diffusers'
/// `LCMScheduler`.
public struct LCM: Sampler, Hashable {
    /// By how much step numbers are multiplied in the boundary condition; the larger, the sooner x_t counts for
    /// nothing.
    public var timestepScaling: Double
    /// σ_data, the pictures' deviation.
    public var dataDeviation: Double

    public init(timestepScaling: Double = 10, dataDeviation: Double = 0.5) {
        self.timestepScaling = timestepScaling
        self.dataDeviation = dataDeviation
    }

    public var scaling: Scaling { .preserving }

    public func step(
        _ xt: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let estimate = try denoiser.guidedEstimate(xt, at: moment.from)
        let time = moment.from.timestep * timestepScaling
        let sum = time * time + dataDeviation * dataDeviation
        // f(x, 0) = x: at step 0 the picture is what it is.
        let (skip, out) = (dataDeviation * dataDeviation / sum, time / sum.squareRoot())
        let denoised = try estimate.x0 * out + xt * skip
        if moment.isLast { return Advance(x: denoised, x0: denoised) }
        return Advance(x: try Scales(moment.to).noised(denoised, noise()), x0: denoised)
    }
}
