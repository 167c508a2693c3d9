public import Layers
public import Tensors

/// The U-Net of guided diffusion (Ronneberger et al. 2015; Dhariwal & Nichol 2021; guided-diffusion `UNetModel`): down
/// with a skip connection kept at each block, through the middle, and up again taking them back.
///
/// Parameter keys are that lineage's own: `input_blocks.1.0.in_layers.0.weight`.
public struct UNet {
    public let configuration: UNetConfiguration
    package let timeIn: Linear
    package let timeOut: Linear
    /// Of pooled text and sizes (Stable Diffusion XL).
    let addedIn: Linear?
    let addedOut: Linear?
    package let inputBlocks: [[Part]]
    package let middleBlock: [Part]
    package let outputBlocks: [[Part]]
    let outNorm: GroupNorm
    let outConvolution: Convolution2D
    let pixels: PixelRefinement?

    /// One step of a block.
    package enum Part {
        case convolution(Convolution2D)
        case residual(ResidualBlock)
        case jointAttention(JointAttentionBlock)
        case spatialTransformer(SpatialTransformer)
        case enlarge(Convolution2D)

        /// - Parameter size: height and width of an enlarged picture; nil doubles them.
        package func callAsFunction(
            _ x: Tensor, _ emb: Tensor, _ context: UNetContext, size: (height: Int, width: Int)? = nil
        ) throws -> Tensor {
            switch self {
            case .convolution(let convolution): return try convolution(x)
            case .residual(let block): return try block(x, emb, context)
            case .jointAttention(let block): return try block(x, context)
            case .spatialTransformer(let block): return try block(x, context)
            case .enlarge(let convolution):
                guard let size else { return try convolution(enlarged(x)) }
                return try convolution(x.resize(height: size.height, width: size.width, .nearest))
            }
        }
    }

    /// Whether a parameter is of the blocks, where nearly all is computed, rather than of an embedding.
    package static func isBody(_ name: String) -> Bool {
        ["input_blocks.", "middle_block.", "output_blocks."].contains { name.hasPrefix($0) } && !name.contains("emb_layers")
    }

    public init(_ weights: Weights, configuration: UNetConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        let width = configuration.modelChannels
        timeIn = try Linear(weights / "time_embed" / 0, in: width, out: configuration.embeddingWidth)
        timeOut = try Linear(
            weights / "time_embed" / 2, in: configuration.embeddingWidth, out: configuration.embeddingWidth)
        addedIn = try configuration.addedWidth.map {
            try Linear(weights / "label_emb" / 0 / 0, in: $0, out: configuration.embeddingWidth)
        }
        addedOut = try configuration.addedWidth.map { _ in
            try Linear(
                weights / "label_emb" / 0 / 2, in: configuration.embeddingWidth, out: configuration.embeddingWidth)
        }
        let builder = UNetBuilder(configuration: configuration)
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
            try builder.attention(
                middle / 1, channels, heads: configuration.middleHeads, depth: configuration.middleDepth ?? 1),
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

        let out = configuration.widensOutput ? (weights / "out").widened : weights / "out"
        outNorm = try GroupNorm(out / 0, channels: channels, groups: configuration.normGroups)
        outConvolution = try Convolution2D(
            out / 2, in: first, out: configuration.outputChannels * fold, initial: .zeros)
        pixels = try configuration.pixelChannels.map {
            try PixelRefinement(weights / "pixels", channels: $0, configuration: configuration)
        }
    }

    /// The same context with all that does not change from step to step computed once: the transformers' keys and values
    /// of the text, and XL's added embedding. For this network only.
    public func prepared(_ context: UNetContext) throws -> UNetContext {
        var prepared = context
        prepared.embedding = try addedEmbedding(context)
        prepared.added = nil
        guard let text = context.text, case .cross = configuration.text else { return prepared }
        try checkText(text)
        let states = try text.to(timeIn.weight.dtype)
        for case .spatialTransformer(let transformer) in (inputBlocks + [middleBlock] + outputBlocks).joined() {
            prepared.memories[transformer.path] = try transformer.memories(of: states)
        }
        return prepared
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
        if let added = try addedEmbedding(context) { emb = try emb + added.to(emb.dtype) }
        emb = try emb.silu()

        var h = try x.to(timeIn.weight.dtype)
        if configuration.patchSize > 1 { h = try h.pixelUnshuffle(configuration.patchSize) }
        h = try h.laidOutForConvolutions()
        var kept: [Tensor] = []
        for block in inputBlocks {
            for part in block { h = try part(h, emb, context) }
            kept.append(h)
        }
        for part in middleBlock { h = try part(h, emb, context) }
        for block in outputBlocks {
            h = try .concatenate([h, kept.removeLast()], dim: 1)
            // As large as what is taken back next: twice as large, or one less where a side was odd.
            let next = kept.last?.shape
            let size = next.map { (height: $0[2], width: $0[3]) }
            for part in block { h = try part(h, emb, context, size: size) }
        }
        // Where all weights are of one type, h stays as autocast has it.
        if outConvolution.weight.dtype != timeIn.weight.dtype { h = try h.to(outConvolution.weight.dtype) }
        h = try outConvolution(outNorm.activated(h))
        if configuration.patchSize > 1 { h = try h.pixelShuffle(configuration.patchSize) }
        if let pixels { h = try pixels(h, x.to(h.dtype), emb) }
        return try h.to(x.dtype)
    }

    /// What is added to the time embedding, [N, embedding width].
    private func addedEmbedding(_ context: UNetContext) throws -> Tensor? {
        guard let addedIn, let addedOut, let added = context.added else { return context.embedding }
        guard added.rank == 2, added.shape[1] == configuration.addedWidth else {
            throw TensorError(
                operation: "U-Net", shapes: [added.shape],
                message: "expected pooled text and sizes as [N, \(configuration.addedWidth ?? 0)]")
        }
        let embedding = try addedOut(addedIn(added.to(addedIn.weight.dtype)).silu())
        return try context.embedding.map { try $0.to(embedding.dtype) + embedding } ?? embedding
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
        try checkAdded(context, shape)
        if let states = context.text { return try checkText(states, count: shape[0]) }
        if case .cross(let width, _) = configuration.text {
            throw TensorError(
                operation: "U-Net", shapes: [shape],
                message: "expected the text's states as [\(shape[0]), L, \(width)], but there are none")
        }
    }

    /// - Parameter count: of pictures; nil where there are none yet.
    private func checkText(_ states: Tensor, count: Int? = nil) throws {
        let width: Int
        switch configuration.text {
        case .none: return
        case .joint(let its): width = its
        case .cross(let its, _): width = its
        }
        guard states.rank == 3, states.shape[0] == count ?? states.shape[0], states.shape[2] == width else {
            throw TensorError(
                operation: "U-Net", shapes: [states.shape],
                message: "expected the text's states as [\(count.map(String.init) ?? "N"), L, \(width)]")
        }
    }

    private func checkAdded(_ context: UNetContext, _ shape: [Int]) throws {
        guard let width = configuration.addedWidth else {
            if let added = context.added {
                throw TensorError(
                    operation: "U-Net", shapes: [shape, added.shape],
                    message: "this network has no place for pooled text and sizes")
            }
            return
        }
        if let added = context.added ?? context.embedding, added.shape.first == shape[0] { return }
        throw TensorError(
            operation: "U-Net", shapes: [shape, context.added?.shape ?? []],
            message: "expected pooled text and sizes as [\(shape[0]), \(width)]")
    }
}
