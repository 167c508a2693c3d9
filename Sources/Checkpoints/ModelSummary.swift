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
        let entries = file.archive.entries
        func isText(_ entry: TensorEntry) -> Bool { Self.textParts.contains(entry.name.prefix { $0 != "." }) }
        parameters = Parameters(
            text: entries.filter { isText($0) }.map(\.elementCount).boundedSum(),
            unet: entries.filter { !isText($0) }.map(\.elementCount).boundedSum(),
            total: entries.map(\.elementCount).boundedSum())
        tensors = entries.map {
            Entry(name: $0.name, shape: $0.shape, dtype: $0.dtype, bytes: $0.byteCount)
        }
    }
}
