import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Moonlit
import Tensors
import Testing
import Tokenizers

/// A file of a random model, removed with it.
final class TinyModel: Sendable {
    let folder: String
    var path: String { folder + "/tiny.safetensors" }

    static func configuration(_ input: GLIDEInput = .text, upscaling: Int? = nil) throws -> ModelConfiguration {
        let kept = try Set(GPT2Tokenizer().encode("a red house next to a lake in moonlight")).sorted()
        return ModelConfiguration(
            name: "tiny",
            network: GLIDEConfiguration(
                input: input,
                unet: UNetConfiguration(
                    inputChannels: input.channels, outputChannels: 6, modelChannels: 8,
                    levels: [
                        .init(channels: 8, residualBlocks: 1, attention: false),
                        .init(channels: 16, residualBlocks: 1, attention: true),
                    ], headWidth: 8, text: .joint(width: 16), normGroups: 4),
                text: TextTransformerConfiguration(vocabulary: kept.count + 1, context: 6, width: 16, layers: 1, heads: 2)),
            diffusion: DiffusionConfiguration(), text: TextConfiguration(context: 6, kept: kept), imageSize: 8,
            sampling: SamplingDefaults(sampler: .ddpm, steps: 4, guidanceScale: 2), upscaling: upscaling)
    }

    init(_ input: GLIDEInput = .text, upscaling: Int? = nil) throws {
        folder = NSTemporaryDirectory() + "moonlit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let configuration = try Self.configuration(input, upscaling: upscaling)
        let generator = try RandomGenerator(seed: 11)
        let store = WeightStore(.initial(generator))
        _ = try GLIDE(Weights(store), configuration: configuration.network)
        // Random everywhere, also where training begins at zero.
        let parameters = try store.parameters.map {
            ($0.name, try Tensor.randn($0.value.shape, generator: generator) * 0.3)
        }
        try ModelFile.write(parameters, configuration: configuration, to: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func load(_ options: TextToImage.Options = .init(threads: 1)) async throws -> TextToImage {
        try await .load(.file(path), options: options)
    }
}
