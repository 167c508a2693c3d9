import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing
import Tokenizers

/// Published models, written as diffusers' folders: the same configurations, weights to the bit, the same tokens.
struct DiffusersWriterTests {
    private var pipelines: String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/pipelines").path
    }

    private func latents(_ path: String) throws -> LatentFile {
        guard case .latents(let file) = try PublishedModel(path) else { throw CheckpointError(path, "is no latent model") }
        return file
    }

    @Test(arguments: ["sd1", "sd2", "xl"]) func aFolderComesBack(name: String) throws {
        let folder = try TemporaryFolder()
        let original = try latents(pipelines + "/" + name)
        let path = folder.path + "/" + name
        try original.export(to: path)
        let written = try latents(path)
        #expect(written.configuration == original.configuration)
        try written.check()
        for part in original.parts {
            let theirs = Dictionary(uniqueKeysWithValues: original.tensors(of: part).map { ($0.name, $0.shape) })
            let ours = Dictionary(uniqueKeysWithValues: written.tensors(of: part).map { ($0.name, $0.shape) })
            #expect(ours == theirs, "\(part)")
            let (source, copy) = try (original.source(part), written.source(part))
            for name in source.tensorNames {
                let (one, other) = try (source.tensor(name), copy.tensor(name))
                let isSame = try one.dtype == other.dtype && one.shape == other.shape && one.floats() == other.floats()
                #expect(isSame, "\(part) \(name)")
            }
        }
        for index in original.configuration.towers.indices {
            let prompt = "a house next to a lake!"
            #expect(try original.tokenizer(index).encode(prompt) == written.tokenizer(index).encode(prompt))
            #expect(
                try original.tokenizer(index).padded(prompt, length: 77) == written.tokenizer(index).padded(prompt, length: 77))
        }
    }

    /// Stable Diffusion 1's folder in another one, to be changed.
    private func copy(in folder: TemporaryFolder) throws -> String {
        let path = folder.path + "/theirs/sd1"
        try FileManager.default.createDirectory(atPath: folder.path + "/theirs", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: pipelines + "/sd1", toPath: path)
        return path
    }

    /// Of a class that is not known here, the one that stands in is ours alone.
    @Test(arguments: [
        "LMSDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DEISMultistepScheduler",
        "DPMSolverSinglestepScheduler", "TCDScheduler",
    ]) func aSchedulersOwnClassComesBack(name: String) throws {
        let folder = try TemporaryFolder()
        let theirs = try copy(in: folder)
        let file = theirs + "/scheduler/scheduler_config.json"
        try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(of: "PNDMScheduler", with: name)
            .write(toFile: file, atomically: true, encoding: .utf8)
        let original = try latents(theirs)
        let standIn = original.configuration.samplerStandIn
        #expect(standIn?.scheduler == name)

        let path = folder.path + "/sd1"
        try original.export(to: path)
        let scheduler = try JSONObject(path: path + "/scheduler/scheduler_config.json").string("_class_name")
        let named = try JSONObject(path: path + "/model_index.json").strings("scheduler")
        #expect(scheduler == name && named == ["diffusers", name])
        let written = try latents(path)
        #expect(written.configuration == original.configuration && written.configuration.samplerStandIn == standIn)

        // What is chosen stands in for nothing.
        var chosen = written.configuration
        chosen.sampling.steps = 20
        #expect(chosen.samplerStandIn == nil)
    }

    @Test func aChosenSamplerComesBack() throws {
        let folder = try TemporaryFolder()
        let theirs = try copy(in: folder)
        try #"{"guidanceScale": 2, "sampler": "euler-a", "steps": 20}"#
            .write(toFile: theirs + "/sampling.json", atomically: true, encoding: .utf8)
        let original = try latents(theirs)
        try original.export(to: folder.path + "/sd1")
        let written = try latents(folder.path + "/sd1")
        #expect(written.configuration == original.configuration)
        #expect(written.configuration.sampling.steps == 20 && written.configuration.sampling.guidanceScale == 2)
    }

    /// A single file, whose configurations stand beside it here, becomes the folder.
    @Test func aSingleFileBecomesAFolder() throws {
        let folder = try TemporaryFolder()
        let original = try latents(pipelines + "/sd1/single.ckpt")
        try original.export(to: folder.path + "/sd1", dtype: .float16)
        let written = try latents(folder.path + "/sd1")
        #expect(written.configuration.unet == original.configuration.unet)
        #expect(written.configuration.towers == original.configuration.towers)
        let summary = try LatentSummary(written)
        #expect(summary.total == (try LatentSummary(original).total))
        #expect(summary.tensors.allSatisfy { $0.dtype == .float16 })
    }

    /// XL's second text tower alone, and five numbers beside the text: diffusers' class for text alone takes six.
    @Test func aRefinerDrawsOverPictures() throws {
        let folder = try TemporaryFolder()
        let xl = try latents(pipelines + "/xl")
        var configuration = xl.configuration
        configuration.family = .stableDiffusionXLRefiner
        configuration.towers.removeFirst()
        configuration.zeroesEmptyPrompt = false
        let pooled = try #require(configuration.towers[0].pooledWidth)
        configuration.unet.text = .cross(width: configuration.towers[0].width, linearProjections: true)
        configuration.unet.addedWidth = pooled + 5 * configuration.unet.sizeWidth
        let store = WeightStore(.initial(try RandomGenerator(seed: 9)))
        _ = try UNet(Weights(store), configuration: configuration.unet)
        let path = folder.path + "/refiner"
        let writer = try DiffusersWriter(configuration, tokenizers: [.folder(pipelines + "/xl/tokenizer_2")])
        try writer.write(
            [
                .unet: TensorDictionary(store.parameters), .autoencoder: xl.source(.autoencoder),
                .textEncoder2: xl.source(.textEncoder2),
            ], to: path)
        let index = try JSONObject(path: path + "/model_index.json")
        #expect(try index.string("_class_name") == "StableDiffusionXLImg2ImgPipeline")
        #expect(try index.bool("requires_aesthetics_score") == true)
        let written = try latents(path)
        try written.check()
        #expect(written.configuration.family == .stableDiffusionXLRefiner && written.configuration.sizeCount == 5)
    }

    @Test func whatDiffusersHasNotIsRefused() throws {
        let folder = try TemporaryFolder()
        let original = try latents(pipelines + "/ldm")
        let error = #expect(throws: ConfigurationError.self) { try original.export(to: folder.path + "/ldm") }
        #expect(error?.description.contains("CLIP's text towers") == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/ldm"))
    }
}
