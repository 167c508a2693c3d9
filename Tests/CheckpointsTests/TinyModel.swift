import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing
import Tokenizers

/// A model small enough to be written and loaded in a blink.
enum TinyModel {
    static func configuration() throws -> ModelConfiguration {
        let words = try GPT2Tokenizer().encode("a red house next to a lake in moonlight")
        let kept = Set(words).sorted()
        return ModelConfiguration(
            name: "tiny",
            network: GLIDEConfiguration(
                input: .text,
                unet: UNetConfiguration(
                    inputChannels: 3, outputChannels: 6, modelChannels: 8,
                    levels: [
                        .init(channels: 8, residualBlocks: 1, attention: false),
                        .init(channels: 16, residualBlocks: 1, attention: true),
                    ], headWidth: 8, text: .joint(width: 16), normGroups: 4),
                text: TextTransformerConfiguration(vocabulary: kept.count + 1, context: 6, width: 16, layers: 1, heads: 2)),
            diffusion: DiffusionConfiguration(), text: TextConfiguration(context: 6, kept: kept), imageSize: 8,
            sampling: SamplingDefaults(sampler: .ddim, steps: 4, guidanceScale: 2))
    }

    /// Random everywhere, also where training begins at zero.
    static func parameters(_ configuration: ModelConfiguration) throws -> [(name: String, value: Tensor)] {
        let generator = try RandomGenerator(seed: 11)
        let store = WeightStore(.initial(generator))
        _ = try GLIDE(Weights(store), configuration: configuration.network)
        return try store.parameters.map { ($0.name, try Tensor.randn($0.value.shape, generator: generator) * 0.3) }
    }
}

/// A folder for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "moonlit-checkpoints-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A safetensors file of `Tests/Fixtures/glide`.
func glide(_ name: String) throws -> TensorArchive {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try .open(tests.appending(path: "Fixtures/glide/\(name).safetensors").path)
}

/// The weights of one of the fixture's networks.
func glideWeights(_ variant: String) throws -> any TensorSource {
    PrefixedSource(JoinedSource([try glide(variant), try glide("trunk-1"), try glide("trunk-2")]), prefix: "weights.")
}

/// Names and shapes, without numbers.
struct ShapeSource: TensorSource {
    var shapes: [String: [Int]] = [:]

    var sourceName: String { "shapes" }
    var tensorNames: [String] { shapes.keys.sorted() }
    func shape(of name: String) -> [Int]? { shapes[name] }
    func tensor(_ name: String) throws -> Tensor { throw WeightError(source: sourceName, mistakes: [.missing(name, [])]) }

    init(shapes: [String: [Int]]) { self.shapes = shapes }

    /// All that a network asks for.
    init(of configuration: GLIDEConfiguration) throws {
        try self.init { _ = try GLIDE($0, configuration: configuration) }
    }

    init(of configuration: UNetConfiguration) throws { try self.init { _ = try UNet($0, configuration: configuration) } }

    init(asking build: (Weights) throws -> Void) throws {
        let store = WeightStore(.tensors(self))
        try build(Weights(store))
        let error = try #require(throws: WeightError.self) { try store.finish() }
        for case .missing(let name, let shape) in error.mistakes { shapes[name] = shape }
    }
}
