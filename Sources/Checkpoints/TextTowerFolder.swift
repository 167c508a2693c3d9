package import Layers
public import Models
public import Tensors
public import Tokenizers

/// The text tower of a diffusers folder by itself, opened but not loaded, with its tokenizer.
public struct TextTowerFolder {
    public let path: String
    public let configuration: TextTowerConfiguration
    /// Where the tokenizer's files are; nil for the vocabulary that comes with Moonlit.
    public let tokenizerFolder: String?
    package let source: any TensorSource

    /// - Throws: `CheckpointError` or `TensorFileError` naming the file.
    public init(_ path: String) throws {
        self.path = path
        let folder = ComponentFolder(path, LatentFile.Part.textEncoder.rawValue)
        guard folder.has("config.json") else {
            throw CheckpointError(path, "holds no text_encoder with a config.json", expected: "a model as diffusers writes it")
        }
        let network = try CLIPTextConfiguration(huggingFace: folder.configuration())
        guard let layout = try CLIPTextLayout(folder.weights(), configuration: network) else {
            throw CheckpointError(folder.path, "holds weights of no CLIP text tower")
        }
        let words = ComponentFolder(path, "tokenizer")
        configuration = TextTowerConfiguration(
            network: .clip(layout.configuration),
            padding: try DiffusersFolder.padding(words, vocabulary: network.vocabulary))
        tokenizerFolder = words.exists ? words.path : nil
        source = layout.source
    }

    /// Builds the tower with the folder's weights.
    public func load(dtype: DType = .float32, device: Device = .cpu) throws -> CLIPTextTower {
        guard case .clip(let network) = configuration.network else {
            throw CheckpointError(path, "its text tower is none of CLIP's")
        }
        let store = WeightStore(.tensors(source), dtype: dtype, device: device)
        let tower = try CLIPTextTower(Weights(store), configuration: network)
        try store.finish()
        return tower
    }

    public func tokenizer() throws -> CLIPTokenizer {
        try tokenizerFolder.map { try CLIPTokenizer(folder: $0) }
            ?? CLIPTokenizer(cleaning: .transformers, padding: .endToken)
    }
}
