public import Layers
public import Tensors

/// What a U-Net sees besides the picture and the time.
public struct UNetContext {
    /// The text's states [N, L, width], attended to at every level.
    public var text: Tensor?
    /// Added to the time embedding: [N, embedding width].
    public var embedding: Tensor?
    /// While training: where dropout draws from.
    public var dropout: RandomGenerator?

    public init(text: Tensor? = nil, embedding: Tensor? = nil, dropout: RandomGenerator? = nil) {
        self.text = text
        self.embedding = embedding
        self.dropout = dropout
    }
}

/// The U-Net of guided diffusion (Ronneberger et al. 2015; Dhariwal & Nichol 2021; guided-diffusion `UNetModel`): down
/// with a skip connection kept at each block, through the middle, and up again taking them back.
///
/// Parameter keys are that lineage's own: `input_blocks.1.0.in_layers.0.weight`.
public struct UNet {
    public let configuration: UNetConfiguration
    package let timeIn: Linear
    package let timeOut: Linear
    package let inputBlocks: [[Part]]
    package let middleBlock: [Part]
    package let outputBlocks: [[Part]]
    let outNorm: GroupNorm
    let outConvolution: Convolution2D

    /// One step of a block.
    package enum Part {
        case convolution(Convolution2D)
        case residual(ResidualBlock)
        case jointAttention(JointAttentionBlock)
        case enlarge(Convolution2D)

        package func callAsFunction(_ x: Tensor, _ emb: Tensor, _ context: UNetContext) throws -> Tensor {
            switch self {
            case .convolution(let convolution): try convolution(x)
            case .residual(let block): try block(x, emb, context)
            case .jointAttention(let block): try block(x, context)
            case .enlarge(let convolution): try convolution(enlarged(x))
            }
        }
    }

    public init(_ weights: Weights, configuration: UNetConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        let width = configuration.modelChannels
        timeIn = try Linear(weights / "time_embed" / 0, in: width, out: configuration.embeddingWidth)
        timeOut = try Linear(
            weights / "time_embed" / 2, in: configuration.embeddingWidth, out: configuration.embeddingWidth)
        let builder = Builder(configuration: configuration)
        let fold = configuration.patchSize * configuration.patchSize
        var channels = configuration.levels[0].channels
        let first = channels

        // Down: every block's output is kept for the way up.
        let input = weights / "input_blocks"
        var down: [[Part]] = [
            [.convolution(try Convolution2D(input / 0 / 0, in: configuration.inputChannels * fold, out: channels))]
        ]
        var kept = [channels]
        for (index, level) in configuration.levels.enumerated() {
            for _ in 0..<level.residualBlocks {
                down.append(try builder.block(input / down.count, in: channels, level: level))
                channels = level.channels
                kept.append(channels)
            }
            if index < configuration.levels.count - 1 {
                down.append([try builder.shrinking(input / down.count / 0, channels)])
                kept.append(channels)
            }
        }
        inputBlocks = down

        let middle = weights / "middle_block"
        middleBlock = [
            .residual(try ResidualBlock(middle / 0, in: channels, out: channels, configuration: configuration)),
            try builder.attention(middle / 1, channels),
            .residual(try ResidualBlock(middle / 2, in: channels, out: channels, configuration: configuration)),
        ]

        // Up: each block takes one kept output back.
        let output = weights / "output_blocks"
        var up: [[Part]] = []
        for (index, level) in configuration.levels.enumerated().reversed() {
            for block in 0...level.residualBlocks {
                let path = output / up.count
                var parts = try builder.block(path, in: channels + kept.removeLast(), level: level)
                channels = level.channels
                if index > 0 && block == level.residualBlocks {
                    parts.append(try builder.enlarging(path / parts.count, channels))
                }
                up.append(parts)
            }
        }
        outputBlocks = up

        outNorm = try GroupNorm(weights / "out" / 0, channels: channels, groups: configuration.normGroups)
        outConvolution = try Convolution2D(
            weights / "out" / 2, in: first, out: configuration.outputChannels * fold, initial: .zeros)
    }

    /// - Parameters:
    ///   - x: the noisy picture with its conditions, [N, input channels, H, W]; sides divisible by `sizeMultiple`.
    ///   - timesteps: [N], in steps of the original schedule; may be fractional.
    /// - Returns: [N, output channels, H, W], in x's type.
    public func callAsFunction(_ x: Tensor, timesteps: Tensor, context: UNetContext = UNetContext()) throws -> Tensor {
        try checkInput(x, timesteps, context)
        // The embedding enters every block through SiLU: once is enough.
        let sinusoid = try timestepEmbedding(timesteps, width: configuration.modelChannels).to(timeIn.weight.dtype)
        var emb = try timeOut(timeIn(sinusoid).silu())
        if let added = context.embedding { emb = try emb + added.to(emb.dtype) }
        emb = try emb.silu()

        var h = try x.to(outConvolution.weight.dtype)
        if configuration.patchSize > 1 { h = try h.pixelUnshuffle(configuration.patchSize) }
        // Narrow levels train up to twice as fast with each channel's pixels together; inference is faster the other way.
        if !Tensor.isRecordingGradients { h = try h.channelsLast() }
        var kept: [Tensor] = []
        for block in inputBlocks {
            for part in block { h = try part(h, emb, context) }
            kept.append(h)
        }
        for part in middleBlock { h = try part(h, emb, context) }
        for block in outputBlocks {
            h = try .concatenate([h, kept.removeLast()], dim: 1)
            for part in block { h = try part(h, emb, context) }
        }
        h = try outConvolution(outNorm(h).silu())
        if configuration.patchSize > 1 { h = try h.pixelShuffle(configuration.patchSize) }
        return try h.to(x.dtype)
    }

    private func checkInput(_ x: Tensor, _ timesteps: Tensor, _ context: UNetContext) throws {
        let shape = x.shape
        let multiple = configuration.sizeMultiple
        guard shape.count == 4, shape[1] == configuration.inputChannels, shape[2] % multiple == 0,
            shape[3] % multiple == 0, shape[2] > 0, shape[3] > 0
        else {
            throw TensorError(
                operation: "U-Net", shapes: [shape],
                message: "expected [N, \(configuration.inputChannels), H, W] with sides divisible by \(multiple)")
        }
        guard timesteps.shape == [shape[0]] else {
            throw TensorError(
                operation: "U-Net", shapes: [shape, timesteps.shape],
                message: "expected one timestep a picture, [\(shape[0])]")
        }
        if let embedding = context.embedding, embedding.shape != [shape[0], configuration.embeddingWidth] {
            throw TensorError(
                operation: "U-Net", shapes: [shape, embedding.shape],
                message: "expected the text's embedding as [\(shape[0]), \(configuration.embeddingWidth)]")
        }
        guard let states = context.text, case .joint(let width) = configuration.text else { return }
        guard states.rank == 3, states.shape[0] == shape[0], states.shape[2] == width else {
            throw TensorError(
                operation: "U-Net", shapes: [shape, states.shape],
                message: "expected the text's states as [\(shape[0]), L, \(width)]")
        }
    }

    /// Makes the parts that a configuration calls for.
    private struct Builder {
        let configuration: UNetConfiguration

        func block(_ weights: Weights, in channels: Int, level: UNetConfiguration.Level) throws -> [Part] {
            let residual = try ResidualBlock(
                weights / 0, in: channels, out: level.channels, configuration: configuration)
            return level.attention
                ? [.residual(residual), try attention(weights / 1, level.channels)] : [.residual(residual)]
        }

        func attention(_ weights: Weights, _ channels: Int) throws -> Part {
            .jointAttention(try JointAttentionBlock(weights, channels: channels, configuration: configuration))
        }

        func shrinking(_ weights: Weights, _ channels: Int) throws -> Part {
            configuration.residualResampling
                ? .residual(
                    try ResidualBlock(
                        weights, in: channels, out: channels, configuration: configuration, resampling: .down))
                : .convolution(try Convolution2D(weights / "op", in: channels, out: channels, stride: 2))
        }

        func enlarging(_ weights: Weights, _ channels: Int) throws -> Part {
            configuration.residualResampling
                ? .residual(
                    try ResidualBlock(
                        weights, in: channels, out: channels, configuration: configuration, resampling: .up))
                : .enlarge(try Convolution2D(weights / "conv", in: channels, out: channels))
        }
    }
}
