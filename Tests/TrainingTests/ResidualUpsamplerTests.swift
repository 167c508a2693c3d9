import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing
import Training

/// Upsamplers that predict what the small picture lacks.
@Suite struct ResidualUpsamplerTests {
    private var upsampler: TrainingConfiguration {
        var configuration = small()
        configuration.network.input = .lowResolution
        configuration.network.residual = true
        configuration.conditioning = .init(factor: 2, blur: 0, noise: 0)
        return configuration
    }

    private func answer(_ network: GLIDE, _ little: Tensor) throws -> Tensor {
        let text = try network.text(tokens: .zeros([2, 12], dtype: .int64), mask: .ones([2, 12], dtype: .bool))
        let x = try Tensor.randn([2, 3, 8, 8], generator: RandomGenerator(seed: 3))
        return try network(
            x, timesteps: Tensor([Float(10), 900], shape: [2]), text: text, conditions: .init(lowResolution: little))
    }

    @Test func theyBeginAtBicubicInterpolation() throws {
        var configuration = try upsampler.model(kept: [1, 2, 3]).network
        let little = try Tensor.randn([2, 3, 4, 4], generator: RandomGenerator(seed: 5))
        let enlarged = try little.resize(height: 8, width: 8, .bicubic)
        let drawn = try GLIDE(Weights(WeightStore(.initial(RandomGenerator(seed: 4)))), configuration: configuration)
        #expect(try relativeError(answer(drawn, little), enlarged) < 1e-6)
        // The channels of a learned variance are no part of the picture.
        configuration.unet.outputChannels = 6
        let six = try GLIDE(Weights(WeightStore(.initial(RandomGenerator(seed: 4)))), configuration: configuration)
        let answer = try answer(six, little)
        #expect(answer.shape == [2, 6, 8, 8])
        #expect(try relativeError(answer.narrow(1, start: 0, length: 3), enlarged) < 1e-6)
        #expect(try answer.narrow(1, start: 3, length: 3).abs().max().item() == 0)
    }

    /// What such a network adds is what the same weights predict without it.
    @Test func theyAddToWhatTheNetworkSays() throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: 6)))
        var configuration = try upsampler.model(kept: [1, 2, 3]).network
        _ = try GLIDE(Weights(store), configuration: configuration)
        // Networks begin with zeros in their last convolution.
        let weights = TensorDictionary(
            try store.parameters.map { name, value in (name: name, value: try value + 0.01) })
        let little = try Tensor.randn([2, 3, 4, 4], generator: RandomGenerator(seed: 7))
        let whole = try answer(GLIDE(Weights(WeightStore(.tensors(weights))), configuration: configuration), little)
        configuration.residual = nil
        let bare = try answer(GLIDE(Weights(WeightStore(.tensors(weights))), configuration: configuration), little)
        #expect(try bare.abs().max().item() > 0.001)
        #expect(try relativeError(whole, bare + little.resize(height: 8, width: 8, .bicubic)) < 1e-6)
    }

    @Test func theyAreUpsamplersThatPredictPictures() throws {
        var configuration = upsampler
        try configuration.validate()
        configuration.diffusion.prediction = .noise
        #expect(throws: TrainingError.self) { try configuration.validate() }
        configuration = upsampler
        configuration.network.input = .masked
        #expect(throws: TrainingError.self) { try configuration.validate() }
        var network = try upsampler.model(kept: [1, 2, 3]).network
        network.input = .masked
        network.unet.inputChannels = GLIDEInput.masked.channels
        #expect(throws: ConfigurationError.self) { try network.validate() }
    }

    @Test func theirRunsResumeAndBeginWithTheirKind() throws {
        try withTemporaryFolder { folder in
            let run = try expectResumedEqualsWhole(upsampler, in: folder, files: ["model.safetensors"])
            #expect(try ModelFile(run.modelPath).configuration.network.residual == true)
            var other = upsampler
            other.network.residual = false
            let error = #expect(throws: TrainingError.self) {
                try TrainingRun(
                    configuration: other, folder: folder + "/c", initialModel: run.modelPath, data: ColouredSet())
            }
            #expect(error?.description.contains("network.residual") == true)
            let next = try TrainingRun(
                configuration: upsampler, folder: folder + "/d", initialModel: run.modelPath, data: ColouredSet())
            #expect(try next.run() == .finished(step: 6))
        }
    }
}
