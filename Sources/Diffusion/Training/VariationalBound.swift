internal import Foundation
internal import Tensors

/// One term of the variational bound (Ho et al. 2020, equation 5; Nichol & Dhariwal 2021): how far
/// p(x_{t−1} | x_t) is from q(x_{t−1} | x_t, x₀), or, at step 0, how likely the picture's own 8-bit values are.
struct VariationalBound {
    let prediction: Prediction

    /// - Parameters:
    ///   - predicted: the network's prediction, which gets no gradient from here: the term trains the variance alone.
    ///   - range: the network's v.
    /// - Returns: [N], in bits a dimension.
    func bitsPerDimension(_ predicted: Tensor, _ range: Tensor, _ batch: NoisedBatch) throws -> Tensor {
        let schedule = batch.schedule
        let indexOf = Dictionary(uniqueKeysWithValues: schedule.timesteps.enumerated().map { (Double($1), $0) })
        let steps = try batch.times.map { time in
            guard let index = indexOf[time] else {
                throw DiffusionError.time(time, expected: "a whole step, for a learned variance")
            }
            return index
        }
        let posteriors = steps.map { schedule.posteriors[$0] }
        let factor = { (values: [Double]) in try Factor(values, like: batch.xt) }
        let (x0Factor, xtFactor) = (try factor(posteriors.map(\.x0Factor)), try factor(posteriors.map(\.xtFactor)))
        let trueLog = try Tensor.column(posteriors.map(\.logVariance), like: batch.xt)
        let betaLog = try Tensor.column(posteriors.map(\.logBeta), like: batch.xt)

        let fromXt = try xtFactor * batch.xt
        let trueMean = try x0Factor * batch.x0 + fromXt
        let x0 = try prediction.sample(predicted.detach(), xt: batch.xt, batch.scales)
        let mean = try x0Factor * x0 + fromXt
        let fraction = try (range.to(batch.xt.dtype) + 1) / 2
        let logVariance = try fraction * betaLog + (1 - fraction) * trueLog

        let divergence = try Self.divergence(trueMean, trueLog, mean, logVariance).meanFlat()
        guard steps.contains(0) else { return try divergence / M_LN2 }
        let likelihood = try Self.logLikelihood(batch.x0, mean, logDeviation: logVariance * 0.5).meanFlat()
        let isFirst = try Tensor(steps.map { $0 == 0 }).to(device: batch.xt.device)
        return try isFirst.choose(-likelihood, else: divergence) / M_LN2
    }

    /// KL(N(m₁, e^l₁) ‖ N(m₂, e^l₂)), element by element, in nats.
    static func divergence(_ m1: Tensor, _ l1: Tensor, _ m2: Tensor, _ l2: Tensor) throws -> Tensor {
        let spread = try (l1 - l2).exp()
        let distance = try (m1 - m2).square() * (-l2).exp()
        return try (l2 - l1 + spread + distance - 1) * 0.5
    }

    /// The logarithm of the probability of a picture's 8-bit values, x in [−1, 1], under a Gaussian cut into 256 bins
    /// of width 2/255, the outer ones open (Ho et al. 2020, equation 13).
    static func logLikelihood(_ x: Tensor, _ mean: Tensor, logDeviation: Tensor) throws -> Tensor {
        let centred = try x - mean
        let inverse = try (-logDeviation).exp()
        let above = try normalCDF(inverse * (centred + 1.0 / 255))
        let below = try normalCDF(inverse * (centred - 1.0 / 255))
        let floor = 1e-12
        let logAbove = try above.clamp(min: floor).log()
        let logRest = try (1 - below).clamp(min: floor).log()
        let logInner = try (above - below).clamp(min: floor).log()
        let isWhite = try x.compare(.greater, 0.999)
        let isBlack = try x.compare(.less, -0.999)
        return try isBlack.choose(logAbove, else: isWhite.choose(logRest, else: logInner))
    }

    /// improved-diffusion's approximation of the normal distribution function.
    private static func normalCDF(_ x: Tensor) throws -> Tensor {
        let cubic = try x + x.power(3) * 0.044715
        return try ((cubic * (2 / Double.pi).squareRoot()).tanh() + 1) * 0.5
    }
}

extension Tensor {
    /// [N, 1, …] of one number an example, to broadcast over `x`.
    fileprivate static func column(_ values: [Double], like x: Tensor) throws -> Tensor {
        let shape = [values.count] + Array(repeating: 1, count: x.rank - 1)
        return try Tensor(values, shape: shape).to(x.dtype).to(device: x.device)
    }
}
