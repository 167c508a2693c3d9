import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// A golden file of `Tests/Fixtures/autoencoder`, from diffusers: its configuration as diffusers writes it, its weights
/// under diffusers' names.
struct DiffusersFixture {
    let file: TensorArchive
    let json: String

    init(_ name: String) throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = try .open(tests.appending(path: "Fixtures/autoencoder/\(name).safetensors").path)
        json = try #require(file.metadata["config"])
    }

    var weights: PrefixedSource { PrefixedSource(file, prefix: "weights.") }

    func configuration() throws -> AutoencoderConfiguration { try parsed(json) }

    func network(
        dtype: DType = .float32, onlyDraws: Bool = false, _ change: (any TensorSource) -> any TensorSource = { $0 }
    ) throws -> Autoencoder {
        let configuration = try configuration()
        let source = AutoencoderNames.source(change(weights), configuration: configuration)
        let store = WeightStore(.tensors(source), dtype: dtype, onlyDraws: onlyDraws)
        let network = try Autoencoder(Weights(store), configuration: configuration)
        try store.finish()
        return network
    }

    func error(_ found: Tensor?, _ name: String) throws -> Double {
        let (a, b) = (try #require(found).to(.float64), try file.tensor(name).to(.float64))
        try #require(a.shape == b.shape, "\(name): \(a.shape) and \(b.shape)")
        return try ((a - b).norm() / b.norm()).item()
    }
}

/// A configuration from text, by way of a file.
func parsed(_ json: String) throws -> AutoencoderConfiguration {
    let folder = try TemporaryFolder()
    let path = folder.path + "/config.json"
    try Data(json.utf8).write(to: URL(filePath: path))
    return try AutoencoderConfiguration(diffusers: JSONObject(path: path))
}

/// Element by element against diffusers' `AutoencoderKL` and `VQModel`, loaded from their names and configurations.
struct AutoencoderFileTests {
    static let types: [(DType, Double)] = [(.float32, 1e-5), (.bfloat16, 3e-2)]

    @Test(arguments: ["kl", "kl-bare"], types)
    func theGaussianOnesAgree(name: String, type: (dtype: DType, tolerance: Double)) throws {
        let golden = try DiffusersFixture(name)
        let network = try golden.network(dtype: type.dtype)
        func check(_ found: Tensor?, _ key: String) throws {
            let error = try golden.error(found, key)
            #expect(error < type.tolerance, "\(name): \(key) in \(type.dtype), relative L2 error \(error)")
        }
        try withoutGradients {
            let posterior = try network.encode(golden.file.tensor("image"))
            try check(posterior.mean, "mean")
            try check(posterior.logVariance, "log_variance")
            try check(posterior.sample(try RandomGenerator(seed: 7)), "sample")
            try check(posterior.divergence(), "divergence")
            try check(network.encode(golden.file.tensor("odd_image")).mode, "odd_mean")
            try check(network.decode(golden.file.tensor("latents")), "decoded")
            // As `enable_tiling` does.
            try check(network.decodeTiled(golden.file.tensor("large_latents")), "tiled_decoded")
            try check(network.decodeTiled(golden.file.tensor("long_latents")), "long_decoded")
            let tiled = try network.encodeTiled(golden.file.tensor("large_image"))
            try check(tiled.mean, "tiled_mean")
            try check(tiled.logVariance, "tiled_log_variance")
        }
    }

    @Test(arguments: types)
    func theVectorQuantisedOneAgrees(dtype: DType, tolerance: Double) throws {
        let golden = try DiffusersFixture("vq")
        let network = try golden.network(dtype: dtype)
        let codebook = try #require(network.codebook)
        func check(_ found: Tensor?, _ key: String) throws {
            let error = try golden.error(found, key)
            #expect(error < tolerance, "\(key) in \(dtype), relative L2 error \(error)")
        }
        try withoutGradients {
            let encoded = try network.encode(golden.file.tensor("image"))
            try check(encoded.mode, "encoded")
            if dtype == .float32 {
                #expect(try codebook.nearest(encoded.mode).ints() == golden.file.tensor("encoded_codes").ints())
                try check(codebook.quantise(encoded.mode), "encoded_quantised")
            }
            let latents = try golden.file.tensor("latents")
            let codes = try golden.file.tensor("latents_codes")
            #expect(try codebook.nearest(latents).ints() == codes.ints())
            try check(codebook.quantise(latents), "latents_quantised")
            try check(network.decode(latents), "decoded")
            try check(network.decode(codes: codes), "decoded")
        }
    }

    /// The same weights in the names of older files, and as 1×1 convolutions: the same network, bit for bit.
    @Test func olderNamesOfAttention() throws {
        for name in ["kl", "vq"] {
            let golden = try DiffusersFixture(name)
            let (latents, network) = (try golden.file.tensor("latents"), try golden.network())
            let expected = try withoutGradients { try network.decode(latents) }
            var old: [(String, Tensor)] = []
            var convolutions: [(String, Tensor)] = []
            for key in golden.weights.tensorNames {
                let tensor = try golden.weights.tensor(key)
                var renamed = key
                for (new, deprecated) in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")] {
                    renamed = renamed.replacingOccurrences(of: ".\(new).", with: ".\(deprecated).")
                }
                old.append((renamed, tensor))
                let isMatrix = renamed != key && tensor.rank == 2
                convolutions.append((key, isMatrix ? try tensor.unsqueeze(-1).unsqueeze(-1) : tensor))
            }
            #expect(old.contains { $0.0 == "encoder.mid_block.attentions.0.proj_attn.weight" })
            for tensors in [old, convolutions] {
                let again = try golden.network { _ in TensorDictionary(tensors.map { (name: $0.0, value: $0.1) }) }
                let found = try withoutGradients { try again.decode(latents) }
                #expect(try (found - expected).abs().max().item() == 0)
            }
        }
    }

    /// Every parameter has one name there, and nothing is left over.
    @Test func everyNameIsMapped() throws {
        for published in PublishedAutoencoder.allCases {
            let configuration = published.configuration
            let ours = Set(try ShapeSource(of: configuration).tensorNames)
            for attention in AutoencoderNames.Attention.allCases {
                let names = AutoencoderNames.diffusers(configuration, attention: attention)
                #expect(Set(names.keys) == ours, "\(published)")
                #expect(Set(names.values.map(\.name)).count == ours.count, "\(published)")
            }
        }
    }

    @Test func misfitsAreNamedAsTheFileNamesThem() throws {
        let golden = try DiffusersFixture("kl")
        var tensors = try golden.weights.tensorNames.map { (name: $0, value: try golden.weights.tensor($0)) }
        func index(_ name: String) throws -> Int { try #require(tensors.firstIndex { $0.name == name }) }
        tensors[try index("encoder.conv_in.weight")].value = try .zeros([8, 4, 3, 3])
        tensors[try index("decoder.mid_block.attentions.0.to_k.weight")].value = try .zeros([24, 23])
        tensors[try index("decoder.up_blocks.3.resnets.2.norm1.bias")].name = "decoder.up_blocks.3.resnets.7.norm1.bias"
        let source = TensorDictionary(tensors)
        let error = try #require(throws: WeightError.self) { try golden.network { _ in source } }
        #expect(
            Set(error.description.split(separator: "\n").dropFirst().map(String.init)) == [
                "  encoder.conv_in.weight is [8, 4, 3, 3], expected [8, 3, 3, 3]",
                "  decoder.mid_block.attentions.0.to_k.weight is [24, 23], expected [24, 24, 1, 1]",
                "  missing decoder.up_blocks.3.resnets.2.norm1.bias [8]",
                "  unexpected decoder.up_blocks.3.resnets.7.norm1.bias",
            ])
    }

    // MARK: Recognition

    @Test func latentDiffusionsLayoutIsRecognised() throws {
        for published in PublishedAutoencoder.allCases {
            var expected = published.configuration
            let isXL = published == .stableDiffusionXL
            let found = try #require(
                try AutoencoderLayout.recognise(
                    ShapeSource(of: expected), lineage: isXL ? .stableDiffusionXL : .stableDiffusion))
            if expected.kind == .kl, !isXL { (expected.scalingFactor, expected.sampleSize) = (0.18215, 512) }
            #expect(found == expected, "\(published)")
        }
        let isKL = try #require(try AutoencoderLayout.recognise(ShapeSource(of: PublishedAutoencoder.klF8.configuration)))
        #expect(isKL == PublishedAutoencoder.klF8.configuration)
    }

    /// In a whole model's file, with what else stands there; small, with attention and widths of its own.
    @Test func recognisedInsideAModelsFile() throws {
        let small = AutoencoderConfiguration(
            kind: .kl, inputChannels: 4, outputChannels: 5, latentChannels: 6, zChannels: 3, channels: 8,
            levels: [.init(channels: 16), .init(channels: 8, attention: true)], residualBlocks: 3,
            middleAttention: false, normGroups: 4, scalingFactor: 0.18215, sampleSize: 512)
        var bare = small
        (bare.quantConvolution, bare.postQuantConvolution, bare.zChannels) = (false, false, 6)
        for expected in [small, bare] {
            var file = ShapeSource(shapes: ["model.diffusion_model.out.2.weight": [4, 8, 3, 3]])
            for (name, shape) in try ShapeSource(of: expected).shapes { file.shapes["first_stage_model." + name] = shape }
            file.shapes["first_stage_model.loss.logvar"] = []
            #expect(try AutoencoderLayout.recognise(file) == nil)
            let part = SourcePart(file, prefix: "first_stage_model.", ignoring: AutoencoderNames.isOfTraining)
            #expect(try AutoencoderLayout.recognise(part, normGroups: 4) == expected)
            #expect(Set(part.tensorNames) == Set(try ShapeSource(of: expected).tensorNames))
        }
    }

    @Test func contradictionsAreNamed() throws {
        let whole = try ShapeSource(of: PublishedAutoencoder.vqF4.configuration)
        for (name, shape, words) in [
            ("quantize.embedding.weight", [8192], "codes of two dimensions"),
            ("quantize.embedding.weight", [1 << 40, 3], "codes"),
            ("post_quant_conv.weight", [3], "four dimensions"),
            ("encoder.down.1.block.0.conv1.weight", [], "channels"),
            ("encoder.down.1.block.0.conv1.weight", [250, 128, 3, 3], "250 channels do not divide"),
            ("encoder.conv_in.weight", [128, -3, 3, 3], "inputChannels"),
        ] {
            var source = whole
            source.shapes[name] = shape
            let error = #expect(throws: CheckpointError.self, "\(name)") { try AutoencoderLayout.recognise(source) }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
        }
        for missing in ["encoder.conv_in.weight", "decoder.conv_out.weight", "decoder.mid.block_1.conv1.weight"] {
            var source = whole
            source.shapes[missing] = nil
            #expect(try AutoencoderLayout.recognise(source) == nil)
        }
        var levels = whole
        for index in 3..<40 { levels.shapes["encoder.down.\(index).block.0.conv1.weight"] = [512, 512, 3, 3] }
        #expect(throws: CheckpointError.self) { try AutoencoderLayout.recognise(levels) }
    }
}

extension ShapeSource {
    init(of configuration: AutoencoderConfiguration) throws {
        try self.init { _ = try Autoencoder($0, configuration: configuration) }
    }
}
