import Layers
import Tensors

/// From latents to picture (latent-diffusion `Decoder`): the middle, then up through the levels.
struct AutoencoderDecoder {
    let inConvolution: Convolution2D
    let parts: [AutoencoderPart]
    let outNorm: GroupNorm
    let outConvolution: Convolution2D

    init(_ weights: Weights, configuration: AutoencoderConfiguration) throws {
        let groups = configuration.normGroups
        var channels = configuration.levels.last?.channels ?? configuration.channels
        inConvolution = try Convolution2D(weights / "conv_in", in: configuration.zChannels, out: channels)
        var parts = try AutoencoderPart.middle(weights / "mid", configuration: configuration)
        for (index, level) in configuration.levels.enumerated().reversed() {
            let path = weights / "up" / index
            parts += try AutoencoderPart.blocks(
                path, in: channels, level: level, count: configuration.residualBlocks + 1, groups: groups)
            channels = level.channels
            if index > 0 {
                parts.append(.enlarge(try Convolution2D(path / "upsample" / "conv", in: channels, out: channels)))
            }
        }
        self.parts = parts
        outNorm = try .autoencoder(weights / "norm_out", channels: channels, groups: groups)
        outConvolution = try Convolution2D(weights / "conv_out", in: channels, out: configuration.outputChannels)
    }

    /// [N, z, h, w] → [N, picture channels, h · factor, w · factor].
    func callAsFunction(_ z: Tensor) throws -> Tensor { try outConvolution(beforeLastLayer(z)) }

    /// [N, z, h, w] → [N, the first level's channels, h · factor, w · factor].
    func beforeLastLayer(_ z: Tensor) throws -> Tensor {
        var h = try inConvolution(z)
        for part in parts { h = try part(h) }
        return try outNorm.activated(h)
    }
}
