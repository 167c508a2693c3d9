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
        let (one, other) = try (LatentModel(original), LatentModel(written))
        for part in original.parts {
            let theirs = Dictionary(uniqueKeysWithValues: original.tensors(of: part).map { ($0.name, $0.shape) })
            let ours = Dictionary(uniqueKeysWithValues: written.tensors(of: part).map { ($0.name, $0.shape) })
            #expect(ours == theirs, "\(part)")
        }
        let latent = try Tensor.randn([1, one.configuration.latentChannels, 4, 4], generator: RandomGenerator(seed: 1))
        #expect(try (one.decode(latent, tiling: .off) - other.decode(latent, tiling: .off)).abs().max().item() == 0)
        for index in original.configuration.towers.indices {
            let prompt = "a house next to a lake!"
            #expect(try original.tokenizer(index).encode(prompt) == written.tokenizer(index).encode(prompt))
            #expect(
                try original.tokenizer(index).padded(prompt, length: 77) == written.tokenizer(index).padded(prompt, length: 77))
        }
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

    @Test func whatDiffusersHasNotIsRefused() throws {
        let folder = try TemporaryFolder()
        let original = try latents(pipelines + "/ldm")
        let error = #expect(throws: ConfigurationError.self) { try original.export(to: folder.path + "/ldm") }
        #expect(error?.description.contains("CLIP's text towers") == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/ldm"))
    }
}
