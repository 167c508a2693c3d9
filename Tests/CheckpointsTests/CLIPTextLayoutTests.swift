import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

enum TextFixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/text").path

    static func open(_ name: String) throws -> TensorArchive { try .open("\(folder)/\(name).safetensors") }

    /// The tensors under a prefix as a file would hold them, under other names.
    static func renamed(
        _ archive: TensorArchive, _ prefix: String, _ rename: (String) -> String?
    ) throws -> TensorDictionary {
        try TensorDictionary(
            archive.names.filter { $0.hasPrefix(prefix) }.compactMap { name in
                try rename(String(name.dropFirst(prefix.count))).map { ($0, try archive.tensor(name)) }
            }, name: "model.safetensors")
    }

    static func error(_ a: Tensor, _ b: Tensor) throws -> Double {
        try #require(a.shape == b.shape, "\(a.shape) and \(b.shape)")
        return try ((a.to(.float64) - b.to(.float64)).norm() / b.to(.float64).norm()).item()
    }

    /// The configuration that transformers wrote.
    static func configuration(_ name: String) throws -> CLIPTextConfiguration {
        let text = try #require(try open("clip").metadata[name])
        let folder = try TemporaryFolder()
        let path = folder.path + "/config.json"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try withExtendedLifetime(folder) { try CLIPTextConfiguration(huggingFace: JSONObject(path: path)) }
    }
}

struct CLIPTextLayoutTests {
    @Test func configurationsAreRead() throws {
        let openAI = try TextFixtures.configuration("openai")
        #expect(
            openAI
                == CLIPTextConfiguration(
                    vocabulary: 64, width: 32, expandedWidth: 80, layers: 3, heads: 4, projection: 24))
        let plain = try TextFixtures.configuration("plain")
        #expect(plain.endToken == 60 && plain.activation == .gelu && plain.epsilon == 1e-6 && plain.projection == nil)
        // What is absent has CLIPTextConfig's defaults.
        let bare = try CLIPTextConfiguration(huggingFace: JSONObject(file: "config.json", members: [:]))
        #expect(
            bare
                == CLIPTextConfiguration(
                    width: 512, expandedWidth: 2048, layers: 12, heads: 8, activation: .quickGELU, endToken: 49_407))
        for (key, value) in [
            ("hidden_act", JSONValue.string("relu")), ("hidden_act", .number(1)), ("hidden_size", .number(-3)),
            ("hidden_size", .number(1e300)), ("num_attention_heads", .number(7)), ("num_hidden_layers", .number(0.5)),
            ("layer_norm_eps", .number(0)), ("use_attention_mask", .bool(true)), ("vocab_size", .null),
            ("eos_token_id", .array([])), ("text_config", .string("x")), ("architectures", .number(1)),
        ] where value != .null {
            let object = JSONObject(file: "config.json", members: [key: value])
            let error = #expect(throws: CheckpointError.self) { try CLIPTextConfiguration(huggingFace: object) }
            #expect(error?.file == "config.json")
        }
    }

    /// A `text_encoder` folder's file, the same in a single file of Stable Diffusion 1 or XL, each with or without
    /// `text_model.`.
    @Test(arguments: [
        ("", "", "text_model."), ("", "", ""), ("cond_stage_model.", "transformer.", "text_model."),
        ("cond_stage_model.", "transformer.", ""), ("conditioner.embedders.0.", "transformer.", "text_model."),
    ])
    func transformersLayout(prefix: String, root: String, inner: String) throws {
        let archive = try TextFixtures.open("clip")
        var file = try TextFixtures.renamed(archive, "openai.weights.") { name in
            let own = name.hasPrefix("text_model.") ? inner + name.dropFirst("text_model.".count) : name
            return prefix + root + own
        }
        file = TensorDictionary(
            try file.tensorNames.map { ($0, try file.tensor($0)) } + [
                (prefix + root + inner + "embeddings.position_ids", try Tensor.arange(77)),
                (prefix + root + "logit_scale", try Tensor(4.6)), ("first_stage_model.x", try Tensor(1)),
            ].filter { !prefix.isEmpty || $0.0 != "first_stage_model.x" }, name: "model.safetensors")
        let given = try TextFixtures.configuration("openai")
        let layout = try #require(try CLIPTextLayout(file, under: prefix, configuration: given))
        #expect(layout.kind == .transformers)
        let states = try layout.load()(archive.tensor("openai.input_ids"))
        #expect(try TextFixtures.error(states.last, archive.tensor("openai.last")) < 1e-5)
        let projected = try #require(states.projected)
        #expect(try TextFixtures.error(projected, archive.tensor("openai.projected")) < 1e-5)
        #expect(try CLIPTextLayout(file, under: "conditioner.embedders.1.") == nil)
    }

    /// Recognised without a configuration but for the heads, which are not 64 wide here.
    @Test func sizesAreRecognised() throws {
        let archive = try TextFixtures.open("clip")
        let file = try TextFixtures.renamed(archive, "openai.weights.") { $0 }
        var found = try #require(try CLIPTextLayout(file)).configuration
        #expect(found.heads == 1 && found.activation == .gelu)
        found.heads = 4
        found.activation = .quickGELU
        #expect(try found == TextFixtures.configuration("openai"))
    }

    static let openCLIP = [("conditioner.embedders.1.model.", "conditioner.embedders.1."), ("", "")]

    /// XL's second tower: all layers, the states before the last, and the projection.
    @Test(arguments: openCLIP)
    func openCLIPLayout(path: String, prefix: String) throws {
        let archive = try TextFixtures.open("openclip")
        let file = try TextFixtures.renamed(archive, "weights.") { path + $0 }
        let layout = try #require(try CLIPTextLayout(file, under: prefix))
        #expect(layout.kind == .openCLIP)
        #expect(
            layout.configuration
                == CLIPTextConfiguration(
                    vocabulary: 64, width: 64, layers: 3, heads: 1, activation: .gelu, projection: 48))
        for (dtype, bound) in [(DType.float32, 1e-5), (.bfloat16, 3e-2)] {
            let tower = try layout.load(dtype: dtype)
            let states = try tower(archive.tensor("tokens"))
            let projected = try #require(states.projected)
            for (name, output) in [
                ("penultimate", states.penultimate), ("last", states.last), ("projected", projected),
                ("penultimate_normalised", try tower.states(.last.skipping(1), of: states)),
            ] {
                let error = try TextFixtures.error(output, archive.tensor(name))
                print("OpenCLIP \(name) \(dtype.rawValue): \(error)")
                #expect(error < bound, "\(name)")
            }
        }
    }

    /// Stable Diffusion 2 uses the states before the last layer, normalised; the last is not loaded.
    @Test func stableDiffusion2DropsTheLastLayer() throws {
        let archive = try TextFixtures.open("openclip")
        let file = try TextFixtures.renamed(archive, "weights.") { "cond_stage_model.model." + $0 }
        let layout = try #require(try CLIPTextLayout(file, under: "cond_stage_model."))
        #expect(layout.configuration.layers == 2 && layout.configuration.projection == nil)
        let states = try layout.load()(archive.tensor("tokens"))
        #expect(try TextFixtures.error(states.last, archive.tensor("penultimate_normalised")) < 1e-5)
        // A configuration of 23 layers beside a file of 24 says the same.
        let bare = try TextFixtures.renamed(archive, "weights.") { $0 }
        let given = try #require(try CLIPTextLayout(bare, configuration: layout.configuration))
        #expect(try given.load()(archive.tensor("tokens")).last.floats() == states.last.floats())
    }

    /// Converted from diffusers: only the layers that are used, no projection, and a buffer of transformers'.
    @Test(arguments: [false, true]) func convertedStableDiffusion2IsWhole(isConfigured: Bool) throws {
        let archive = try TextFixtures.open("openclip")
        let path = "cond_stage_model.model."
        let kept = try TextFixtures.renamed(archive, "weights.") { name in
            let isLeftOut = name.hasPrefix("transformer.resblocks.2.") || ["text_projection", "logit_scale"].contains(name)
            return isLeftOut ? nil : path + name
        }
        var tensors = try kept.tensorNames.map { (name: $0, value: try kept.tensor($0)) }
        tensors.append((name: path + "transformer.text_model.embeddings.position_ids", value: try .arange(77)))
        let file = TensorDictionary(tensors, name: "model.safetensors")
        let used = CLIPTextConfiguration(vocabulary: 64, width: 64, layers: 2, heads: 1, activation: .gelu)
        let layout = try #require(
            try CLIPTextLayout(file, under: "cond_stage_model.", configuration: isConfigured ? used : nil))
        #expect(layout.configuration == used)
        let states = try layout.load()(archive.tensor("tokens"))
        #expect(try TextFixtures.error(states.last, archive.tensor("penultimate_normalised")) < 1e-5)
    }

    /// As large as strides of 0 make it.
    @Test func hugeTablesAreRefused() throws {
        let huge = 1 << 62
        let file = ShapeSource(shapes: [
            "token_embedding.weight": [1, huge], "positional_embedding": [77, huge],
            "transformer.resblocks.0.attn.in_proj_weight": [3, 1], "transformer.resblocks.0.ln_1.weight": [1],
            "transformer.resblocks.0.mlp.c_fc.weight": [1, 1],
        ])
        let error = try #require(throws: CheckpointError.self) { try CLIPTextLayout(file) }
        #expect(error.file == "shapes" && error.description.contains("width"), "\(error)")
    }

    @Test func everyMistakeIsNamedAsTheFileHasIt() throws {
        let archive = try TextFixtures.open("openclip")
        let path = "cond_stage_model.model."
        let file = try TextFixtures.renamed(archive, "weights.") { name in
            switch name {
            case "ln_final.bias": nil
            case "transformer.resblocks.0.attn.in_proj_bias": path + "transformer.resblocks.0.attn.in_proj_biased"
            default: path + name
            }
        }
        let layout = try #require(try CLIPTextLayout(file, under: "cond_stage_model."))
        let error = #expect(throws: WeightError.self) { try layout.load() }
        let text = error?.description ?? ""
        #expect(text.contains("missing \(path)ln_final.bias"), "\(text)")
        #expect(text.contains("missing \(path)transformer.resblocks.0.attn.in_proj_bias"), "\(text)")
        #expect(text.contains("unexpected \(path)transformer.resblocks.0.attn.in_proj_biased"), "\(text)")
        #expect(text.contains("model.safetensors"))
    }

    @Test func shapesThatContradictAreErrors() throws {
        let archive = try TextFixtures.open("openclip")
        for (name, shape) in [
            ("token_embedding.weight", [64]), ("token_embedding.weight", [0, 64]), ("positional_embedding", []),
            ("transformer.resblocks.0.mlp.c_fc.weight", [1, 2, 3]), ("transformer.resblocks.0.attn.in_proj_weight", [3]),
            ("text_projection", [64]), ("ln_final.weight", [63]), ("transformer.resblocks.1.attn.in_proj_bias", [5]),
        ] {
            let file = TensorDictionary(
                try archive.names.filter { $0.hasPrefix("weights.") }.map { key in
                    let own = String(key.dropFirst("weights.".count))
                    return (own, own == name ? try Tensor.zeros(shape) : try archive.tensor(key))
                }, name: "model.safetensors")
            do {
                _ = try CLIPTextLayout(file)?.load()
                Issue.record("\(name) \(shape) passes")
            } catch let error as WeightError {
                #expect(error.source == "model.safetensors" && error.description.contains(name), "\(error)")
            } catch let error as CheckpointError {
                #expect(error.file == "model.safetensors" && error.description.contains(name), "\(error)")
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}

struct BERTTextLayoutTests {
    @Test func singleFile() throws {
        let archive = try TextFixtures.open("bert")
        let file = try TextFixtures.renamed(archive, "weights.") { "cond_stage_model.transformer." + $0 }
        let layout = try #require(try BERTTextLayout(file, under: "cond_stage_model."))
        #expect(layout.configuration == BERTTextConfiguration(vocabulary: 64, width: 24, layers: 2))
        let output = try layout.load()(archive.tensor("tokens"))
        #expect(try TextFixtures.error(output, archive.tensor("output")) < 1e-5)
        #expect(try CLIPTextLayout(file, under: "cond_stage_model.") == nil)
    }

    @Test func diffusersFolder() throws {
        let archive = try TextFixtures.open("bert")
        let names = try JSONDecoder().decode(
            [String: String].self, from: Data(try #require(archive.metadata["diffusers"]).utf8))
        let file = TensorDictionary(
            try names.map { ($0, try archive.tensor("weights." + $1)) }, name: "pytorch_model.bin")
        let layout = try #require(try BERTTextLayout(file))
        #expect(layout.configuration == BERTTextConfiguration(vocabulary: 64, width: 24, layers: 2))
        let output = try layout.load()(archive.tensor("tokens"))
        #expect(try TextFixtures.error(output, archive.tensor("output")) < 1e-5)
    }

    /// The published model's keys and shapes, without its numbers.
    @Test func thePublishedSizeIsRecognised() throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
        var small = BERTTextConfiguration.published
        small.layers = 1
        small.vocabulary = 8
        _ = try BERTTextTransformer(Weights(store), configuration: small)
        let file = TensorDictionary(
            store.parameters.map { ("cond_stage_model.transformer." + $0.name, $0.value) }
                + [("cond_stage_model.transformer.to_logits.weight", try Tensor.zeros([8, 1280]))])
        let layout = try #require(try BERTTextLayout(file, under: "cond_stage_model."))
        #expect(layout.configuration == small)
        _ = try layout.load()
    }
}

struct NoisedCLIPFileTests {
    @Test func towersAreRecognised() throws {
        let archive = try TextFixtures.open("noised")
        let picture = try #require(try NoisedCLIPFile(TextFixtures.renamed(archive, "image.weights.") { $0 }))
        #expect(
            picture.configuration
                == NoisedCLIPTowerConfiguration(
                    input: .image(side: 16, patch: 4, timesteps: 10), width: 128, layers: 1, heads: 2, embedding: 24))
        let text = try #require(try NoisedCLIPFile(TextFixtures.renamed(archive, "text.weights.") { $0 }, heads: 2))
        #expect(picture.isImageTower && !text.isImageTower)
        let comparisons = try GoldenTowers.compare(picture.imageTower(), device: .cpu, with: archive)
            + GoldenTowers.compare(text.textTower(), device: .cpu, with: archive)
        #expect(comparisons.map(\.part) == ["clip.image_embedding", "clip.text_embedding"])
        #expect(comparisons.allSatisfy { $0.relativeL2 < 1e-5 }, "\(comparisons)")
        #expect(throws: (any Error).self) { try text.imageTower() }
        #expect(try NoisedCLIPFile(TextFixtures.renamed(archive, "clip.") { $0 }) == nil)
    }

    /// OpenAI's files have these keys and shapes; the counts are facts of the published configuration.
    @Test func thePublishedSizesAreRecognised() throws {
        for configuration in [NoisedCLIPTowerConfiguration.publishedImage, .publishedText] {
            var small = configuration
            small.layers = 1
            let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
            if case .image = configuration.input {
                _ = try NoisedCLIPImageTower(Weights(store), configuration: small)
            } else {
                _ = try NoisedCLIPTextTower(Weights(store), configuration: small)
            }
            let file = try #require(try NoisedCLIPFile(TensorDictionary(store.parameters)))
            #expect(file.configuration == small)
        }
    }

    @Test func shapesThatContradictAreErrors() throws {
        let archive = try TextFixtures.open("noised")
        for (name, shape) in [
            ("blocks.input.w_pos", [18, 128]), ("blocks.input.w_pos", [0]), ("blocks.input.patch_proj", [128, 3, 4, 0]),
            ("blocks.output.f.w", [24]), ("blocks.output.f.w", [24, 0]), ("blocks.input.w_t", [0, 128]),
            ("blocks.block_0.f_mlp.f_1.w", [2, 2]),
        ] {
            let file = TensorDictionary(
                try archive.names.filter { $0.hasPrefix("image.weights.") }.map { key in
                    let own = String(key.dropFirst("image.weights.".count))
                    return (own, own == name ? try Tensor.zeros(shape) : try archive.tensor(key))
                }, name: "clip_image_enc.pt")
            do {
                _ = try NoisedCLIPFile(file)?.imageTower()
                Issue.record("\(name) \(shape) passes")
            } catch let error as CheckpointError {
                #expect(error.file == "clip_image_enc.pt")
            } catch let error as WeightError {
                #expect(error.source == "clip_image_enc.pt")
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}
