internal import Layers
public import Models
internal import Tensors

/// What an autoencoder's files hold, in numbers: for people and as JSON.
public struct AutoencoderSummary: Sendable, Codable, Equatable {
    public var path: String
    public var configuration: AutoencoderConfiguration
    /// Numbers in all tensors.
    public var total: Int
    public var tensors: [LatentSummary.Entry]

    /// - Throws: `TensorFileError` for a tensor that cannot be read.
    public init(_ file: AutoencoderFile) throws {
        path = file.path
        configuration = file.configuration
        tensors = try file.source.tensorNames.map { name in
            LatentSummary.Entry(
                part: .autoencoder, name: file.source.nameInFile(name), shape: file.source.shape(of: name) ?? [],
                dtype: try file.source.tensor(name).dtype)
        }
        total = tensors.map { elementCount($0.shape) ?? 0 }.boundedSum()
    }
}
