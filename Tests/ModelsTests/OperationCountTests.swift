import Models
import Testing

/// Against PyTorch's FLOP counter on glide-text2im's networks of these sizes (Benchmarks/README.md).
struct OperationCountTests {
    private func network(channels: Int, multipliers: [Int], headWidth: Int) -> GLIDEConfiguration {
        GLIDEConfiguration(
            input: .text,
            unet: UNetConfiguration(
                inputChannels: 3, outputChannels: 3, modelChannels: channels,
                levels: multipliers.enumerated().map { index, multiplier in
                    .init(channels: multiplier * channels, residualBlocks: 2, attention: index >= 2)
                }, headWidth: headWidth, text: .joint(width: 256)),
            text: TextTransformerConfiguration(vocabulary: 1024, context: 32, width: 256, layers: 4, heads: 4))
    }

    @Test func agreesWithPyTorchsCounter() {
        let small = network(channels: 32, multipliers: [1, 2, 2, 3], headWidth: 32)
        #expect(abs(small.operations(height: 64, width: 64) - 3.88e9) < 0.005e9)
        let medium = network(channels: 96, multipliers: [1, 2, 2, 4], headWidth: 48)
        #expect(abs(medium.operations(height: 64, width: 64) - 34.4e9) < 0.05e9)
    }
}
