/// The shape of a U-Net of the guided-diffusion lineage, which GLIDE, latent diffusion and Stable Diffusion share.
public struct UNetConfiguration: Codable, Sendable, Equatable {
    /// One resolution: how wide, how many residual blocks on the way down (one more on the way up), and whether each of
    /// them is followed by attention.
    public struct Level: Codable, Sendable, Equatable {
        public var channels: Int
        public var residualBlocks: Int
        public var attention: Bool

        public init(channels: Int, residualBlocks: Int, attention: Bool) {
            self.channels = channels
            self.residualBlocks = residualBlocks
            self.attention = attention
        }
    }

    /// How text enters the attention blocks.
    public enum TextEntry: Codable, Sendable, Equatable {
        case none
        /// GLIDE: the text's keys and values stand before the picture's own, under one softmax.
        case joint(width: Int)
    }

    /// Channels of what the network sees, conditions included.
    public var inputChannels: Int
    public var outputChannels: Int
    /// The width of the time embedding; the embedding that blocks see is four times as wide.
    public var modelChannels: Int
    public var levels: [Level]
    /// The width of one attention head.
    public var headWidth: Int
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
    /// Groups of every group normalisation.
    public var normGroups: Int

    public init(
        inputChannels: Int, outputChannels: Int, modelChannels: Int, levels: [Level], headWidth: Int = 64,
        dropout: Double = 0, residualResampling: Bool = true, scaleShiftNorm: Bool = true, text: TextEntry = .none,
        patchSize: Int = 1, normGroups: Int = 32
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
        self.normGroups = normGroups
    }

    public var embeddingWidth: Int { 4 * modelChannels }

    /// Pictures must have sides divisible by this.
    public var sizeMultiple: Int { patchSize << max(0, levels.count - 1) }

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            if !holds { throw ConfigurationError(message()) }
        }
        try require(!levels.isEmpty && levels.count <= 8, "a U-Net needs 1 to 8 levels, not \(levels.count)")
        try require((1...64).contains(patchSize), "patchSize must be 1 to 64, not \(patchSize)")
        for (name, value) in [
            ("inputChannels", inputChannels), ("outputChannels", outputChannels), ("modelChannels", modelChannels),
            ("headWidth", headWidth), ("normGroups", normGroups),
        ] {
            try require((1...65_536).contains(value), "\(name) must be 1 to 65,536, not \(value)")
        }
        try require((0..<1).contains(dropout), "dropout must be in [0, 1), not \(dropout)")
        for level in levels {
            try require((1...65_536).contains(level.channels), "a level cannot have \(level.channels) channels")
            try require((1...64).contains(level.residualBlocks), "a level cannot have \(level.residualBlocks) blocks")
            try require(
                level.channels % normGroups == 0,
                "\(level.channels) channels do not divide into \(normGroups) groups")
            let attends = level.attention || level == levels.last
            try require(
                !attends || level.channels % headWidth == 0,
                "\(level.channels) channels do not divide into heads of width \(headWidth)")
        }
    }
}

/// A configuration that no network can be built from.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
