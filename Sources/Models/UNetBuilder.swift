import Layers
import Tensors

/// Makes the parts of a U-Net that a configuration calls for.
struct UNetBuilder {
    let configuration: UNetConfiguration

    /// A residual block, and attention behind it where the level has it.
    func block(_ weights: Weights, in channels: Int, level: UNetConfiguration.Level) throws -> [UNet.Part] {
        let residual = try ResidualBlock(weights / 0, in: channels, out: level.channels, configuration: configuration)
        guard level.attention else { return [.residual(residual)] }
        let heads = configuration.heads(of: level)
        return [
            .residual(residual),
            try attention(weights / 1, level.channels, heads: heads, depth: level.transformerDepth ?? 1),
        ]
    }

    func attention(_ weights: Weights, _ channels: Int, heads: Int, depth: Int) throws -> UNet.Part {
        switch configuration.text {
        case .none, .joint:
            .jointAttention(
                try JointAttentionBlock(weights, channels: channels, heads: heads, configuration: configuration))
        case .cross(let width, let linearProjections):
            .spatialTransformer(
                try SpatialTransformer(
                    weights, channels: channels, context: width, linear: linearProjections, heads: heads, depth: depth,
                    normGroups: configuration.normGroups))
        }
    }

    func shrinking(_ weights: Weights, _ channels: Int) throws -> UNet.Part {
        configuration.residualResampling
            ? .residual(
                try ResidualBlock(
                    weights, in: channels, out: channels, configuration: configuration, resampling: .down))
            : .convolution(try Convolution2D(weights / "op", in: channels, out: channels, stride: 2))
    }

    func enlarging(_ weights: Weights, _ channels: Int) throws -> UNet.Part {
        configuration.residualResampling
            ? .residual(
                try ResidualBlock(weights, in: channels, out: channels, configuration: configuration, resampling: .up))
            : .enlarge(try Convolution2D(weights / "conv", in: channels, out: channels))
    }
}
