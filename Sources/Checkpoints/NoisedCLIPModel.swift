internal import Foundation
public import Models
public import Tensors
internal import Tokenizers

/// GLIDE's noised CLIP, both towers and the tokenizer (glide-text2im `clip/model_creation.py`, `CLIPModel`).
public struct NoisedCLIPModel: PictureTextModel {
    public let image: NoisedCLIPImageTower
    public let text: NoisedCLIPTextTower
    public let device: Device
    private let tokenizer: CLIPTokenizer
    private let context: Int
    public let imageSide: Int
    public let isNoised: Bool
    private static let textsAtOnce = 64

    /// OpenAI's file names in a folder.
    public static let imageFile = "clip_image_enc.pt"
    public static let textFile = "clip_text_enc.pt"

    /// - Throws: `ConfigurationError` where the towers are not a picture's and a text's, or of different spaces.
    public init(image: NoisedCLIPImageTower, text: NoisedCLIPTextTower, device: Device) throws {
        guard case .image(let side, _, let timesteps) = image.configuration.input,
            case .text(let vocabulary, let context) = text.configuration.input
        else { throw ConfigurationError("a noised CLIP needs a picture tower and a text tower") }
        guard image.configuration.embedding == text.configuration.embedding else {
            throw ConfigurationError(
                "a picture tower of \(image.configuration.embedding) numbers an embedding and a text tower of "
                    + "\(text.configuration.embedding)")
        }
        tokenizer = try CLIPTokenizer()
        guard vocabulary >= tokenizer.vocabularyCount, context >= 2 else {
            throw ConfigurationError(
                "a text tower of \(context) tokens from \(vocabulary); CLIP's vocabulary has "
                    + "\(tokenizer.vocabularyCount)")
        }
        (self.image, self.text, self.device) = (image, text, device)
        (self.context, imageSide, isNoised) = (context, side, timesteps != nil)
    }

    /// Loads a picture tower's file and a text tower's.
    /// - Throws: `CheckpointError`, `TensorFileError` or `WeightError`, naming the file.
    public static func load(
        image: String, text: String, dtype: DType = .float32, device: Device = .cpu
    ) throws -> NoisedCLIPModel {
        let (pictures, texts) = (try NoisedCLIPFile(path: image), try NoisedCLIPFile(path: text))
        guard pictures.isImageTower else {
            throw CheckpointError(image, "holds a text tower", expected: "a picture tower, as \(imageFile)")
        }
        guard !texts.isImageTower else {
            throw CheckpointError(text, "holds a picture tower", expected: "a text tower, as \(textFile)")
        }
        do {
            return try NoisedCLIPModel(
                image: pictures.imageTower(dtype: dtype, device: device),
                text: texts.textTower(dtype: dtype, device: device), device: device)
        } catch let error as ConfigurationError {
            throw CheckpointError(text, error.description, expected: "two towers that were trained together")
        }
    }

    public var embeddingWidth: Int { image.configuration.embedding }
    public var logitScale: Double { NoisedCLIPTowerConfiguration.publishedScale }

    public func embeddings(ofPictures pictures: Tensor, timesteps: Tensor?) throws -> Tensor {
        let pictures = try pictures.to(device: device)
        var steps = try timesteps?.to(device: device)
        if isNoised, steps == nil { steps = try .zeros([pictures.size(0)], dtype: .int64, device: device) }
        return try noisedCLIPUnit(image(pictures, timesteps: steps).to(.float32))
    }

    public func embeddings(ofTexts texts: [String]) throws -> Tensor {
        try inPieces(texts, of: Self.textsAtOnce, width: embeddingWidth, device: device) { texts in
            let padded = texts.map { tokenizer.padded($0, length: context) }
            let tokens = try Tensor(padded.flatMap(\.ids), shape: [texts.count, context]).to(device: device)
            let lengths = try Tensor(padded.map { $0.mask.count { $0 } }).to(device: device)
            return try noisedCLIPUnit(text(tokens, lengths: lengths).to(.float32))
        }
    }
}
