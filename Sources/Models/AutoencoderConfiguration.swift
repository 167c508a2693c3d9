public import Tensors

/// The shape of an autoencoder of latent diffusion (Rombach et al. 2022), whose decoder and encoder Stable Diffusion
/// shares.
public struct AutoencoderConfiguration: Codable, Sendable, Equatable {
    /// How latents are kept from growing without bound.
    public enum Kind: Codable, Sendable, Equatable {
        /// Each latent is a Gaussian held near the standard one (Kingma & Welling 2014).
        case kl
        /// Each pixel of the latents is the nearest of so many learned codes (van den Oord et al. 2017).
        case vectorQuantised(codes: Int)
    }

    /// One resolution: how wide, and whether attention follows each of its residual blocks.
    public struct Level: Codable, Sendable, Equatable {
        public var channels: Int
        public var attention: Bool

        public init(channels: Int, attention: Bool = false) {
            self.channels = channels
            self.attention = attention
        }

        /// Without `attention` there is none.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                channels: try values.decode(Int.self, forKey: .channels),
                attention: try values.decodeIfPresent(Bool.self, forKey: .attention) ?? false)
        }
    }

    public var kind: Kind
    /// Channels of the pictures that go in, and of those that come out.
    public var inputChannels: Int
    public var outputChannels: Int
    /// Channels of the latents.
    public var latentChannels: Int
    /// Channels between the quantisation convolutions and encoder or decoder.
    public var zChannels: Int
    /// Channels behind the encoder's first convolution.
    public var channels: Int
    /// From the picture's own resolution down; each next one is half as large a side.
    public var levels: [Level]
    /// Residual blocks of each of the encoder's levels; the decoder's have one more.
    public var residualBlocks: Int
    /// Whether the middle attends.
    public var middleAttention: Bool
    /// Whether a 1×1 convolution stands between encoder and latents, and one between latents and decoder.
    public var quantConvolution: Bool
    public var postQuantConvolution: Bool
    /// Groups of every group normalisation.
    public var normGroups: Int
    /// A diffusion network sees `(latents − shift) · scalingFactor`.
    public var scalingFactor: Double
    public var shiftFactor: Double?
    /// Mean and deviation of each channel of the latents, which a diffusion network sees without.
    public var latentMean: [Double]?
    public var latentDeviation: [Double]?
    /// Whether the numbers inside leave float16's range, as XL's do: such an autoencoder runs in float32 where the rest
    /// runs in float16.
    public var overflowsFloat16: Bool
    /// The side of the pictures it was trained on, in pixels, where that is known.
    public var sampleSize: Int?

    public init(
        kind: Kind, inputChannels: Int = 3, outputChannels: Int = 3, latentChannels: Int, zChannels: Int? = nil,
        channels: Int? = nil, levels: [Level], residualBlocks: Int = 2, middleAttention: Bool = true,
        quantConvolution: Bool = true, postQuantConvolution: Bool = true, normGroups: Int = 32, scalingFactor: Double,
        shiftFactor: Double? = nil, latentMean: [Double]? = nil, latentDeviation: [Double]? = nil,
        overflowsFloat16: Bool? = nil, sampleSize: Int? = nil
    ) {
        self.kind = kind
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.latentChannels = latentChannels
        self.zChannels = zChannels ?? latentChannels
        self.channels = channels ?? levels.first?.channels ?? 0
        self.levels = levels
        self.residualBlocks = residualBlocks
        self.middleAttention = middleAttention
        self.quantConvolution = quantConvolution
        self.postQuantConvolution = postQuantConvolution
        self.normGroups = normGroups
        self.scalingFactor = scalingFactor
        self.shiftFactor = shiftFactor
        self.latentMean = latentMean
        self.latentDeviation = latentDeviation
        self.overflowsFloat16 = overflowsFloat16 ?? (kind == .kl)
        self.sampleSize = sampleSize
    }

    /// The side of a picture over the side of its latents.
    public var factor: Int { 1 << min(max(0, levels.count - 1), Self.mostLevels) }

    static let mostLevels = 8

    /// The type to compute in where the rest of a model computes in `dtype`.
    public func dtype(in dtype: DType) -> DType { dtype == .float16 && overflowsFloat16 ? .float32 : dtype.computing }

    /// - Throws: `ConfigurationError` for what no autoencoder can be built from.
    public func validate() throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            if !holds { throw ConfigurationError(message()) }
        }
        try require(
            (1...Self.mostLevels).contains(levels.count),
            "an autoencoder needs 1 to \(Self.mostLevels) levels, not \(levels.count)")
        for (name, value) in [
            ("inputChannels", inputChannels), ("outputChannels", outputChannels), ("latentChannels", latentChannels),
            ("zChannels", zChannels), ("channels", channels), ("normGroups", normGroups),
        ] {
            try require((1...16_384).contains(value), "\(name) must be 1 to 16,384, not \(value)")
        }
        try require((1...64).contains(residualBlocks), "residualBlocks must be 1 to 64, not \(residualBlocks)")
        for width in [channels] + levels.map(\.channels) {
            try require((1...16_384).contains(width), "a level must have 1 to 16,384 channels, not \(width)")
            try require(width % normGroups == 0, "\(width) channels do not divide into \(normGroups) groups")
        }
        if case .vectorQuantised(let codes) = kind {
            try require((1...1 << 20).contains(codes), "a code book must have 1 to 1,048,576 codes, not \(codes)")
        }
        try require(
            zChannels == latentChannels || quantConvolution && postQuantConvolution,
            "without quantisation convolutions \(zChannels) channels cannot become \(latentChannels)")
        try require(
            scalingFactor.isFinite && scalingFactor > 0, "scalingFactor must be above 0, not \(scalingFactor)")
        try require(shiftFactor?.isFinite ?? true, "shiftFactor must be finite")
        try require((latentMean == nil) == (latentDeviation == nil), "latentMean and latentDeviation go together")
        for (name, list) in [("latentMean", latentMean), ("latentDeviation", latentDeviation)] {
            guard let list else { continue }
            try require(list.count == latentChannels, "\(name) has \(list.count) numbers for \(latentChannels) channels")
            try require(list.allSatisfy(\.isFinite), "\(name) must be finite")
        }
        try require(latentDeviation?.allSatisfy { $0 > 0 } ?? true, "latentDeviation must be above 0")
        if let sampleSize {
            try require((1...65_536).contains(sampleSize), "sampleSize must be 1 to 65,536, not \(sampleSize)")
        }
    }
}
