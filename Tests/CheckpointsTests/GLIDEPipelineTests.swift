import Checkpoints
import Diffusion
import Layers
import Models
import Tensors
import Testing

/// GLIDE's whole way from tokens to the enlarged picture: ten guided ancestral steps of the base, eight bits, `fast27` of
/// the upsampler (see Tests/Fixtures/glide/README.md).
struct GLIDEPipelineTests {
    private func network(_ variant: String, _ input: GLIDEInput) throws -> GLIDE {
        let store = WeightStore(.tensors(try glideWeights(variant)))
        let network = try GLIDE(
            Weights(store),
            configuration: GLIDEConfiguration(
                input: input,
                unet: UNetConfiguration(
                    inputChannels: input.channels, outputChannels: 6, modelChannels: 32,
                    levels: [
                        .init(channels: 32, residualBlocks: 1, attention: false),
                        .init(channels: 64, residualBlocks: 1, attention: true),
                    ], headWidth: 16, text: .joint(width: 32)),
                text: TextTransformerConfiguration(vocabulary: 64, context: 8, width: 32, layers: 2, heads: 2)))
        try store.finish()
        return network
    }

    private func text(_ network: GLIDE, _ golden: TensorArchive, _ rows: Range<Int>) throws -> TextStates {
        try withoutGradients {
            try network.text(
                tokens: golden.tensor("pipeline.tokens").rows(rows), mask: golden.tensor("pipeline.mask").rows(rows))
        }
    }

    @Test func wholeWayAgrees() throws {
        let golden = try glide("pipeline")
        let base = try network("base", .text)
        let (wanted, unwanted, both) = try (text(base, golden, 0..<1), text(base, golden, 1..<2), text(base, golden, 0..<2))
        let ask: Network = { query in
            let text =
                switch query.branch {
                case .conditional: wanted
                case .unconditional: unwanted
                case .both: both
                }
            return try base(query.x, timesteps: query.timesteps(), text: text)
        }
        let first = try DiffusionConfiguration(schedule: .squaredCosine).plan(.ddpm, steps: 10)
        // The seed alone gives every draw.
        let noise = NoiseSource.batch(try RandomGenerator(seed: 7), copies: 2)
        var chain = try Chain(
            first, first.denoiser(ClassifierFreeGuidance(scale: 3).guide(ask)), start: .noise([1, 3, 16, 16]),
            noise: noise)
        let small = try chain.run()
        #expect(try distance(small, golden.tensor("pipeline.base")) < 1e-4)

        let upsampler = try network("upsample", .lowResolution)
        let states = try text(upsampler, golden, 0..<1)
        let eightBits = try ((small + 1) * 127.5).round() / 127.5 - 1
        let conditions = GLIDE.Conditions(lowResolution: eightBits)
        let second = try DiffusionConfiguration(schedule: .linear).plan(.ddim, steps: 27, schedule: "fast27")
        var enlarging = try Chain(
            second,
            second.denoiser { query in
                try upsampler(query.x, timesteps: query.timesteps(), text: states, conditions: conditions)
            },
            start: .given(golden.tensor("pipeline.upsampler_noise"), scale: 0.997), noise: try .seeded(0, count: 1))
        #expect(try distance(enlarging.run(), golden.tensor("pipeline.output")) < 1e-3)
    }

    private func distance(_ found: Tensor, _ expected: Tensor) throws -> Double {
        try ((found - expected).norm() / expected.norm()).item()
    }
}
