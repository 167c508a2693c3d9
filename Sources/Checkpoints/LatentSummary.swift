internal import Layers
public import Tensors

/// What a latent model's files hold, in numbers: for people and as JSON.
public struct LatentSummary: Sendable, Codable, Equatable {
    public var path: String
    public var format: LatentFile.Format
    public var configuration: LatentConfiguration
    /// Where its own scheduler is not honoured.
    public var samplerStandIn: SamplerStandIn?
    /// Numbers in all tensors of each part.
    public var parameters: [String: Int]
    public var total: Int
    public var tensors: [Entry]

    public struct Entry: Sendable, Codable, Equatable {
        public var part: LatentFile.Part
        /// As the files call it.
        public var name: String
        public var shape: [Int]
        public var dtype: DType?
    }

    /// - Throws: `TensorFileError` for a tensor that cannot be read.
    public init(_ file: LatentFile) throws {
        path = file.path
        format = file.format
        configuration = file.configuration
        samplerStandIn = file.configuration.samplerStandIn
        parameters = [:]
        tensors = []
        for part in file.parts {
            let source = try file.source(part)
            let entries = try source.tensorNames.map { name in
                Entry(
                    part: part, name: source.nameInFile(name), shape: source.shape(of: name) ?? [],
                    dtype: try source.tensor(name).dtype)
            }
            parameters[part.rawValue] = entries.map { elementCount($0.shape) ?? 0 }.boundedSum()
            tensors += entries
        }
        total = parameters.values.boundedSum()
    }
}
