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

    static func network(_ variant: String, _ input: GLIDEInput, dtype: DType = .float32) throws -> GLIDE {
        let store = WeightStore(.tensors(try weights(variant)), dtype: dtype)
        let network = try GLIDE(Weights(store), configuration: configuration(input))
        try store.finish()
        return network
    }

    static let variants: [(String, GLIDEInput)] = [
        ("base", .text), ("upsample", .lowResolution), ("base_inpaint", .masked),
        ("upsample_inpaint", .maskedLowResolution),
    ]

    static func output(_ network: GLIDE, _ golden: TensorArchive) throws -> Tensor {
        try withoutGradients {
            let text = try network.text(tokens: golden.tensor("glide.tokens"), mask: golden.tensor("glide.mask"))
            var conditions = GLIDE.Conditions()
            if network.configuration.input.seesLowResolution {
                conditions.lowResolution = try golden.tensor("glide.low_res")
            }
            if network.configuration.input.seesMask {
                conditions.image = try golden.tensor("glide.inpaint_image")
                conditions.mask = try golden.tensor("glide.inpaint_mask")
            }
            return try network(
                golden.tensor("glide.x"), timesteps: golden.tensor("glide.timesteps"), text: text,
                conditions: conditions)
        }
    }

    @Test(arguments: variants)
    func agreesWithTheReference(variant: String, input: GLIDEInput) throws {
        let golden = try Self.open(variant)
        let error = try relativeError(
            Self.output(Self.network(variant, input), golden), golden.tensor("glide.output"))
        #expect(error < 1e-5, "relative L2 error \(error)")
    }

    /// Norms and the last layer in float32, all else in bfloat16, which has eight bits.
    @Test(arguments: variants)
    func bfloat16IsNear(variant: String, input: GLIDEInput) throws {
        let golden = try Self.open(variant)
        let output = try Self.output(Self.network(variant, input, dtype: .bfloat16), golden)
        #expect(output.dtype == .float32)
        let error = try relativeError(output, golden.tensor("glide.output"))
        #expect(error < 3e-2 && error > 1e-5, "relative L2 error \(error)")
        // What the last convolution gives is not rounded to those eight bits.
        let rounded = try output.to(.bfloat16).to(.float32)
        #expect(try (output - rounded).abs().max().item() > 0)
    }

    /// As glide-text2im keeps them when it is in half precision; `CrossAttentionTests` has the other lineage.
    @Test func theLastLayersWeightsStayInFloat32() throws {
        let store = WeightStore(.tensors(try Self.weights("base")), dtype: .bfloat16)
        _ = try GLIDE(Weights(store), configuration: Self.configuration(.text))
        try store.finish()
        let types = Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0.value.dtype) })
        #expect(types["out.2.weight"] == .float32 && types["out.2.bias"] == .float32)
        #expect(types["input_blocks.0.0.weight"] == .bfloat16 && types["time_embed.0.weight"] == .bfloat16)
    }

    /// The values between the parts, so that a wrong part is known by its name.
    @Test func intermediatesAgree() throws {
        let golden = try Self.open("base")
        let network = try Self.network("base", .text)
        let unet = network.unet
        try withoutGradients {
            var found: [(String, Tensor)] = []
            let text = try network.text(tokens: golden.tensor("glide.tokens"), mask: golden.tensor("glide.mask"))
            found += [("text_states", text.states), ("text_projection", text.embedding)]
            let time = try unet.timeOut(
                unet.timeIn(timestepEmbedding(golden.tensor("glide.timesteps"), width: 32)).silu())
            found.append(("time_embed", time))

            let emb = try (time + text.embedding).silu()
            let context = UNetContext(text: text.states)
            var h = try golden.tensor("glide.x")
            var kept: [Tensor] = []
            for block in unet.inputBlocks {
                for part in block { h = try part(h, emb, context) }
                kept.append(h)
            }
            found += [("input_block_0", kept[0]), ("input_block_last", h)]
            for part in unet.middleBlock { h = try part(h, emb, context) }
            found.append(("middle_block", h))
            for block in unet.outputBlocks {
                h = try .concatenate([h, kept.removeLast()], dim: 1)
                for part in block { h = try part(h, emb, context) }
            }
            found.append(("output_block_last", h))
            for (name, value) in found {
                let error = try relativeError(value, golden.tensor("intermediate." + name))
                #expect(error < 1e-5, "\(name): relative L2 error \(error)")
            }
        }
    }

    @Test func namesEveryMisfitAtOnce() throws {
        let store = WeightStore(.tensors(try Self.weights("upsample")))
        var configuration = Self.configuration(.text)
        configuration.text.layers = 3
        _ = try GLIDE(Weights(store), configuration: configuration)
        let error = try #require(throws: WeightError.self) { try store.finish() }
        // By the names the file has for them.
        #expect(
            error.mistakes.contains(
                .misshaped("weights.input_blocks.0.0.weight", expected: [32, 3, 3, 3], found: [32, 6, 3, 3])))
        #expect(error.mistakes.contains(.missing("weights.transformer.resblocks.2.ln_1.weight", [32])))
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
