public import Checkpoints
public import Models

extension TrainingConfiguration {
    /// Of a model of pictures and texts; what follows from the data is not said twice. `imageSize` is the pictures' side.
    public struct ContrastiveShape: Codable, Sendable, Equatable {
        public var picture: ContrastiveConfiguration.Picture
        public var text: TextShape
        /// Numbers in an embedding.
        public var embedding: Int
        /// Whether pictures have the noise of a random step of `diffusion`, which the tower is told.
        public var noised: Bool
        /// Captions that are not true of a picture, for each, beside those of the other pictures: of sets that know such.
        public var wrongCaptions: Int
        /// The weight of a second loss, by which pictures also predict the words of their captions; 0 leaves it out.
        public var words: Double
        /// Embeds each part twice, so that memory holds only as many parts' graphs as there are workers (GradCache).
        public var recomputes: Bool

        public init(
            picture: ContrastiveConfiguration.Picture = .convolutional(
                widths: [48, 96, 192], blocks: 1, layers: 2, heads: 6),
            text: TextShape = TextShape(vocabulary: .clip, prune: true, context: 40, width: 128, layers: 3, heads: 4),
            embedding: Int = 192, noised: Bool = false, wrongCaptions: Int = 0, words: Double = 0,
            recomputes: Bool = false
        ) {
            self.picture = picture
            self.text = text
            self.embedding = embedding
            self.noised = noised
            self.wrongCaptions = wrongCaptions
            self.words = words
            self.recomputes = recomputes
        }
    }

    /// - Throws: `TrainingError.configuration`, naming the key.
    func validateContrastive() throws {
        guard batchSize > 1 else {
            throw TrainingError.configuration(
                key: "batchSize", problem: "a caption can be told from others only in a batch of two and more")
        }
        guard (0...256).contains(contrastive.wrongCaptions) else {
            throw TrainingError.configuration(
                key: "contrastive.wrongCaptions", problem: "\(contrastive.wrongCaptions) is not within 0 to 256")
        }
        guard (0...1000).contains(contrastive.words) else {
            throw TrainingError.configuration(
                key: "contrastive.words", problem: "\(contrastive.words) is not within 0 to 1000")
        }
        do {
            _ = try clip(kept: contrastive.text.prune ? [0] : nil)
        } catch let error as ConfigurationError {
            throw TrainingError.configuration(key: "contrastive", problem: error.description)
        }
    }

    /// What is written beside the weights of a contrastive run.
    /// - Parameter kept: the tokens of a pruned vocabulary.
    public func clip(kept: [Int]?) throws -> CLIPConfiguration {
        let shape = contrastive.text
        let text = TextConfiguration(vocabulary: shape.vocabulary, context: shape.context, kept: kept)
        let transformer = TextTransformerConfiguration(
            vocabulary: try text.vocabularyCount, context: shape.context, width: shape.width, layers: shape.layers,
            heads: shape.heads)
        let model = CLIPConfiguration(
            name: name,
            network: ContrastiveConfiguration(
                side: imageSize, timesteps: contrastive.noised ? diffusion.steps : nil, picture: contrastive.picture,
                text: transformer, embedding: contrastive.embedding),
            text: text, diffusion: contrastive.noised ? diffusion : nil)
        try model.validate()
        return model
    }
}
