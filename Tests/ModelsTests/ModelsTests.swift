import Foundation
import Layers
import Models
import Tensors
import Testing

/// GLIDE's four networks, element by element against glide-text2im (see Tests/Fixtures/glide/README.md).
struct GLIDETests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/glide").path

    static func open(_ name: String) throws -> TensorArchive { try .open("\(folder)/\(name).safetensors") }

    /// The fixtures' small configuration.
    static func configuration(_ input: GLIDEInput) -> GLIDEConfiguration {
        GLIDEConfiguration(
            input: input,
            unet: UNetConfiguration(
                inputChannels: input.channels, outputChannels: 6, modelChannels: 32,
                levels: [
                    .init(channels: 32, residualBlocks: 1, attention: false),
                    .init(channels: 64, residualBlocks: 1, attention: true),
                ], headWidth: 16, text: .joint(width: 32)),
            text: TextTransformerConfiguration(vocabulary: 64, context: 8, width: 32, layers: 2, heads: 2))
    }

    static func weights(_ variant: String) throws -> any TensorSource {
        PrefixedSource(
            JoinedSource([try open(variant), try open("trunk-1"), try open("trunk-2")]), prefix: "weights.")
    }

    static func network(_ variant: String, _ input: GLIDEInput) throws -> GLIDE {
        let store = WeightStore(.tensors(try weights(variant)))
        let network = try GLIDE(Weights(store), configuration: configuration(input))
        try store.finish()
        return network
    }

    @Test(arguments: [
        ("base", GLIDEInput.text), ("upsample", .lowResolution), ("base_inpaint", .masked),
        ("upsample_inpaint", .maskedLowResolution),
    ])
    func agreesWithTheReference(variant: String, input: GLIDEInput) throws {
        let golden = try Self.open(variant)
        let network = try Self.network(variant, input)
        let output = try withoutGradients {
            let text = try network.text(tokens: golden.tensor("glide.tokens"), mask: golden.tensor("glide.mask"))
            #expect(try relativeError(text.states, golden.tensor("intermediate.text_states")) < 1e-5)
            var conditions = GLIDE.Conditions()
            if input.seesLowResolution { conditions.lowResolution = try golden.tensor("glide.low_res") }
            if input.seesMask {
                conditions.image = try golden.tensor("glide.inpaint_image")
                conditions.mask = try golden.tensor("glide.inpaint_mask")
            }
            return try network(
                golden.tensor("glide.x"), timesteps: golden.tensor("glide.timesteps"), text: text,
                conditions: conditions)
        }
        let error = try relativeError(output, golden.tensor("glide.output"))
        #expect(error < 1e-5, "relative L2 error \(error)")
    }

    @Test func namesEveryMisfitAtOnce() throws {
        let store = WeightStore(.tensors(try Self.weights("upsample")))
        var configuration = Self.configuration(.text)
        configuration.text.layers = 3
        _ = try GLIDE(Weights(store), configuration: configuration)
        let error = try #require(throws: WeightError.self) { try store.finish() }
        #expect(error.mistakes.contains(.misshaped("input_blocks.0.0.weight", expected: [32, 3, 3, 3], found: [32, 6, 3, 3])))
        #expect(error.mistakes.contains(.missing("transformer.resblocks.2.ln_1.weight", [32])))
        #expect(error.description.contains("transformer.resblocks.2.mlp.c_fc.weight"))
    }

    @Test(arguments: [
        (GLIDEConfiguration.base(), 385_030_726), (.upsampler(), 398_361_286), (.base(inpainting: true), 385_037_638),
        (.upsampler(inpainting: true), 398_368_198),
    ])
    func hasThePublishedNumberOfParameters(configuration: GLIDEConfiguration, count: Int) throws {
        let source = ShapeOnlySource()
        let store = WeightStore(.tensors(source))
        _ = try GLIDE(Weights(store), configuration: configuration)
        let error = try #require(throws: WeightError.self) { try store.finish() }
        let shapes = error.mistakes.compactMap { if case .missing(_, let shape) = $0 { shape } else { nil } }
        #expect(shapes.reduce(0) { $0 + $1.reduce(1, *) } == count)
    }
}

/// Has nothing: a store then lists every shape the network asks for.
struct ShapeOnlySource: TensorSource {
    var sourceName: String { "nothing" }
    var tensorNames: [String] { [] }
    func shape(of name: String) -> [Int]? { nil }
    func tensor(_ name: String) throws -> Tensor { throw WeightError(source: sourceName, mistakes: [.missing(name, [])]) }
}

func relativeError(_ a: Tensor, _ b: Tensor) throws -> Double {
    #expect(a.shape == b.shape)
    return try ((a.to(.float64) - b.to(.float64)).norm() / b.to(.float64).norm()).item()
}
