public import Models
public import Tensors
internal import Tokenizers

/// A model of pictures and texts together with its tokenizer: what `moonlit train` makes of `clip-64`.
///
/// ```swift
/// let clip = try CLIPModel.load("clip.safetensors")
/// let likeness = try clip.embeddings(ofPictures: pictures, timesteps: nil)
///     .matmul(clip.embeddings(ofTexts: ["a fox", "a lake"]).transpose(0, 1))
/// ```
public struct CLIPModel: PictureTextModel {
    public let configuration: CLIPConfiguration
    public let network: ContrastiveModel
    public let device: Device
    public let logitScale: Double
    private let encoder: PromptEncoder
    /// Texts that go through the network together.
    private static let textsAtOnce = 256

    public init(_ network: ContrastiveModel, configuration: CLIPConfiguration, device: Device) throws {
        self.configuration = configuration
        self.network = network
        self.device = device
        encoder = try configuration.text.encoder()
        logitScale = try withoutGradients { try network.logitScale().item() }
    }

    /// Loads Moonlit's own file.
    /// - Throws: `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func load(_ path: String, dtype: DType = .float32, device: Device = .cpu) throws -> CLIPModel {
        let file = try CLIPFile(path)
        return try CLIPModel(
            file.load(dtype: dtype, device: device), configuration: file.configuration, device: device)
    }

    public var imageSide: Int { configuration.network.side }
    public var embeddingWidth: Int { configuration.network.embedding }
    public var isNoised: Bool { configuration.network.timesteps != nil }

    public func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        try network.embeddings(
            ofPictures: pictures.to(device: device), timesteps: timesteps?.to(device: device))
    }

    public func embeddings(ofTexts texts: [String]) throws -> Tensor {
        try inPieces(texts, of: Self.textsAtOnce, width: embeddingWidth, device: device) { texts in
            let (tokens, mask) = try encoder.tensors(of: texts, device: device)
            return try network.embeddings(ofTokens: tokens, mask: mask)
        }
    }
}

/// Embeddings of any number of texts, so many at once, without a graph: [texts.count, width].
func inPieces(
    _ texts: [String], of size: Int, width: Int, device: Device, _ embed: ([String]) throws -> Tensor
) throws -> Tensor {
    guard !texts.isEmpty else { return try .zeros([0, width], device: device) }
    return try withoutGradients {
        let pieces = try stride(from: 0, to: texts.count, by: size).map { start in
            try embed(Array(texts[start..<min(start + size, texts.count)]))
        }
        return pieces.count == 1 ? pieces[0] : try .concatenate(pieces)
    }
}
