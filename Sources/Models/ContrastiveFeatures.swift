public import Tensors

/// What the picture tower sees: where it is of convolutions, each stage's last block, at whatever size the pictures have;
/// where it is a transformer, what each block reads of the patches, of pictures brought to its side.
///
/// A tower of noisy pictures is told step 0.
extension ContrastiveModel: PictureFeatures {
    /// - Throws: `TensorError` for what is no pictures.
    public func features(of pictures: Tensor) throws -> [Tensor] {
        let shape = pictures.shape
        guard shape.count == 4, shape[1] == 3, !shape.contains(0) else {
            throw TensorError(operation: "features", shapes: [shape], message: "expected pictures of [N, 3, H, W]")
        }
        let steps = try configuration.timesteps.map { _ in try Tensor.zeros([shape[0]], device: pictures.device) }
        switch picture {
        case .convolutional(let tower): return try tower.maps(of: pictures, timesteps: steps)
        case .transformer(let tower):
            let side = configuration.side
            guard shape[2] != side || shape[3] != side else { return try tower.maps(of: pictures, timesteps: steps) }
            let fitting = try pictures.to(.float32).resize(height: side, width: side, .bicubic, antialias: true)
            return try tower.maps(of: fitting, timesteps: steps)
        }
    }
}
