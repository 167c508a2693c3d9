package import Checkpoints
package import Layers
package import Models
package import Tensors
package import Tokenizers

/// How a latent run's captions are read: by a tower that is trained, or by one that is taken as it is.
package struct LatentText {
    package let configuration: TextTowerConfiguration
    package let tokenizer: CLIPTokenizer
    /// What is written beside the tower.
    package let files: DiffusersWriter.TokenizerFiles
    /// A tower that is not trained, with its weights.
    package let frozen: (tower: CLIPTextTower, source: any TensorSource)?

    package let network: CLIPTextConfiguration
    /// Of each token of CLIP's whole vocabulary that a trained tower knows, its number.
    let numbers: [Int: Int]

    /// A tower to be trained.
    ///
    /// - Parameter kept: numbers of CLIP's vocabulary that it knows; nil for all.
    package init(_ shape: TrainingConfiguration, kept: [Int]?) throws {
        let vocabulary = try CLIPVocabularyFiles(keeping: kept)
        network = shape.latentTower(vocabulary: vocabulary.tokens.count)
        tokenizer = try CLIPTokenizer(vocabulary, context: network.context)
        configuration = TextTowerConfiguration(network: .clip(network), padding: vocabulary.endToken)
        files = .vocabulary(vocabulary)
        numbers = vocabulary.numbers
        frozen = nil
    }

    /// A published tower.
    ///
    /// - Parameter name: a folder's path, or an embedded model's name.
    package init(frozen name: String, device: Device) throws {
        let key = "latent.frozenText"
        let folder = try TextTowerFolder(name, key: key)
        guard case .clip(let network) = folder.configuration.network else {
            throw TrainingError.configuration(key: key, problem: "\(name) has no text tower of CLIP's")
        }
        self.network = network
        configuration = folder.configuration
        tokenizer = try folder.tokenizer()
        numbers = [:]
        files = try folder.tokenizerFolder.map { .folder($0) } ?? .vocabulary(CLIPVocabularyFiles(keeping: [Int]?.none))
        frozen = (try folder.load(device: device), folder.source)
    }

    /// Token numbers of captions as the pipelines read them, [N, context].
    package func tokens(_ captions: [String]) throws -> Tensor {
        let rows = captions.flatMap { tokenizer.padded($0, length: network.context, padding: configuration.padding).ids }
        return try Tensor(rows, shape: [captions.count, network.context])
    }
}
