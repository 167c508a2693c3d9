import ArgumentParser
import Checkpoints
import Foundation
import Moonlit
import Tensors

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a latent model in another published form.",
        discussion: """
            Example:
              moonlit export sd_xl_base_1.0.safetensors --format diffusers -o sdxl

            The folder is what diffusers' pipelines of the model's kind load.
            """)

    @Argument(help: "A latent model's folder or file: .safetensors or .ckpt.")
    var model: String

    @Option(help: "diffusers: a folder with model_index.json.")
    var format: Format

    @Option(name: .shortAndLong, help: "The folder to write; it must not be there yet.")
    var output: String

    @Option(help: "Of the weights: float32, bfloat16 or float16; as they are unless given.")
    var dtype: Convert.Weights?

    enum Format: String, ExpressibleByArgument, CaseIterable { case diffusers }

    func run() throws {
        guard !FileManager.default.fileExists(atPath: output) else {
            throw ValidationError("\(output) is there already; name a new folder.")
        }
        let path = try ModelSource(model).path()
        guard case .latents(let file) = try PublishedModel(path) else {
            throw CheckpointError(path, "draws pixels", expected: "a latent model: diffusers has no pipeline of this kind")
        }
        try file.export(to: output, dtype: dtype.flatMap { DType(rawValue: $0.rawValue) })
        try Console.print(output)
    }
}
