internal import Layers
public import Models
public import Tensors

/// Moonlit's own file of a model of pictures and texts, opened but not loaded: safetensors whose metadata hold the
/// configuration as JSON under `moonlit.clip`.
public struct CLIPFile {
    public let path: String
    public let configuration: CLIPConfiguration
    public let archive: TensorArchive

    static let metadataKey = "moonlit.clip"

    /// - Throws: `CheckpointError` or `TensorFileError`, naming the file.
    public init(_ path: String) throws { try self.init(path, archive: TensorArchive.open(path)) }

    init(_ path: String, archive: TensorArchive) throws {
        guard let json = archive.metadata[Self.metadataKey] else {
            throw CheckpointError(
                path, "is no model of pictures and texts", expected: "one that moonlit train wrote")
        }
        self.path = path
        self.archive = archive
        do {
            configuration = try CLIPConfiguration(metadata: json, file: path)
            try configuration.validate()
        } catch let error as ConfigurationError {
            throw CheckpointError(path, error.description, expected: "a configuration that a network can be built from")
        }
    }

    /// - Returns: nil for what is something else, or a folder.
    /// - Throws: `CheckpointError` where it is such a file, but damaged.
    public init?(recognising path: String) throws {
        guard let archive = try? TensorArchive.open(path), Self.recognises(archive) else { return nil }
        try self.init(path, archive: archive)
    }

    /// Whether a file's metadata say that it is one.
    static func recognises(_ archive: TensorArchive) -> Bool { archive.metadata[metadataKey] != nil }

    /// Builds the network with the file's weights.
    ///
    /// - Parameters:
    ///   - dtype: the type to compute in, whatever the file's.
    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    public func load(dtype: DType = .float32, device: Device = .cpu) throws -> ContrastiveModel {
        let store = WeightStore(.tensors(archive), dtype: dtype, device: device, onlyDraws: true)
        let network = try ContrastiveModel(Weights(store), configuration: configuration.network)
        try store.finish()
        return network
    }

    /// Writes a model: the old file or the whole new one, never a part.
    ///
    /// - Parameter dtype: of the floating-point weights in the file.
    public static func write(
        _ parameters: [(name: String, value: Tensor)], configuration: CLIPConfiguration, dtype: DType? = nil,
        to path: String
    ) throws {
        try configuration.validate()
        try Safetensors.write(
            parameters, dtype: dtype, metadata: [metadataKey: configuration.json(), "format": "pt"], to: path)
    }
}
