internal import Checkpoints
internal import Layers
internal import Models
internal import Tensors
internal import Tokenizers

/// A latent model that another run begins with.
///
/// The run's words may be others: rows of the token table are taken for those that the model knows, and drawn for the rest.
/// It may see a hole where the model saw none: weights for what it sees begin at zero (Nichol et al. 2022, §4.1). And its
/// U-Net may have more than the model's: `GrownUNet`.
struct LatentBeginning {
    /// Of each token of CLIP's whole vocabulary that its text tower knows, the row; empty where the tower is not taken.
    let known: [Int: Int]
    private let file: LatentFile

    /// - Parameter takesText: whether the text tower is to be trained on, too.
    init(_ path: String, takesText: Bool) throws {
        guard case .latents(let file) = try PublishedModel(path) else { throw Self.mismatch(path) }
        self.file = file
        known = takesText ? try file.knownTokens(0) : [:]
    }

    /// The weights of a model of the same shape, or of one grown from it, by an objective's names.
    ///
    /// - Parameter text: the run's.
    func weights(of model: LatentConfiguration, text: LatentText, seed: UInt64) throws -> any TensorSource {
        let (own, wanted) = (file.configuration.unet.inputChannels, model.unet.inputChannels)
        let isWidened = own != wanted && !file.configuration.sees.seesMask && model.sees.seesMask
        var unet = file.configuration.unet
        if isWidened { unet.inputChannels = wanted }
        unet.dropout = model.unet.dropout
        let growth = GrownUNet(from: unet, to: model.unet)
        guard unet == model.unet || growth != nil else { throw Self.mismatch(file.path) }
        var weights = try tensors(of: .unet).map { name, value in
            guard isWidened, name == "input_blocks.0.0.weight" else { return (name: name, value: value) }
            let nothing = try Tensor.zeros([value.shape[0], wanted - own] + value.shape.dropFirst(2), dtype: value.dtype)
            return (name: name, value: try .concatenate([value, nothing], dim: 1))
        }
        if let growth { weights = try growth.grown(weights, seed: seed) }
        var tensors = weights.map { (name: "unet." + $0.name, value: $0.value) }
        if text.frozen == nil {
            guard file.configuration.towers.count == 1, case .clip(var tower) = file.configuration.towers[0].network else {
                throw Self.mismatch(file.path)
            }
            (tower.vocabulary, tower.endToken) = (text.network.vocabulary, text.network.endToken)
            guard tower == text.network else { throw Self.mismatch(file.path) }
            tensors += try self.tensors(of: .textEncoder).map { name, value in
                let isTable = name.hasSuffix("token_embedding.weight")
                return ("text_encoder." + name, isTable ? try table(value, for: text, seed: seed) : value)
            }
        }
        return TensorDictionary(tensors, name: file.path)
    }

    private func tensors(of part: LatentFile.Part) throws -> [(name: String, value: Tensor)] {
        let source = try file.source(part)
        return try source.tensorNames.map { (name: $0, value: try source.tensor($0)) }
    }

    /// The model's token table [rows, width] → [the run's vocabulary, width].
    private func table(_ old: Tensor, for text: LatentText, seed: UInt64) throws -> Tensor {
        let (count, width) = (text.network.vocabulary, text.network.width)
        let drawn = try Tensor.randn([count, width], generator: RandomGenerator(seed: seed)) * CLIPTextTower.tokenDeviation
        var rows = (0..<count).map { old.shape[0] + $0 }
        for (number, row) in text.numbers { rows[row] = known[number] ?? rows[row] }
        return try Tensor.concatenate([old.to(.float32), drawn], dim: 0).indexSelect(0, Tensor(rows, shape: [count]))
    }

    private static func mismatch(_ path: String) -> TrainingError {
        .configuration(
            key: "network",
            problem: "\(path), to begin with, is no latent model of this shape, nor one that lacks residual blocks, attention "
                + "or a hole of it")
    }
}
