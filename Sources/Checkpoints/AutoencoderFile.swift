internal import Foundation
package import Layers
public import Models
public import Tensors

/// An autoencoder by itself, opened but not loaded: a diffusers `vae` folder, a whole diffusers model, or a file with
/// latent diffusion's keys, alone or with the rest of its model.
public struct AutoencoderFile {
    public let path: String
    public var configuration: AutoencoderConfiguration
    /// Under our names.
    package let source: any TensorSource

    /// - Throws: `CheckpointError` or `TensorFileError`, naming the file.
    public init(_ path: String) throws {
        self.path = path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            (configuration, source) = try Self.single(path)
            return
        }
        let whole = ComponentFolder(path).has(DiffusersFolder.index)
        let part = ComponentFolder(path, "vae").exists ? "vae" : "vqvae"
        let folder = whole ? ComponentFolder(path, part) : ComponentFolder(path)
        guard folder.has("config.json") else {
            throw CheckpointError(
                folder.path, "is a folder without config.json", expected: "an autoencoder as diffusers writes it")
        }
        configuration = try AutoencoderConfiguration(diffusers: folder.configuration())
        source = AutoencoderNames.source(
            SourcePart(try folder.weights(), ignoring: AutoencoderNames.isOfTraining), configuration: configuration)
    }

    /// - Returns: nil where the path is no autoencoder's alone: a whole model's, or anything else's.
    public init?(recognising path: String) throws {
        let folder = ComponentFolder(path)
        if folder.has("config.json"), !folder.has(DiffusersFolder.index) {
            let name = try folder.configuration().string("_class_name")
            guard name == "AutoencoderKL" || name == "VQModel" else { return nil }
        } else {
            guard let archive = try? TensorArchive.open(path), archive.stateDict.shape(of: "encoder.conv_in.weight") != nil
            else { return nil }
        }
        try self.init(path)
    }

    private static func single(_ path: String) throws -> (AutoencoderConfiguration, any TensorSource) {
        let archive = try TensorArchive.open(path)
        if case .latents(let file)? = try? PublishedModel(path) {
            return (file.configuration.autoencoder, try file.source(.autoencoder))
        }
        for prefix in ["", "first_stage_model."] {
            let part = SourcePart(archive.stateDict, prefix: prefix, ignoring: AutoencoderNames.isOfTraining)
            if let configuration = try AutoencoderLayout.recognise(part) { return (configuration, part) }
        }
        throw CheckpointError(
            path, "holds no autoencoder known here",
            expected: "a diffusers folder, or tensors of latent diffusion such as encoder.conv_in.weight")
    }

    /// Builds the network with the file's weights.
    ///
    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    public func load(dtype: DType = .float32, device: Device = .cpu) throws -> Autoencoder {
        let store = WeightStore(.tensors(source), dtype: configuration.dtype(in: dtype), device: device, onlyDraws: true)
        let network = try Autoencoder(Weights(store), configuration: configuration)
        try store.finish()
        return network
    }
}
