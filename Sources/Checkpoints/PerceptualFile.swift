internal import Layers
public import Models
public import Tensors

/// Perceptual distances from files: torchvision's VGG-16, and the channels' weights as LPIPS publishes them.
public enum PerceptualFile {
    /// - Parameters:
    ///   - network: torchvision's `vgg16` weights, `.pth` or safetensors; the classifier behind the features is not read.
    ///   - weights: LPIPS' `lin0.model.1.weight` … `lin4.model.1.weight`; nil counts all channels alike.
    /// - Throws: `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func open(network: String, weights: String? = nil, device: Device = .cpu) throws -> PerceptualDistance {
        let source = SourcePart(
            try TensorArchive.open(network).stateDict,
            ignoring: { $0.hasPrefix("classifier.") || $0.hasPrefix("avgpool.") })
        let widths = try VGG16.places.map { place in
            let name = "features.\(place).weight"
            guard let shape = source.shape(of: name), shape.count == 4, shape[0] > 0 else {
                throw CheckpointError(
                    network, "\(name) is \(source.shape(of: name).map { "\($0)" } ?? "missing")",
                    expected: "a convolution of torchvision's vgg16")
            }
            return shape[0]
        }
        let store = WeightStore(.tensors(source), device: device)
        let features = try VGG16(Weights(store), widths: widths)
        try store.finish()
        guard let weights else { return PerceptualDistance(features) }
        let archive = try TensorArchive.open(weights).stateDict
        let linear = try widths.enumerated().map { index, width in
            let name = "lin\(index).model.1.weight"
            guard let shape = archive.shape(of: name), shape == [1, width, 1, 1] else {
                throw CheckpointError(
                    weights, "\(name) is \(archive.shape(of: name).map { "\($0)" } ?? "missing")",
                    expected: "\([1, width, 1, 1])")
            }
            return try archive.tensor(name).reshape([width]).to(.float32, device: device)
        }
        return PerceptualDistance(features, weights: linear)
    }
}
