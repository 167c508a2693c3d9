public import ArgumentParser
public import Checkpoints
internal import Diffusion
import Moonlit

extension TilingChoice: ExpressibleByArgument {}

/// How a model is changed when it is loaded, and how its parts are used.
struct NetworkOptions: ParsableArguments {
    @Option(help: "Merge a LoRA into the weights: FILE or FILE:SCALE. May be given again.")
    var lora: [LoRAArgument] = []

    @Option(
        help: """
            Teach the text towers a word from a textual inversion: FILE, by the words in it and its own name, or WORD=FILE. \
            May be given again.
            """)
    var embedding: [EmbeddingArgument] = []

    @Option(help: "Let the autoencoder work in tiles: auto does where memory is short.")
    var vaeTiling = TilingChoice.auto

    @Option(help: "Which of the text tower's last layers is read: 1 as trained, 2 the one before.")
    var clipSkip = 1

    @Option(help: "What the network predicts, where its files are wrong: epsilon, v or sample.")
    var prediction: PredictionArgument?

    enum PredictionArgument: String, ExpressibleByArgument, CaseIterable {
        case epsilon, v, sample

        var prediction: Prediction {
            switch self {
            case .epsilon: .noise
            case .v: .velocity
            case .sample: .sample
            }
        }
    }

    struct LoRAArgument: ExpressibleByArgument {
        let choice: LoRAChoice

        init?(argument: String) {
            // A colon may belong to the path: what stands behind the last one is a scale only if it is a number.
            if let colon = argument.lastIndex(of: ":"), let scale = Double(argument[argument.index(after: colon)...]),
                scale.isFinite, colon != argument.startIndex
            {
                choice = LoRAChoice(path: String(argument[..<colon]), scale: scale)
            } else if !argument.isEmpty {
                choice = LoRAChoice(path: argument)
            } else {
                return nil
            }
        }
    }

    struct EmbeddingArgument: ExpressibleByArgument {
        let embedding: LatentModel.Additions.Embedding

        init?(argument: String) {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let last = parts.last, !last.isEmpty, parts[0] != "" else { return nil }
            embedding = .init(path: last, word: parts.count == 2 ? parts[0] : nil)
        }
    }

    func validate() throws {
        guard (1...64).contains(clipSkip) else {
            throw ValidationError("--clip-skip is \(clipSkip); expected 1 to 64.")
        }
    }

    func apply(to options: inout TextToImage.Options) {
        options.additions = LatentModel.Additions(loras: lora.map(\.choice), embeddings: embedding.map(\.embedding))
        options.prediction = prediction?.prediction
    }

    func apply(to request: inout GenerationRequest) {
        request.clipSkip = clipSkip
        request.tiling = vaeTiling
    }
}
