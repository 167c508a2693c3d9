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

    /// PyTorch's counter on diffusers' `AutoencoderKL.decode`: Stable Diffusion's, and a small one. Of a vector-quantised
    /// one it does not see the distances to the codes.
    @Test func decodersAgreeWithPyTorchsCounter() {
        let published = AutoencoderConfiguration(
            kind: .kl, latentChannels: 4,
            levels: [.init(channels: 128), .init(channels: 256), .init(channels: 512), .init(channels: 512)],
            scalingFactor: 0.18215)
        #expect(published.decodingOperations(height: 64, width: 64) == 2_514_518_933_504)
        func small(_ kind: AutoencoderConfiguration.Kind, attention: Bool) -> AutoencoderConfiguration {
            AutoencoderConfiguration(
                kind: kind, latentChannels: 4,
                levels: [.init(channels: 8, attention: attention), .init(channels: 16, attention: attention)],
                residualBlocks: 1, normGroups: 4, scalingFactor: 1)
        }
        #expect(small(.kl, attention: false).decodingOperations(height: 6, width: 10) == 5_289_600)
        let codes = small(.vectorQuantised(codes: 32), attention: true)
        #expect(codes.decodingOperations(height: 8, width: 8) == 10_901_504 + 2 * 64 * 4 * 32)
    }
}
