import Checkpoints
import Layers
import Models
import Tensors
import Tokenizers

extension Folder {
    /// A CLIP of drawn weights that knows these words.
    func writeCLIP(_ name: String, words: String, seed: UInt64) throws {
        let kept = Set(try CLIPTokenizer().encode(words)).sorted()
        let configuration = CLIPConfiguration(
            name: "small",
            network: ContrastiveConfiguration(
                side: 16, picture: .convolutional(widths: [16, 24], blocks: 1, layers: 0, heads: 2),
                text: TextTransformerConfiguration(
                    vocabulary: kept.count + 1, context: 24, width: 16, layers: 1, heads: 2), embedding: 12),
            text: TextConfiguration(vocabulary: .clip, context: 24, kept: kept))
        let store = WeightStore(.initial(try RandomGenerator(seed: seed)))
        _ = try ContrastiveModel(Weights(store), configuration: configuration.network)
        try CLIPFile.write(
            store.parameters.map { ($0.name, $0.value) }, configuration: configuration, to: path(name))
    }
}
