public import Tensors

/// What an encoder says of a picture's latents: a Gaussian for each number, or the number itself (latent-diffusion
/// `DiagonalGaussianDistribution`).
public struct Posterior {
    /// [N, c, h, w].
    public let mean: Tensor
    /// [N, c, h, w], from −30 to 20; nil where latents are certain, as those of a vector-quantised autoencoder are.
    public let logVariance: Tensor?

    package init(mean: Tensor, logVariance: Tensor? = nil) {
        self.mean = mean
        self.logVariance = logVariance
    }

    /// - Parameter moments: [N, 2·c, h, w]: means, then logarithms of variances.
    init(moments: Tensor) throws {
        let parts = try moments.chunk(2, dim: 1)
        mean = parts[0]
        logVariance = try parts[1].clamp(min: -30, max: 20)
    }

    /// All of it in one tensor: means, then logarithms of variances where there are some.
    package var moments: Tensor {
        get throws { try logVariance.map { try .concatenate([mean, $0], dim: 1) } ?? mean }
    }

    /// The likeliest latents, [N, c, h, w].
    public var mode: Tensor { mean }

    /// Latents drawn with noise given: [N, c, h, w], standard normal.
    public func sample(noise: Tensor) throws -> Tensor {
        guard let logVariance else { return mean }
        guard noise.shape == mean.shape else {
            throw TensorError(
                operation: "sample", shapes: [mean.shape, noise.shape], message: "expected noise of the latents' shape")
        }
        return try mean + (logVariance * 0.5).exp() * noise.to(like: mean)
    }

    /// Latents drawn: the noise is the generator's next, in float32.
    public func sample(_ generator: RandomGenerator) throws -> Tensor {
        try sample(noise: .randn(mean.shape, generator: generator))
    }

    /// The Kullback-Leibler divergence from the standard Gaussian, summed over each picture's latents: [N].
    ///
    /// - Returns: nil where latents are certain.
    public func divergence() throws -> Tensor? {
        guard let logVariance else { return nil }
        return try (mean.square() + logVariance.exp() - 1 - logVariance).sum([1, 2, 3]) * 0.5
    }
}
