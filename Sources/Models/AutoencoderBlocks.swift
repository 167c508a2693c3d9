import Layers
import Tensors

/// A residual block without time (latent-diffusion `ResnetBlock`): twice norm → SiLU → convolution, plus the input.
struct AutoencoderResidualBlock {
    let norm1, norm2: GroupNorm
    let convolution1, convolution2: Convolution2D
    let shortcut: Convolution2D?

    init(_ weights: Weights, in channels: Int, out: Int, groups: Int) throws {
        norm1 = try .autoencoder(weights / "norm1", channels: channels, groups: groups)
        convolution1 = try Convolution2D(weights / "conv1", in: channels, out: out)
        norm2 = try .autoencoder(weights / "norm2", channels: out, groups: groups)
        convolution2 = try Convolution2D(weights / "conv2", in: out, out: out)
        shortcut =
            channels == out ? nil : try Convolution2D(weights / "nin_shortcut", in: channels, out: out, kernel: 1)
    }

    /// [N, in, H, W] → [N, out, H, W].
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        // One operation a line: at full resolution each tensor that lives on takes gigabytes.
        var h = try norm1.activated(x)
        h = try convolution1(h)
        h = try norm2.activated(h)
        h = try convolution2(h)
        return try (shortcut?(x) ?? x) + h
    }
}

/// Attention of all pixels to all, with one head (latent-diffusion `AttnBlock`); projections are 1×1 convolutions.
struct PictureAttention {
    let norm: GroupNorm
    let query, key, value, output: Convolution2D

    init(_ weights: Weights, channels: Int, groups: Int) throws {
        norm = try .autoencoder(weights / "norm", channels: channels, groups: groups)
        query = try Convolution2D(weights / "q", in: channels, out: channels, kernel: 1)
        key = try Convolution2D(weights / "k", in: channels, out: channels, kernel: 1)
        value = try Convolution2D(weights / "v", in: channels, out: channels, kernel: 1)
        output = try Convolution2D(weights / "proj_out", in: channels, out: channels, kernel: 1)
    }

    /// [N, C, H, W] → the same shape.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        let (n, c, height, width) = (shape[0], shape[1], shape[2], shape[3])
        let pixels = try norm(x).permute([0, 2, 3, 1]).reshape([n, height * width, c])
        // Head by head as [N, 1, H·W, C]: libtorch's fused attention never holds the H·W × H·W weights.
        let attended = try Tensor.attention(
            query.ofPixels(pixels).unsqueeze(1), key.ofPixels(pixels).unsqueeze(1), value.ofPixels(pixels).unsqueeze(1))
        let h = try output.ofPixels(attended.squeeze(1)).reshape([n, height, width, c]).permute([0, 3, 1, 2])
        return try x + h
    }
}

extension Convolution2D {
    /// A 1×1 convolution as a matrix product: [N, H·W, in] → [N, H·W, out].
    fileprivate func ofPixels(_ pixels: Tensor) throws -> Tensor {
        try pixels.linear(weight.squeeze(-1).squeeze(-1), bias: bias)
    }
}

/// One step of an encoder or a decoder.
enum AutoencoderPart {
    case residual(AutoencoderResidualBlock)
    case attention(PictureAttention)
    /// Halves the sides: zeros at the right and at the bottom alone, then a convolution of stride 2.
    case shrink(Convolution2D)
    /// Doubles the sides: nearest neighbour, then a convolution.
    case enlarge(Convolution2D)

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        switch self {
        case .residual(let block): try block(x)
        case .attention(let block): try block(x)
        case .shrink(let convolution): try convolution(x.pad([(0, 1), (0, 1)]))
        case .enlarge(let convolution): try convolution(enlarged(x))
        }
    }

    /// The bottom: residual block, attention, residual block.
    static func middle(_ weights: Weights, configuration: AutoencoderConfiguration) throws -> [AutoencoderPart] {
        let channels = configuration.levels.last?.channels ?? configuration.channels
        let groups = configuration.normGroups
        func residual(_ name: String) throws -> AutoencoderPart {
            .residual(try AutoencoderResidualBlock(weights / name, in: channels, out: channels, groups: groups))
        }
        let before = try residual("block_1")
        let attention =
            configuration.middleAttention
            ? [AutoencoderPart.attention(try PictureAttention(weights / "attn_1", channels: channels, groups: groups))]
            : []
        return try [before] + attention + [residual("block_2")]
    }

    /// The residual blocks of one resolution, each with its attention where the level attends.
    static func blocks(
        _ weights: Weights, in channels: Int, level: AutoencoderConfiguration.Level, count: Int, groups: Int
    ) throws -> [AutoencoderPart] {
        var parts: [AutoencoderPart] = []
        for index in 0..<count {
            parts.append(
                .residual(
                    try AutoencoderResidualBlock(
                        weights / "block" / index, in: index == 0 ? channels : level.channels, out: level.channels,
                        groups: groups)))
            guard level.attention else { continue }
            parts.append(
                .attention(try PictureAttention(weights / "attn" / index, channels: level.channels, groups: groups)))
        }
        return parts
    }
}

extension GroupNorm {
    /// The lineage's own small constant.
    static func autoencoder(_ weights: Weights, channels: Int, groups: Int) throws -> GroupNorm {
        try GroupNorm(weights, channels: channels, groups: groups, epsilon: 1e-6)
    }
}
