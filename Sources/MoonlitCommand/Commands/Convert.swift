import ArgumentParser
import Checkpoints
import Moonlit
import Tensors

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a model as one safetensors file with its configuration, in another type if asked.",
        discussion: """
            Example:
              moonlit convert runs/emoji/model.safetensors -o emoji.safetensors --dtype bfloat16
            """)

    @Argument(help: "An embedded model's name, or a file: .safetensors or .pt; a CLIP's too.")
    var model: String

    @Option(name: .shortAndLong, help: "The file to write.")
    var output: OutputPath

    @Option(help: "Of the weights: float32, bfloat16 or float16; as they are unless given.")
    var dtype: Weights?

    enum Weights: String, ExpressibleByArgument, CaseIterable { case float32, bfloat16, float16 }

    func run() throws {
        try output.checkWritable()
        let path = try ModelSource(model).path()
        let dtype = dtype.flatMap { DType(rawValue: $0.rawValue) }
        // Every mistake in the file is found before anything is written.
        if let clip = try CLIPFile(recognising: path) {
            _ = try clip.load()
            try CLIPFile.write(
                clip.archive.tensors(), configuration: clip.configuration, dtype: dtype, to: output.path)
        } else {
            let file = try ModelFile(path)
            _ = try file.load()
            try ModelFile.write(
                file.archive.tensors(), configuration: file.configuration, dtype: dtype, to: output.path)
        }
        try Console.print(output.path)
    }
}
