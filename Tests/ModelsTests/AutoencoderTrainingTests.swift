import Layers
import Models
import Tensors
import Testing

/// What training will need: drawn weights, gradients through everything.
struct AutoencoderTrainingTests {
    private func drawn(_ configuration: AutoencoderConfiguration) throws -> (Autoencoder, WeightStore) {
        let store = WeightStore(.initial(try RandomGenerator(seed: 3)))
        let network = try Autoencoder(Weights(store), configuration: configuration)
        try store.finish()
        for (_, parameter) in store.parameters { try parameter.setRequiresGrad(true) }
        return (network, store)
    }

    @Test func everyParameterOfAGaussianOneLearns() throws {
        let (network, store) = try drawn(CompVisFixture.kl.1)
        let generator = try RandomGenerator(seed: 4)
        let image = try Tensor.rand([2, 3, 16, 12], generator: generator) * 2 - 1
        try withGradients {
            let posterior = try network.encode(image)
            let answer = try network.decode(posterior.sample(generator))
            let divergence = try #require(try posterior.divergence())
            #expect(divergence.shape == [2])
            try (answer.meanSquaredError(image) + divergence.mean() * 1e-3).backward()
        }
        for (name, parameter) in store.parameters {
            let gradient = try #require(parameter.gradient, "\(name)")
            #expect(try gradient.isFinite().to(.float32).min().item() == 1, "\(name)")
            // A key's bias moves all of a softmax's entries alike.
            if !name.hasSuffix(".k.bias") { #expect(try gradient.abs().max().item() > 0, "\(name)") }
        }
    }

    /// Gradients pass the choice of codes by; the codes themselves learn from a loss of their own.
    @Test func gradientsPassTheCodes() throws {
        let (network, store) = try drawn(CompVisFixture.vq.1)
        let image = try Tensor.rand([1, 3, 8, 8], generator: try RandomGenerator(seed: 4)) * 2 - 1
        try withGradients {
            try network.decode(network.encode(image).mode).meanSquaredError(image).backward()
        }
        for (name, parameter) in store.parameters where !name.hasPrefix("quantize.") && !name.hasSuffix(".k.bias") {
            #expect(try #require(parameter.gradient, "\(name)").abs().max().item() > 0, "\(name)")
        }
    }

    /// Recorded or not, the numbers are the same network's.
    @Test func recordingChangesNothing() throws {
        let golden = try CompVisFixture(CompVisFixture.kl)
        let network = try golden.network()
        let latents = try golden.file.tensor("latents")
        let recorded = try withGradients { try network.decode(latents) }
        #expect(try golden.error(recorded, "decoded") < 1e-5)
        let plain = try withoutGradients { try network.decode(latents) }
        #expect(try golden.error(plain, "decoded") < 1e-5)
    }
}
