/// The shape of a network that embeds pictures and texts in one space (Radford et al. 2021).
public struct ContrastiveConfiguration: Codable, Sendable, Equatable {
    /// What looks at pictures.
    public enum Picture: Codable, Sendable, Equatable {
        /// A vision transformer as GLIDE's noised CLIP has it; `heads` divide `width`.
        case transformer(patch: Int, width: Int, layers: Int, heads: Int)
        /// Residual convolutions at a quarter of the picture's side and, from width to width, at half the side before,
        /// `blocks` of them each; then `layers` of attention between the places of the last grid.
        case convolutional(widths: [Int], blocks: Int, layers: Int, heads: Int)
    }

    /// Of the square pictures, in pixels.
    public var side: Int
    /// Steps of the noise that pictures may have, which the tower is told; nil for a tower of clean pictures.
    public var timesteps: Int?
    public var picture: Picture
    public var text: TextTransformerConfiguration
    /// Numbers in an embedding.
    public var embedding: Int

    public init(
        side: Int, timesteps: Int? = nil, picture: Picture, text: TextTransformerConfiguration, embedding: Int
    ) {
        self.side = side
        self.timesteps = timesteps
        self.picture = picture
        self.text = text
        self.embedding = embedding
    }

    /// Of each normalisation in the convolutional tower.
    static let normGroups = 8

    /// How many pixels a place of the last grid covers, a side.
    public var sizeMultiple: Int {
        switch picture {
        case .transformer(let patch, _, _, _): patch
        case .convolutional(let widths, _, _, _): 4 << max(widths.count - 1, 0)
        }
    }

    /// The transformer's shape in GLIDE's terms; nil for a convolutional tower.
    var transformer: NoisedCLIPTowerConfiguration? {
        guard case .transformer(let patch, let width, let layers, let heads) = picture else { return nil }
        return NoisedCLIPTowerConfiguration(
            input: .image(side: side, patch: patch, timesteps: timesteps), width: width, layers: layers, heads: heads,
            embedding: embedding)
    }

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw ConfigurationError("\(name) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
            }
        }
        try require("the picture's side", side, 1...4096)
        try require("the steps of noise", timesteps ?? 1, 1...1 << 20)
        try require("the embedding", embedding, 1...65_536)
        try text.validate()
        try transformer?.validate()
        guard case .convolutional(let widths, let blocks, let layers, let heads) = picture else { return }
        try require("the number of the picture tower's widths", widths.count, 1...8)
        try require("the picture tower's blocks", blocks, 0...64)
        try require("the picture tower's layers", layers, 0...64)
        try require("the picture tower's heads", heads, 1...1024)
        for width in widths {
            try require("a width of the picture tower", width, 1...65_536)
            guard width % Self.normGroups == 0 else {
                throw ConfigurationError("a width of \(width) does not divide by \(Self.normGroups)")
            }
        }
        guard widths.last.map({ $0 % heads == 0 }) ?? false else {
            throw ConfigurationError("a picture tower of the widths \(widths) does not divide into \(heads) heads")
        }
        guard side % sizeMultiple == 0 else {
            throw ConfigurationError("a picture of \(side) pixels a side does not divide by \(sizeMultiple)")
        }
    }
}
