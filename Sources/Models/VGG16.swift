public import Layers
public import Tensors

/// The convolutions of VGG-16 (Simonyan & Zisserman 2015) under torchvision's keys, `features.0.weight`: what perceptual
/// distances are usually measured with.
public struct VGG16: PictureFeatures {
    /// Convolutions of each of the five sizes.
    static let depths = [2, 2, 3, 3, 3]

    private let stages: [[Convolution2D]]
    private let mean, deviation: Tensor

    /// - Parameter widths: channels of the five sizes.
    public init(_ weights: Weights, widths: [Int] = [64, 128, 256, 512, 512]) throws {
        guard widths.count == Self.depths.count, widths.allSatisfy((1...16_384).contains) else {
            throw ConfigurationError("VGG-16 has five widths of 1 to 16,384 channels, not \(widths)")
        }
        var stages: [[Convolution2D]] = []
        var (place, channels) = (0, 3)
        for (depth, width) in zip(Self.depths, widths) {
            var stage: [Convolution2D] = []
            for _ in 0..<depth {
                stage.append(try Convolution2D(weights / "features" / place, in: channels, out: width))
                channels = width
                place += 2  // a rectifier between
            }
            stages.append(stage)
            place += 1  // and the pooling
        }
        self.stages = stages
        // ImageNet's colours as the published weights want them, for pictures in −1…1.
        mean = try Tensor([Float(-0.030), -0.088, -0.188], shape: [1, 3, 1, 1])
        deviation = try Tensor([Float(0.458), 0.448, 0.450], shape: [1, 3, 1, 1])
    }

    /// Where each size's first convolution stands among torchvision's `features`.
    package static var places: [Int] {
        var place = 0
        return depths.map { depth in
            defer { place += 2 * depth + 1 }
            return place
        }
    }

    /// Behind the last rectifier of each size: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3.
    ///
    /// - Throws: `TensorError` for pictures under 16 pixels a side.
    public func features(of pictures: Tensor) throws -> [Tensor] {
        let shape = pictures.shape
        guard shape.count == 4, shape[1] == 3, shape[2] >= 16, shape[3] >= 16 else {
            throw TensorError(
                operation: "features", shapes: [shape], message: "expected [N, 3, H, W] of at least 16 pixels a side")
        }
        var h = try (pictures - mean.to(like: pictures)) / deviation.to(like: pictures)
        var maps: [Tensor] = []
        for (index, stage) in stages.enumerated() {
            if index > 0 { h = try halved(h) }
            for convolution in stage { h = try convolution(h).relu() }
            maps.append(h)
        }
        return maps
    }

    /// The greatest of each 2 × 2; an odd last row or column is left out.
    private func halved(_ x: Tensor) throws -> Tensor {
        let (n, c, height, width) = (x.shape[0], x.shape[1], x.shape[2] / 2, x.shape[3] / 2)
        return try x.narrow(2, start: 0, length: 2 * height).narrow(3, start: 0, length: 2 * width)
            .reshape([n, c, height, 2, width, 2]).max([3, 5])
    }
}
