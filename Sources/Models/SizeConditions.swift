internal import Layers
public import Tensors

/// The sizes that Stable Diffusion XL was told of each training picture, and wants to be told when it draws one (Podell
/// et al. 2023, §2.2), in pixels.
public enum SizeConditions: Sendable, Equatable, Codable {
    /// The base model: the picture's size before it was scaled, where the crop began, the size asked for.
    case base(originalHeight: Int, originalWidth: Int, cropTop: Int, cropLeft: Int, targetHeight: Int, targetWidth: Int)
    /// The refiner: how pleasing the picture is, 1 to 10, in place of the size asked for.
    case refiner(originalHeight: Int, originalWidth: Int, cropTop: Int, cropLeft: Int, aestheticScore: Double)

    /// In the published order, as diffusers' `add_time_ids` has them.
    public var numbers: [Double] {
        switch self {
        case .base(let originalHeight, let originalWidth, let top, let left, let targetHeight, let targetWidth):
            [originalHeight, originalWidth, top, left, targetHeight, targetWidth].map(Double.init)
        case .refiner(let originalHeight, let originalWidth, let top, let left, let score):
            [originalHeight, originalWidth, top, left].map(Double.init) + [score]
        }
    }
}

extension UNetConfiguration {
    /// The width of one size's sinusoid.
    public var sizeWidth: Int { sizeSinusoidWidth ?? 256 }

    /// How many sizes fit beside a pooled text of this width: 6 for XL's base, 5 for its refiner; nil where the network
    /// takes none, or the widths do not add up.
    public func sizeCount(pooledWidth: Int) -> Int? {
        guard let addedWidth, sizeWidth > 0, pooledWidth >= 0, pooledWidth <= addedWidth,
            (addedWidth - pooledWidth) % sizeWidth == 0
        else { return nil }
        return (addedWidth - pooledWidth) / sizeWidth
    }
}

/// What Stable Diffusion XL's network has added to its time embedding: the pooled text, then each size as a sinusoid
/// (generative-models `ConcatTimestepEmbedderND`, diffusers `UNet2DConditionModel.get_aug_embed`).
///
/// - Parameters:
///   - pooled: [N, pooled width].
///   - sizes: [N, count], as `SizeConditions.numbers`.
///   - sizeWidth: of one size's sinusoid.
/// - Returns: [N, pooled width + count · size width], in float32.
public func addedInput(pooled: Tensor, sizes: Tensor, sizeWidth: Int = 256) throws -> Tensor {
    let shape = sizes.shape
    guard pooled.rank == 2, shape.count == 2, shape[0] == pooled.shape[0],
        (1...65_536).contains(sizeWidth)
    else {
        throw TensorError(
            operation: "added embedding", shapes: [pooled.shape, shape],
            message: "expected a pooled text of [N, width] and sizes of [N, count]")
    }
    let numbers = try sizes.to(.float32).reshape([shape[0] * shape[1]])
    let sinusoids = try timestepEmbedding(numbers, width: sizeWidth)  // [N · count, size width]
    return try .concatenate([pooled.to(.float32), sinusoids.reshape([shape[0], shape[1] * sizeWidth])], dim: 1)
}
