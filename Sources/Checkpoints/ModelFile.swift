import Foundation
import Layers
public import Models
public import Tensors

/// A file of weights, opened but not loaded: what it is, and what is in it.
public struct ModelFile {
    public enum Format: String, Sendable, Codable {
        /// Moonlit's own: safetensors whose metadata hold the configuration as JSON under `moonlit`.
        case moonlit
        /// OpenAI's `.pt`, or the same tensors as safetensors.
        case glide
    }

    public let path: String
    public let format: Format
    public internal(set) var configuration: ModelConfiguration
    public let archive: TensorArchive

    static let metadataKey = "moonlit"

    /// Opens a model and recognises it by its content.
    /// - Throws: `CheckpointError`, `TensorFileError` or `ConfigurationError`, naming the file.
    public init(_ path: String) throws { try self.init(path, archive: TensorArchive.open(path)) }

    init(_ path: String, archive: TensorArchive) throws {
        self.path = path
        self.archive = archive
        if let json = archive.metadata[Self.metadataKey] {
            format = .moonlit
            configuration = try ModelConfiguration(metadata: json, file: path)
        } else if let network = try GLIDELayout.recognise(archive) {
            format = .glide
            configuration = GLIDELayout.published(network)
        } else if CLIPFile.recognises(archive) {
            throw CheckpointError(
                path, "is a model of pictures and texts, which draws nothing", expected: "a model that draws")
        } else {
            let sample = archive.names.prefix(3).joined(separator: ", ")
            throw CheckpointError(
                path, "holds \(archive.names.count) tensors (\(sample) …) of no network known here",
                expected: "a model written by Moonlit, or one of OpenAI's GLIDE files")
        }
        do {
            try configuration.validate()
        } catch let error as ConfigurationError {
            throw CheckpointError(path, error.description, expected: "a configuration that a network can be built from")
        }
    }

    /// Builds the network with the file's weights.
    ///
    /// - Parameters:
    ///   - dtype: the type to compute in, whatever the file's. With int8, the U-Net's large matrix products are of whole
    ///     numbers, all else is bfloat16.
    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    public func load(dtype: DType = .float32, device: Device = .cpu) throws -> GLIDE {
        let store = WeightStore(
            .tensors(archive), dtype: dtype, device: device, onlyDraws: true, isQuantized: UNet.isBody)
        let network = try GLIDE(Weights(store), configuration: configuration.network)
        try store.finish()
        return network
    }

    /// Writes a model: the old file or the whole new one, never a part.
    ///
    /// - Parameter dtype: of the floating-point weights in the file.
    public static func write(
        _ parameters: [(name: String, value: Tensor)], configuration: ModelConfiguration, dtype: DType? = nil,
        to path: String
    ) throws {
        try configuration.validate()
        try Safetensors.write(
            parameters, dtype: dtype, metadata: [metadataKey: configuration.json(), "format": "pt"], to: path)
    }
}

/// A file that cannot be used as a model.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    public let file: String
    public let problem: String
    public let expected: String?

    public init(_ file: String, _ problem: String, expected: String? = nil) {
        self.file = file
        self.problem = problem
        self.expected = expected
    }

    public var description: String { "\(file): \(problem)" + (expected.map { "; expected \($0)" } ?? "") }
}

extension DecodingError {
    /// One sentence: the place and what is wrong there.
    package var summary: String {
        func place(_ context: Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return path.isEmpty ? "the top level" : path.joined(separator: ".")
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(key.stringValue) is missing at \(place(context))"
        case .typeMismatch(let type, let context): return "\(place(context)) is no \(type)"
        case .valueNotFound(let type, let context): return "\(place(context)) has no \(type)"
        case .dataCorrupted(let context): return "\(place(context)): \(context.debugDescription)"
        @unknown default: return "\(self)"
        }
    }
}
