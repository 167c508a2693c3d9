package import Tensors

/// How well a batch's pictures and captions find each other: cross-entropy both ways, over the whole batch (Radford et
/// al. 2021, figure 3).
package struct ContrastiveLoss {
    /// The mean over the batch: a scalar to go backward from.
    package let total: Tensor
    /// What `total` is the mean of, [N].
    package let perExample: Tensor
    /// How often a picture's own caption is the likeliest of all.
    package let accuracy: Double

    /// - Parameters:
    ///   - pictures: [N, width], each of length 1.
    ///   - texts: as many, in the same order.
    ///   - wrong: [N · K, width], K texts for each picture that are not true of it: more for it to choose from.
    ///   - scale: a scalar; 1 / temperature.
    package init(pictures: Tensor, texts: Tensor, wrong: Tensor? = nil, scale: Tensor) throws {
        let shape = pictures.shape
        guard shape.count == 2, shape == texts.shape, shape[0] > 0,
            wrong.map({ $0.rank == 2 && $0.shape[1] == shape[1] && $0.shape[0] > 0 && $0.shape[0] % shape[0] == 0 })
                ?? true
        else {
            throw TensorError(
                operation: "contrastive loss", shapes: [shape, texts.shape] + (wrong.map { [$0.shape] } ?? []),
                message: "expected as many pictures as texts, and K times as many wrong ones")
        }
        let count = shape[0]
        let ofPictures = try pictures.matmul(texts.transpose(0, 1)) * scale  // [N, N]
        let ofTexts = try ofPictures.transpose(0, 1)
        var choices = ofPictures
        if let wrong {
            let own = try wrong.reshape([count, -1, shape[1]])  // [N, K, width]
            let likeness = try own.matmul(pictures.unsqueeze(-1)).squeeze(-1) * scale  // [N, K]
            choices = try .concatenate([ofPictures, likeness], dim: 1)
        }
        let places = try Tensor.arange(Double(count), device: pictures.device)
        let right = try places.unsqueeze(1)  // [N, 1]
        func surprise(_ logits: Tensor) throws -> Tensor { try -(logits.logSoftmax(dim: 1).gather(1, right).squeeze(1)) }
        perExample = try (surprise(choices) + surprise(ofTexts)) * 0.5
        total = try perExample.mean()
        accuracy = try withoutGradients { try choices.argmax(dim: 1).compare(.equal, places).to(.float32).mean().item() }
    }
}
