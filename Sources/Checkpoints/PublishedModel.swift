public import Diffusion
internal import Foundation
public import Tensors

/// A model's file or folder in any published layout, opened but not loaded.
public enum PublishedModel {
    /// It draws pixels: Moonlit's own file, or one of OpenAI's.
    case pixels(ModelFile)
    /// It draws latents, which an autoencoder turns into pixels.
    case latents(LatentFile)

    /// Opens a model and recognises it by its content.
    ///
    /// - Throws: `CheckpointError`, `TensorFileError` or `ConfigurationError`, naming the file.
    public init(_ path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            guard ComponentFolder(path).has(DiffusersFolder.index) else {
                throw CheckpointError(
                    path, "is a folder without \(DiffusersFolder.index)", expected: "a model as diffusers writes it")
            }
            self = .latents(try DiffusersFolder.open(path))
            return
        }
        let archive = try TensorArchive.open(path)
        if archive.metadata[ModelFile.metadataKey] == nil, let file = try SingleFile.open(path, archive) {
            self = .latents(file)
        } else {
            self = .pixels(try ModelFile(path, archive: archive))
        }
    }

    public var path: String {
        switch self {
        case .pixels(let file): file.path
        case .latents(let file): file.path
        }
    }

    public var configuration: any DrawingConfiguration {
        switch self {
        case .pixels(let file): file.configuration
        case .latents(let file): file.configuration
        }
    }

    /// The same model, told what its network predicts where its files do not say it or are wrong; nil leaves what they say.
    public func predicting(_ prediction: Prediction?) -> PublishedModel {
        guard let prediction else { return self }
        switch self {
        case .pixels(var file):
            file.configuration.diffusion.prediction = prediction
            return .pixels(file)
        case .latents(var file):
            file.configuration.diffusion.prediction = prediction
            file.configuration.diffusion.scheduler?.prediction = prediction
            if let side = file.imageSizes[prediction] { file.configuration.imageSize = side }
            return .latents(file)
        }
    }

    /// Loads the weights.
    ///
    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape; `CheckpointError` for
    ///   additions that the model cannot take.
    public func load(
        additions: LatentModel.Additions = .init(), dtype: DType = .float32, device: Device = .cpu
    ) throws -> any DrawingModel {
        switch self {
        case .latents(let file): return try LatentModel(file, additions: additions, dtype: dtype, device: device)
        case .pixels(let file):
            if let path = additions.loras.first?.path ?? additions.embeddings.first?.path {
                throw CheckpointError(path, "cannot be added to \(file.path)", expected: "a model with CLIP text towers")
            }
            return try TextToImageModel(
                file.load(dtype: dtype, device: device), configuration: file.configuration, device: device)
        }
    }
}
