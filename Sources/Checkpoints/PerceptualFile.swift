internal import Foundation
internal import Layers
public import Models
public import Tensors

/// Perceptual distances from files: by torchvision's VGG-16, with the channels' weights as LPIPS publishes them, or by a
/// CLIP of Moonlit's own.
public enum PerceptualFile {
    /// - Parameters:
    ///   - network: torchvision's `vgg16` weights, `.pth` or safetensors; the classifier behind the features is not read.
    ///     Or a CLIP that `moonlit train` wrote, or an embedded one's name, of which the picture tower's stages count
    ///     (`ContrastiveModel.features`).
    ///   - weights: LPIPS' `lin0.model.1.weight` … `lin4.model.1.weight`, for VGG-16; nil counts all channels alike.
    /// - Throws: `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func open(network: String, weights: String? = nil, device: Device = .cpu) throws -> PerceptualDistance {
        let path = try place(of: network)
        let archive = try TensorArchive.open(path)
        guard CLIPFile.recognises(archive) else {
            return try vgg16(archive, network: path, weights: weights, device: device)
        }
        if let weights {
            throw CheckpointError(
                weights, "weighs the channels of VGG-16, and \(network) is a CLIP",
                expected: "no channel weights: a CLIP's channels all count alike")
        }
        return PerceptualDistance(try CLIPFile(path, archive: archive).load(device: device))
    }

    private static let known =
        "torchvision's vgg16, a CLIP that moonlit train wrote, or an embedded CLIP's name, such as scenes-clip"

    /// The path of the network's file.
    private static func place(of network: String) throws -> String {
        let path = try EmbeddedModels.place(named: network, expected: known)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
            throw CheckpointError(path, "is a folder", expected: known)
        }
        return path
    }

    private static func vgg16(
        _ archive: TensorArchive, network: String, weights: String?, device: Device
    ) throws -> PerceptualDistance {
        let source = SourcePart(
            archive.stateDict, ignoring: { $0.hasPrefix("classifier.") || $0.hasPrefix("avgpool.") })
        let widths = try VGG16.places.map { place in
            let name = "features.\(place).weight"
            guard let shape = source.shape(of: name), shape.count == 4, shape[0] > 0 else {
                throw CheckpointError(
                    network, "\(name) is \(source.shape(of: name).map { "\($0)" } ?? "missing")",
                    expected: known)
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
