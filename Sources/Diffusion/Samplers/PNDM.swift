public import Tensors

/// Pseudo numerical methods (Liu et al. 2022, equation 9) with linear multistep: the direction is extrapolated from the
/// last four predictions by Adams and Bashforth's formulas. Agrees with diffusers' `PNDMScheduler` where its
/// Runge–Kutta steps are skipped, as Stable Diffusion ships it.
///
/// The first step is taken twice, the second time with the mean of what the network says at both its ends, so there is
/// one step more than levels. The predictions are combined in the network's own terms, be they ε or v.
public struct PNDM: Sampler, Hashable {
    public init() {}

    public var scaling: Scaling { .preserving }
    /// Three predictions, and the repeated one that is passed over.
    public var memory: Int { 4 }

    public func adapted(_ trajectory: Trajectory) -> Trajectory { trajectory.repeatingFirst() }

    public func step(
        _ xt: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        if moment.step.isRepeat, let before = moment.past.first, let first = before.prediction {
            let estimate = try denoiser.guidedEstimate(xt, at: moment.to)
            let mean = try (estimate.restated() + first) / 2
            return Advance(x: try transfer(before.x, mean, moment, denoiser), x0: estimate.x0)
        }
        let estimate = try denoiser.guidedEstimate(xt, at: moment.from)
        let prediction = try estimate.restated()
        let earlier = moment.past.filter { !$0.step.isRepeat }.compactMap(\.prediction)
        let combined = try Self.extrapolated([prediction] + earlier.prefix(3))
        return Advance(
            x: try transfer(xt, combined, moment, denoiser), x0: estimate.x0, prediction: prediction)
    }

    /// Adams and Bashforth's formula for as many predictions as there are, the latest first.
    private static func extrapolated(_ e: [Tensor]) throws -> Tensor {
        switch e.count {
        case 1: e[0]
        case 2: try (e[0] * 3 - e[1]) / 2
        case 3: try (e[0] * 23 - e[1] * 16 + e[2] * 5) / 12
        default: try (e[0] * 55 - e[1] * 59 + e[2] * 37 - e[3] * 9) / 24
        }
    }

    /// Equation 9: from one level to another along ε.
    private func transfer(
        _ xt: Tensor, _ prediction: Tensor, _ moment: Moment, _ denoiser: Denoiser
    ) throws -> Tensor {
        let epsilon = try denoiser.prediction.noise(prediction, xt: xt, Scales(moment.from))
        let (a, b) = (moment.from.alphaBar, moment.to.alphaBar)
        if a == 0 {  // Nothing but ε: the picture is what the prediction makes of it.
            let x0 = try denoiser.prediction.sample(prediction, xt: xt, Scales(moment.from))
            return try x0 * b.squareRoot() + epsilon * (1 - b).squareRoot()
        }
        let divisor = a * (1 - b).squareRoot() + (a * (1 - a) * b).squareRoot()
        return try xt * (b / a).squareRoot() - epsilon * ((b - a) / divisor)
    }
}
