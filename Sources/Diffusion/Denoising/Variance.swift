internal import Foundation
public import Tensors

/// The variance of p(x_{t−1} | x_t).
public enum Variance: String, Sendable, Hashable, Codable, CaseIterable {
    /// β̃, the posterior's (Ho et al. 2020).
    case fixedSmall
    /// β; at the last step the second posterior variance, as guided-diffusion has it.
    case fixedLarge
    /// The network gives twice the channels; the second half, v in [−1, 1], is a place between log β̃ and log β
    /// (Nichol & Dhariwal 2021, equation 15), both of the process that is sampled.
    case learnedRange

    /// The channels of a network's output for pictures of `channels`.
    public func outputChannels(_ channels: Int) -> Int { self == .learnedRange ? 2 * channels : channels }

    /// A network's output as its prediction, [N, C, …], and, where the variance is learned, v of the same shape.
    ///
    /// - Throws: `DiffusionError.shape` where the output has not the channels that this variance needs.
    public func split(_ output: Tensor, like x: Tensor) throws -> (prediction: Tensor, range: Tensor?) {
        var expected = x.shape
        guard expected.count >= 2 else {
            throw DiffusionError.shape(what: "the noisy picture [N, C, …]", expected: [1, 1], actual: expected)
        }
        let channels = expected[1]
        expected[1] = outputChannels(channels)
        guard output.shape == expected else {
            throw DiffusionError.shape(what: "the network's output", expected: expected, actual: output.shape)
        }
        guard self == .learnedRange else { return (output, nil) }
        return (
            try output.narrow(1, start: 0, length: channels), try output.narrow(1, start: channels, length: channels)
        )
    }

    /// The logarithm of the variance of one step for the whole batch.
    ///
    /// - Parameters:
    ///   - range: v, where the variance is learned.
    ///   - isLast: whether the step ends at the clean picture.
    func logVariance(_ posterior: Posterior, range: Tensor?, isLast: Bool) throws -> LogVariance {
        if self == .fixedLarge, isLast { return .number(posterior.logVariance) }
        return try logVariance(posterior, logSmall: posterior.logVariance, range: range)
    }

    /// What a guiding gradient is multiplied by. β̃ is 0 where the step ends at the clean picture, whatever stands for its
    /// logarithm there.
    func factor(_ logVariance: LogVariance, _ posterior: Posterior) throws -> Factor {
        self == .fixedSmall ? .number(posterior.variance) : try logVariance.exp(1)
    }

    /// - Parameter logSmall: log β̃, or what stands for it where β̃ is 0.
    func logVariance(_ posterior: Posterior, logSmall: Double, range: Tensor?) throws -> LogVariance {
        switch (self, range) {
        case (.learnedRange, let range?):
            let fraction = try (range + 1) / 2
            return .tensor(try fraction * posterior.logBeta + (1 - fraction) * logSmall)
        case (.fixedLarge, _): return .number(posterior.logBeta)
        case (.fixedSmall, _), (.learnedRange, nil): return .number(logSmall)
        }
    }
}

/// The logarithm of a variance: one for the batch, or one an element.
enum LogVariance {
    case number(Double)
    case tensor(Tensor)

    /// exp(factor · log variance): the variance by 1, the deviation by ½.
    func exp(_ factor: Double) throws -> Factor {
        switch self {
        case .number(let log): .number(Foundation.exp(factor * log))
        case .tensor(let log): .tensor(try (log * factor).exp())
        }
    }
}
