import Checkpoints
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

    @Test func wholeWayAgrees() throws {
        let found = try GoldenPipeline(glide("pipeline"))
            .compare(base: network("base", .text), upsampler: network("upsample", .lowResolution))
        #expect(found.map(\.part) == ["pipeline.base", "pipeline.output"])
        #expect(found[0].relativeL2 < 1e-4)
        #expect(found[1].relativeL2 < 1e-3)
    }
}
