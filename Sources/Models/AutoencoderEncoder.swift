import Layers
import Tensors

/// From picture to latents (latent-diffusion `Encoder`): down through the levels, then the middle.
struct AutoencoderEncoder {
    let inConvolution: Convolution2D
    let parts: [AutoencoderPart]
    let outNorm: GroupNorm
    let outConvolution: Convolution2D

    init(_ weights: Weights, configuration: AutoencoderConfiguration) throws {
        let groups = configuration.normGroups
        var channels = configuration.channels
        inConvolution = try Convolution2D(weights / "conv_in", in: configuration.inputChannels, out: channels)
        var parts: [AutoencoderPart] = []
        for (index, level) in configuration.levels.enumerated() {
            let path = weights / "down" / index
            parts += try AutoencoderPart.blocks(
                path, in: channels, level: level, count: configuration.residualBlocks, groups: groups)
            channels = level.channels
            if index < configuration.levels.count - 1 {
                parts.append(
                    .shrink(
                        try Convolution2D(
                            path / "downsample" / "conv", in: channels, out: channels, stride: 2, padding: 0)))
            }
        }
        parts += try AutoencoderPart.middle(weights / "mid", configuration: configuration)
        self.parts = parts
        outNorm = try .autoencoder(weights / "norm_out", channels: channels, groups: groups)
        outConvolution = try Convolution2D(weights / "conv_out", in: channels, out: configuration.encoderChannels)
    }

    /// [N, picture channels, H, W] → [N, z or 2·z, H / factor, W / factor].
    func callAsFunction(_ image: Tensor) throws -> Tensor {
        var h = try inConvolution(image)
        for part in parts { h = try part(h) }
        h = try outNorm.activated(h)
        return try outConvolution(h)
    }
}

extension AutoencoderConfiguration {
    /// What the encoder gives: the mean and the logarithm of the variance, or the latents alone.
    var encoderChannels: Int { kind == .kl ? 2 * zChannels : zChannels }
}
