import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Small random models in every published layout against diffusers and transformers (Fixtures/pipelines).
struct PublishedModelTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pipelines").path

    @Test(arguments: ["sd1", "sd2", "xl"], [DType.float32, .bfloat16])
    func partsAgree(name: String, dtype: DType) throws {
        let run = try GoldenRun(
            "\(Self.folder)/\(name).parts.safetensors", model: "\(Self.folder)/\(name)", dtype: dtype)
        #expect(run.parts.contains(.unet) && run.parts.contains(.decoder) && run.parts.contains(.encoder))
        #expect(run.parts.contains(.textEncoder2) == (name == "xl"))
        for comparison in try run.parts.flatMap({ try run.verify($0) }) {
            #expect(comparison.relativeL2 < (dtype == .float32 ? 1e-5 : 3e-2), "\(comparison)")
        }
    }

    @Test(arguments: ["sd1/single.ckpt", "sd2/single.safetensors", "xl/single.safetensors"])
    func singleFilesAreTheSame(file: String) throws {
        let name = String(file.prefix { $0 != "/" })
        let golden = "\(Self.folder)/\(name).parts.safetensors"
        let single = try GoldenRun(golden, model: "\(Self.folder)/\(file)")
        let folder = try GoldenRun(golden, model: "\(Self.folder)/\(name)")
        #expect(single.parts == folder.parts)
        for part in single.parts {
            for (one, other) in zip(try single.verify(part), try folder.verify(part)) {
                #expect(one.relativeL2 < 1e-5 && abs(one.relativeL2 - other.relativeL2) < 1e-6, "\(one) \(other)")
            }
        }
    }

    @Test func configurationsAreRead() throws {
        func configuration(_ path: String) throws -> LatentConfiguration {
            guard case .latents(let file) = try PublishedModel("\(Self.folder)/\(path)") else {
                throw ConfigurationError("\(path) draws pixels")
            }
            try file.check()
            return file.configuration
        }
        let first = try configuration("sd1")
        #expect(first.family == .stableDiffusion1 && first.sampling.sampler == .pndm && first.towers[0].padding == 523)
        #expect(first.diffusion.prediction == .noise && first.imageSize == 16 && first.latentFactor == 2)
        let second = try configuration("sd2")
        #expect(second.family == .stableDiffusion2 && second.diffusion.prediction == .velocity)
        #expect(second.towers[0].padding == 0)
        let xl = try configuration("xl")
        #expect(xl.family == .stableDiffusionXL && xl.towers.count == 2 && xl.zeroesEmptyPrompt && xl.sizeCount == 6)
        for (folder, file) in [("sd1", "single.ckpt"), ("sd2", "single.safetensors"), ("xl", "single.safetensors")] {
            var single = try configuration("\(folder)/\(file)")
            single.name = folder
            #expect(try single == configuration(folder))
        }
    }

    /// A small model in the form of latent diffusion's 1.4-billion `model.ckpt`, told by keys and shapes alone.
    @Test func latentDiffusionIsRecognised() throws {
        let generator = try RandomGenerator(seed: 2)
        let unet = UNetConfiguration(
            inputChannels: 4, outputChannels: 4, modelChannels: 64,
            levels: [
                .init(channels: 64, residualBlocks: 1, attention: true),
                .init(channels: 128, residualBlocks: 1, attention: true),
            ], residualResampling: false, scaleShiftNorm: false, text: .cross(width: 64, linearProjections: false))
        let autoencoder = AutoencoderConfiguration(
            kind: .kl, latentChannels: 4, levels: [.init(channels: 32), .init(channels: 32)], residualBlocks: 1,
            scalingFactor: 0.18215)
        let text = BERTTextConfiguration(width: 64, layers: 2)
        var tensors: [(name: String, value: Tensor)] = [
            ("betas", try .zeros([1000])), ("model_ema.decay", try .zeros([1])), ("scale_factor", try Tensor([0.25], shape: [])),
        ]
        func add(_ prefix: String, _ build: (Weights) throws -> Void) throws {
            let store = WeightStore(.initial(generator))
            try build(Weights(store))
            tensors += store.parameters.map { (prefix + $0.name, $0.value) }
        }
        try add("model.diffusion_model.") { _ = try UNet($0, configuration: unet) }
        try add("first_stage_model.") { _ = try Autoencoder($0, configuration: autoencoder) }
        try add("cond_stage_model.transformer.") { _ = try BERTTextTransformer($0, configuration: text) }
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        try Safetensors.write(tensors, to: path)
        guard case .latents(let file) = try PublishedModel(path) else { throw ConfigurationError("pixels") }
        try file.check()
        let found = file.configuration
        #expect(found.family == .latentDiffusion && found.sampling.sampler == .ddim && found.imageSize == 256)
        #expect(found.autoencoder.scalingFactor == 0.25)
        #expect(found.unet.levels == unet.levels && found.autoencoder.levels == autoencoder.levels)
        let model = try LatentModel(file)
        let request = DrawingRequest(prompts: ["a house"], negativePrompts: [""], height: 8, width: 8)
        let network = try model.network(request, guidance: ClassifierFreeGuidance(scale: 2))
        let level = try found.diffusion.noiseSchedule().level(timestep: 500)
        #expect(try network(Query(x: .zeros([1, 4, 4, 4]), level: level)).shape == [1, 4, 4, 4])
    }

    /// All mistakes at once, by the file's own names.
    @Test func mistakesAreNamed() throws {
        let folder = try TemporaryFolder()
        let model = folder.path + "/sd2"
        try FileManager.default.copyItem(atPath: "\(Self.folder)/sd2", toPath: model)
        let path = model + "/single.safetensors"
        var tensors = try TensorArchive.open(path).tensors()
        tensors.removeAll { $0.name == "model.diffusion_model.out.2.bias" }
        tensors.removeAll { $0.name == "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_bias" }
        tensors.append(("surplus.weight", try .zeros([2])))
        let place = try #require(tensors.firstIndex { $0.name == "first_stage_model.quant_conv.bias" })
        tensors[place].value = try .zeros([3])
        let damaged = model + "/damaged.safetensors"
        try Safetensors.write(tensors, to: damaged)
        guard case .latents(let file) = try PublishedModel(damaged) else { throw ConfigurationError("pixels") }
        let error = try #require(throws: WeightError.self) { try file.check() }
        #expect(error.mistakes.contains(.missing("model.diffusion_model.out.2.bias", [4])))
        #expect(error.mistakes.contains(.unexpected("surplus.weight")))
        #expect(error.mistakes.contains(.misshaped("first_stage_model.quant_conv.bias", expected: [8], found: [3])))
        let fused = "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_bias"
        #expect(error.mistakes.contains(.missing(fused, [16])))
        #expect(error.source == damaged)
    }

    @Test func shardsStayInTheirFolder() throws {
        let folder = try TemporaryFolder()
        let model = folder.path + "/sd1"
        try FileManager.default.copyItem(atPath: "\(Self.folder)/sd1", toPath: model)
        let index = model + "/unet/diffusion_pytorch_model.safetensors.index.json"
        let text = try String(contentsOfFile: index, encoding: .utf8)
        for name in ["../secret.safetensors", "/etc/passwd", ".."] {
            try text.replacingOccurrences(of: "diffusion_pytorch_model-00002-of-00002.safetensors", with: name)
                .write(toFile: index, atomically: true, encoding: .utf8)
            let error = try #require(throws: CheckpointError.self) { try PublishedModel(model) }
            #expect(error.file == index && error.expected == "the name of a file in the same folder")
        }
    }

    @Test func sumsOfCountsAreBounded() {
        #expect([3, 4].boundedSum() == 7 && [Int]().boundedSum() == 0)
        #expect([Int.max, 1, 2].boundedSum() == .max)
    }

    @Test func originsAreTaken() throws {
        let base = try TensorDictionary([
            ("fused", Tensor((0..<12).map(Float.init), shape: [6, 2])), ("matrix", Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])),
            ("other", .zeros([1])),
        ])
        let source = RenamedSource(
            base,
            names: [
                "key": .rows("fused", 2..<4), "turned": .transposed("matrix"), "conv": .reshaped("matrix", [2, 3, 1, 1]),
                "beyond": .rows("fused", 4..<8), "absent": .whole("nowhere"),
            ])
        #expect(source.shape(of: "key") == [2, 2] && source.shape(of: "turned") == [3, 2])
        #expect(try source.tensor("key").floats() == [4, 5, 6, 7])
        #expect(try source.tensor("turned").contiguous().floats() == [1, 4, 2, 5, 3, 6])
        #expect(source.shape(of: "conv") == [2, 3, 1, 1] && source.shape(of: "beyond") == [6, 2])
        #expect(throws: WeightError.self) { try source.tensor("beyond") }
        #expect(source.shape(of: "absent") == nil && source.nameInFile("absent") == "nowhere")
        #expect(source.tensorNames.contains("other") && !source.tensorNames.contains("fused"))
    }
}
