public import Tensors

extension PictureTextModel {
    /// Pictures of any size as the model looks at them: the square in their middle, resized bicubically as CLIP's own
    /// preprocessing does; differentiable.
    ///
    /// - Parameter pictures: [N, 3, H, W] in −1…1.
    /// - Returns: [N, 3, imageSide, imageSide].
    public func fitted(_ pictures: Tensor) throws -> Tensor {
        let shape = pictures.shape
        guard shape.count == 4, shape[1] == 3, shape[2] > 0, shape[3] > 0 else {
            throw TensorError(
                operation: "fitted", shapes: [shape], message: "expected pictures of [N, 3, H, W]")
        }
        let side = min(shape[2], shape[3])
        let square = try pictures.narrow(2, start: (shape[2] - side) / 2, length: side)
            .narrow(3, start: (shape[3] - side) / 2, length: side)
        if side == imageSide { return square }
        return try square.resize(height: imageSide, width: imageSide, .bicubic, antialias: true)
    }

    /// How like each picture is to its own text: the cosines of their angles, [N], −1…1; differentiable.
    ///
    /// - Parameters:
    ///   - pictures: [N, 3, imageSide, imageSide].
    ///   - timesteps: as `embeddings(ofPictures:timesteps:)` takes them.
    ///   - texts: embeddings [N, embeddingWidth], or [1, embeddingWidth] for all.
    public func likeness(ofPictures pictures: Tensor, timesteps: Tensor? = nil, toTexts texts: Tensor) throws -> Tensor {
        let seen = try embeddings(ofPictures: pictures, timesteps: timesteps)
        return try (seen * texts.to(like: seen)).sum([-1])
    }
}
