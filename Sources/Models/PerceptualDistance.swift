public import Tensors

/// A network whose inner numbers tell what a picture looks like.
public protocol PictureFeatures {
    /// - Parameter pictures: [N, 3, H, W] in −1…1.
    /// - Returns: maps [N, Cᵢ, hᵢ, wᵢ], at least one.
    func features(of pictures: Tensor) throws -> [Tensor]
}

/// How differently two pictures look to a network (Zhang et al. 2018, "The unreasonable effectiveness of deep features as
/// a perceptual metric", eq. 1): at every place of every map, channels are brought to length 1 and compared.
public struct PerceptualDistance {
    public let network: any PictureFeatures
    /// Of each map, how much each channel counts, [Cᵢ]; nil counts all alike, 1 in sum: then it is the mean squared
    /// difference.
    public let weights: [Tensor]?

    public init(_ network: any PictureFeatures, weights: [Tensor]? = nil) {
        self.network = network
        self.weights = weights
    }

    /// [N, 3, H, W] twice, in −1…1 → [N], 0 where they look the same.
    ///
    /// - Throws: `TensorError` where the weights are not the maps' own.
    public func callAsFunction(_ one: Tensor, _ other: Tensor) throws -> Tensor {
        let (first, second) = (try network.features(of: one), try network.features(of: other))
        guard !first.isEmpty, weights?.count ?? first.count == first.count else {
            throw TensorError(
                operation: "perceptual distance", message: "\(weights?.count ?? 0) weights of \(first.count) maps")
        }
        var total: Tensor?
        for (index, (a, b)) in zip(first, second).enumerated() {
            let difference = try (unit(a) - unit(b)).square()  // [N, C, h, w]
            let channels = difference.shape[1]
            let weighted =
                if let weights { try difference * weights[index].reshape([1, channels, 1, 1]) } else {
                    try difference * (1 / Double(channels))
                }
            let distance = try weighted.sum([1]).mean([1, 2])
            total = try total.map { try $0 + distance } ?? distance
        }
        return try total ?? .zeros([one.shape[0]])
    }

    /// Channels of length 1 at every place.
    private func unit(_ features: Tensor) throws -> Tensor {
        let features = try features.dtype == .float64 ? features : features.to(.float32)
        // Where all are 0, as behind a rectifier, the length has no derivative.
        let length = try features.square().sum([1], keepDims: true).clamp(min: 1e-20).sqrt()
        return try features / (length + 1e-10)
    }
}
