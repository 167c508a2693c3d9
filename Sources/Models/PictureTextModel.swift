public import Tensors

/// Pictures and texts embedded in one space, so that likeness is a product (Radford et al. 2021): what guides, ranks,
/// judges and searches.
public protocol PictureTextModel {
    /// The side of the square pictures it looks at, in pixels.
    var imageSide: Int { get }
    /// Numbers in an embedding.
    var embeddingWidth: Int { get }
    /// Whether its picture tower reads noisy pictures, and needs to know the step.
    var isNoised: Bool { get }
    /// What a product of embeddings is multiplied with to become a logit; 1 / temperature.
    var logitScale: Double { get }

    /// - Parameters:
    ///   - pictures: [N, 3, imageSide, imageSide] in −1...1.
    ///   - timesteps: int64 or float32 [N], of the schedule it was trained with; nil where it is not `isNoised`, and for
    ///     step 0.
    /// - Returns: [N, embeddingWidth], float32, each of length 1; differentiable with respect to the pictures.
    func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor

    /// - Returns: [texts.count, embeddingWidth], float32, each of length 1.
    func embeddings(ofTexts texts: [String]) throws -> Tensor
}
