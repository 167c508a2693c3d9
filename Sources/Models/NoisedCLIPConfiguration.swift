/// The shape of one of the towers of GLIDE's noised CLIP, or of one built like them.
public struct NoisedCLIPTowerConfiguration: Codable, Sendable, Equatable {
    public enum Input: Codable, Sendable, Equatable {
        /// RGB pictures of this side, cut into patches; the class token is a row for each of `timesteps` steps, or, of a
        /// tower for clean pictures, one vector.
        case image(side: Int, patch: Int, timesteps: Int?)
        /// Tokens of a table of this many rows, `context` of them at most.
        case text(vocabulary: Int, context: Int)
    }

    public var input: Input
    public var width: Int
    public var layers: Int
    public var heads: Int
    /// The width of the space that both towers share.
    public var embedding: Int

    public init(input: Input, width: Int, layers: Int, heads: Int, embedding: Int) {
        self.input = input
        self.width = width
        self.layers = layers
        self.heads = heads
        self.embedding = embedding
    }

    /// OpenAI's `clip_image_enc.pt`: 64×64 pictures in 256 patches, trained on noise of 1,000 steps.
    public static let publishedImage = NoisedCLIPTowerConfiguration(
        input: .image(side: 64, patch: 4, timesteps: 1000), width: 768, layers: 12, heads: 12, embedding: 512)

    /// OpenAI's `clip_text_enc.pt`.
    public static let publishedText = NoisedCLIPTowerConfiguration(
        input: .text(vocabulary: 65_536, context: 77), width: 512, layers: 12, heads: 8, embedding: 512)

    /// What OpenAI's towers multiply the likeness of a picture and a text by, in training and in guidance.
    public static let publishedScale = 100.0

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        var numbers = [
            ("width", width, 65_536), ("layers", layers, 256), ("heads", heads, 1024), ("embedding", embedding, 65_536),
        ]
        switch input {
        case .image(let side, let patch, let timesteps):
            numbers += [("picture's side", side, 4096), ("patch's side", patch, 4096)]
            numbers += [("time steps", timesteps ?? 1, 1 << 20)]
        case .text(let vocabulary, let context):
            numbers += [("vocabulary", vocabulary, 1 << 22), ("context", context, 65_536)]
        }
        for (name, value, limit) in numbers where !(1...limit).contains(value) {
            throw ConfigurationError("the noised CLIP tower's \(name) must be 1 to \(limit), not \(value)")
        }
        guard width % heads == 0 else {
            throw ConfigurationError("a width of \(width) does not divide into \(heads) heads")
        }
        if case .image(let side, let patch, _) = input, side % patch != 0 {
            throw ConfigurationError("a picture of \(side) pixels a side does not divide into patches of \(patch)")
        }
    }
}
