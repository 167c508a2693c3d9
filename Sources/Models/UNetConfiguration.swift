/// The shape of a U-Net of the guided-diffusion lineage, which GLIDE, latent diffusion and Stable Diffusion share.
public struct UNetConfiguration: Codable, Sendable, Equatable {
    /// One resolution: how wide, how many residual blocks on the way down (one more on the way up), and whether each of
    /// them is followed by attention.
    public struct Level: Codable, Sendable, Equatable {
        public var channels: Int
        public var residualBlocks: Int
        public var attention: Bool
        /// Transformer blocks in each attention, where the text is attended to across; 1 where nil.
        public var transformerDepth: Int?
        /// Heads of attention here; nil where `heads` or `headWidth` says it for all levels.
        public var heads: Int?

        public init(
            channels: Int, residualBlocks: Int, attention: Bool, transformerDepth: Int? = nil, heads: Int? = nil
        ) {
            self.channels = channels
            self.residualBlocks = residualBlocks
            self.attention = attention
            self.transformerDepth = transformerDepth
            self.heads = heads
        }
    }

    /// How text enters the attention blocks.
    public enum TextEntry: Codable, Sendable, Equatable {
        case none
        /// GLIDE: the text's keys and values stand before the picture's own, under one softmax.
        case joint(width: Int)
        /// Latent diffusion and Stable Diffusion: transformer blocks attend to the picture, then to the text. Their
        /// projections are linear layers (Stable Diffusion 2 and XL) or convolutions of the same effect.
        case cross(width: Int, linearProjections: Bool)
    }

    /// Channels of what the network sees, conditions included.
    public var inputChannels: Int
    public var outputChannels: Int
    /// The width of the time embedding; the embedding that blocks see is four times as wide.
    public var modelChannels: Int
    public var levels: [Level]
    /// The width of one attention head, where the number of heads is not given.
    public var headWidth: Int
    /// The number of heads at every level, whatever its width: 8 in Stable Diffusion 1.
    public var heads: Int?
    public var dropout: Double
    /// Whether sizes change inside residual blocks (GLIDE), or in a strided convolution and an enlarged one (latent
    /// diffusion).
    public var residualResampling: Bool
    /// Whether the embedding scales and shifts after the second normalisation, or is added before it.
    public var scaleShiftNorm: Bool
    public var text: TextEntry
    /// Blocks of this many pixels a side are folded into channels before the first convolution and unfolded after the
    /// last; 1 in the published networks.
    public var patchSize: Int
    /// The width of a residual block at the picture's own resolution, which joins unfolded blocks; none where nil.
    public var pixelChannels: Int?
    /// Groups of every group normalisation.
    public var normGroups: Int
    /// Transformer blocks in the middle's attention; 1 where nil.
    public var middleDepth: Int?
    /// The width of what is added to the time embedding through two layers of its own: pooled text and sizes, 2,816 in
    /// Stable Diffusion XL.
    public var addedWidth: Int?
    /// The width of each size's sinusoid in it; 256 where nil.
    public var sizeSinusoidWidth: Int?

    public init(
        inputChannels: Int, outputChannels: Int, modelChannels: Int, levels: [Level], headWidth: Int = 64,
        dropout: Double = 0, residualResampling: Bool = true, scaleShiftNorm: Bool = true, text: TextEntry = .none,
        patchSize: Int = 1, pixelChannels: Int? = nil, normGroups: Int = 32, heads: Int? = nil, middleDepth: Int? = nil, addedWidth: Int? = nil,
        sizeSinusoidWidth: Int? = nil
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.modelChannels = modelChannels
        self.levels = levels
        self.headWidth = headWidth
        self.dropout = dropout
        self.residualResampling = residualResampling
        self.scaleShiftNorm = scaleShiftNorm
        self.text = text
        self.patchSize = patchSize
        self.pixelChannels = pixelChannels
        self.normGroups = normGroups
        self.heads = heads
        self.middleDepth = middleDepth
        self.addedWidth = addedWidth
        self.sizeSinusoidWidth = sizeSinusoidWidth
    }

    public var embeddingWidth: Int { 4 * modelChannels }

    /// Pictures must have sides divisible by this. Where sizes change in convolutions, any side will do: an odd one is
    /// rounded up on the way down, and comes back on the way up.
    public var sizeMultiple: Int { residualResampling ? patchSize << max(0, levels.count - 1) : patchSize }

    /// Whether the last normalisation and convolution are computed in float32 where the rest is in half precision: as
    /// glide-text2im has it, while diffusers' networks are in half precision altogether. Not where another block follows.
    var widensOutput: Bool {
        guard case .joint = text else { return false }
        return pixelChannels == nil
    }

    /// Heads of attention at a level.
    package func heads(of level: Level) -> Int { level.heads ?? heads ?? level.channels / headWidth }

    /// Heads of the middle's attention: as at the last level.
    package var middleHeads: Int { levels.last.map(heads(of:)) ?? 1 }

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            if !holds { throw ConfigurationError(message()) }
        }
        try require(!levels.isEmpty && levels.count <= 8, "a U-Net needs 1 to 8 levels, not \(levels.count)")
        try require((1...64).contains(patchSize), "patchSize must be 1 to 64, not \(patchSize)")
        if let pixelChannels {
            try require(
                (1...4096).contains(pixelChannels) && pixelChannels % PixelRefinement.groups == 0,
                "pixelChannels must be a multiple of \(PixelRefinement.groups) up to 4,096, not \(pixelChannels)")
        }
        for (name, value) in [
            ("inputChannels", inputChannels), ("outputChannels", outputChannels), ("modelChannels", modelChannels),
            ("headWidth", headWidth), ("normGroups", normGroups), ("heads", heads), ("addedWidth", addedWidth),
            ("sizeSinusoidWidth", sizeSinusoidWidth), ("the text's width", textWidth),
        ] {
            guard let value else { continue }
            try require((1...65_536).contains(value), "\(name) must be 1 to 65,536, not \(value)")
        }
        try require((0..<1).contains(dropout), "dropout must be in [0, 1), not \(dropout)")
        var transformers = middleDepth ?? 1
        try require((1...64).contains(transformers), "the middle cannot have \(transformers) transformer blocks")
        for (index, level) in levels.enumerated() {
            try require((1...65_536).contains(level.channels), "a level cannot have \(level.channels) channels")
            try require((1...64).contains(level.residualBlocks), "a level cannot have \(level.residualBlocks) blocks")
            try require(
                level.channels % normGroups == 0,
                "\(level.channels) channels do not divide into \(normGroups) groups")
            let depth = level.transformerDepth ?? 1
            try require((1...64).contains(depth), "a level cannot have \(depth) transformer blocks a place")
            if level.attention { transformers += depth * (2 * level.residualBlocks + 1) }
            // The middle attends as the last level would.
            guard level.attention || index == levels.count - 1 else { continue }
            if let count = level.heads ?? heads {
                try require(
                    count > 0 && level.channels % count == 0,
                    "\(level.channels) channels do not divide into \(count) heads")
            } else {
                try require(
                    level.channels % headWidth == 0,
                    "\(level.channels) channels do not divide into heads of width \(headWidth)")
            }
        }
        try require(transformers <= 4096, "\(transformers) transformer blocks are too many; at most 4,096")
    }

    private var textWidth: Int? {
        switch text {
        case .none: nil
        case .joint(let width), .cross(let width, _): width
        }
    }
}

/// A configuration that no network can be built from.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
