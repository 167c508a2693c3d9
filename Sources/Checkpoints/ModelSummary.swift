public import Tensors

/// What a model file holds, in numbers: for people and as JSON.
public struct ModelSummary: Sendable, Codable, Equatable {
    public var path: String
    public var format: ModelFile.Format
    public var configuration: ModelConfiguration
    public var parameters: Parameters
    public var tensors: [Entry]

    /// Numbers in all tensors, by part.
    public struct Parameters: Sendable, Codable, Equatable {
        /// Token table, positions, transformer and the projection of its last state.
        public var text: Int
        public var unet: Int
        public var total: Int
    }

    public struct Entry: Sendable, Codable, Equatable {
        public var name: String
        public var shape: [Int]
        public var dtype: DType
        public var bytes: Int
    }

    private static let textParts: Set<Substring> = [
        "token_embedding", "positional_embedding", "padding_embedding", "transformer", "final_ln", "transformer_proj",
    ]

    public init(_ file: ModelFile) {
        path = file.path
        format = file.format
        configuration = file.configuration
        parameters = Parameters(text: 0, unet: 0, total: 0)
        for entry in file.archive.entries {
            let part = entry.name.prefix { $0 != "." }
            if Self.textParts.contains(part) {
                parameters.text += entry.elementCount
            } else {
                parameters.unet += entry.elementCount
            }
            parameters.total += entry.elementCount
        }
        tensors = file.archive.entries.map {
            Entry(name: $0.name, shape: $0.shape, dtype: $0.dtype, bytes: $0.byteCount)
        }
    }
}
