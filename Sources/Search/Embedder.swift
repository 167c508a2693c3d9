public import Datasets
public import Images
public import Models
internal import Tensors

/// Brings pictures and texts into a model's space.
public struct Embedder {
    public let model: any PictureTextModel
    /// How a picture becomes what the model looks at: its middle square, resized.
    public let preparation: Preparation

    public init(_ model: any PictureTextModel) {
        self.model = model
        preparation = Preparation(size: model.imageSide, crop: .centre)
    }

    /// - Returns: a picture's embedding, of length 1.
    /// - Throws: `SearchError.embedding` where the model gives something else; what the model throws.
    public func embedding(of picture: Picture) throws -> [Float] {
        let example = Example(picture: picture, caption: "", key: "")
        return try embeddings(ofPlanes: preparation.picture(of: example, variation: 0).planes(), count: 1)
    }

    public func embedding(ofText text: String) throws -> [Float] {
        try numbers(withoutGradients { try model.embeddings(ofTexts: [text]) }, count: 1)
    }

    /// - Parameter planes: [count × 3 × side × side] in −1...1, as `preparation` makes them.
    func embeddings(ofPlanes planes: [Float], count: Int) throws -> [Float] {
        let side = preparation.size
        let pictures = try Tensor(planes, shape: [count, 3, side, side])
        return try numbers(withoutGradients { try model.embeddings(ofPictures: pictures, timesteps: nil) }, count: count)
    }

    private func numbers(_ embeddings: Tensor, count: Int) throws -> [Float] {
        guard embeddings.shape == [count, model.embeddingWidth] else {
            throw SearchError.embedding(
                "the model gave embeddings of shape \(embeddings.shape), where [\(count), \(model.embeddingWidth)] was "
                    + "expected")
        }
        return try embeddings.floats()
    }
}
