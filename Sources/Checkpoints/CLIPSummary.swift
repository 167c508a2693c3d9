internal import Tensors

/// What a file of a model of pictures and texts holds, in numbers: for people and as JSON.
public struct CLIPSummary: Sendable, Codable, Equatable {
    public var path: String
    public var configuration: CLIPConfiguration
    public var parameters: Parameters
    public var tensors: [ModelSummary.Entry]

    /// Numbers in all tensors, by tower.
    public struct Parameters: Sendable, Codable, Equatable {
        public var picture: Int
        public var text: Int
        public var total: Int
    }

    public init(_ file: CLIPFile) {
        path = file.path
        configuration = file.configuration
        func count(_ prefix: String) -> Int {
            file.archive.entries.filter { $0.name.hasPrefix(prefix) }.map(\.elementCount).boundedSum()
        }
        parameters = Parameters(picture: count("picture."), text: count("text."), total: count(""))
        tensors = file.archive.entries.map {
            .init(name: $0.name, shape: $0.shape, dtype: $0.dtype, bytes: $0.byteCount)
        }
    }
}
