import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// What is written is what diffusers writes, and reads back to the bit.
struct AutoencoderWriterTests {
    private func written(_ name: String, to path: String) throws -> DiffusersFixture {
        let golden = try DiffusersFixture(name)
        let configuration = try golden.configuration()
        let store = WeightStore(
            .tensors(AutoencoderNames.source(golden.weights, configuration: configuration)))
        _ = try Autoencoder(Weights(store), configuration: configuration)
        try store.finish()
        try AutoencoderFile.write(store.parameters, configuration: configuration, to: path)
        return golden
    }

    @Test(arguments: ["kl", "kl-bare", "vq"]) func isReadBack(name: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/vae"
        let golden = try written(name, to: path)
        let file = try AutoencoderFile(path)
        #expect(file.configuration == (try golden.configuration()))
        let network = try file.load()
        let latents = try golden.file.tensor("latents")
        let made = try withoutGradients { try network.decode(latents) }
        let expected = try withoutGradients { try golden.network(onlyDraws: true).decode(latents) }
        #expect(try (made - expected).abs().max().item() == 0)
        // The names and shapes are diffusers' own.
        let archive = try TensorArchive.open(path + "/diffusion_pytorch_model.safetensors")
        #expect(Set(archive.names) == Set(golden.weights.tensorNames))
        for name in archive.names { #expect(archive[name]?.shape == golden.weights.shape(of: name), "\(name)") }
        // So are the values of its configuration, of which ours names fewer.
        let (ours, theirs) = (try JSONObject(path: path + "/config.json"), try json(golden.json, folder))
        for (key, value) in ours.members where theirs.members[key] != nil { #expect(theirs.members[key] == value, "\(key)") }
        #expect(ours.members["block_out_channels"] == theirs.members["block_out_channels"])
        #expect(try AutoencoderFile(recognising: path) != nil)
        let golden2 = folder.path + "/golden.safetensors"
        try Safetensors.write(
            [(name: "vae.latents", value: latents), (name: "vae.decoded", value: golden.file.tensor("decoded"))], to: golden2)
        let run = try GoldenRun(golden2, model: path)
        #expect(run.parts == [.decoder])
        #expect(try run.verify(.decoder).allSatisfy { $0.relativeL2 < 1e-5 })
    }

    private func json(_ text: String, _ folder: TemporaryFolder) throws -> JSONObject {
        let path = folder.path + "/theirs.json"
        try Data(text.utf8).write(to: URL(filePath: path))
        return try JSONObject(path: path)
    }

    @Test func whatDiffusersCannotBeIsRefused() throws {
        let folder = try TemporaryFolder()
        let base = AutoencoderConfiguration(
            kind: .kl, latentChannels: 4, levels: [.init(channels: 8)], residualBlocks: 1, normGroups: 4, scalingFactor: 1)
        for (change, words) in [
            ({ $0.channels = 16 }, "begin with as many channels"), ({ $0.zChannels = 3 }, "as many channels beside"),
            ({ ($0.kind, $0.shiftFactor) = (.vectorQuantised(codes: 4), 1) }, "neither shift"),
        ] as [((inout AutoencoderConfiguration) -> Void, String)] {
            var configuration = base
            change(&configuration)
            let error = #expect(throws: ConfigurationError.self) {
                try AutoencoderFile.write([], configuration: configuration, to: folder.path + "/a")
            }
            #expect(error?.description.contains(words) == true)
        }
        let error = #expect(throws: WeightError.self) {
            try AutoencoderFile.write(
                [(name: "encoder.conv_in.bias", value: .zeros([8]))], configuration: base, to: folder.path + "/a")
        }
        #expect(error?.description.contains("missing decoder.conv_in.weight") == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/a"))
    }

    @Test func otherPlacesOfAnAutoencoder() throws {
        let folder = try TemporaryFolder()
        for path in [folder.path, folder.path + "/nothing"] {
            #expect(throws: (any Error).self) { try AutoencoderFile(path) }
            #expect(try AutoencoderFile(recognising: path) == nil)
        }
        // Latent diffusion's keys, alone and within a model's file.
        let golden = try CompVisShapes.small()
        for prefix in ["", "first_stage_model."] {
            let path = folder.path + "/a\(prefix.count).safetensors"
            try Safetensors.write(golden.parameters.map { (name: prefix + $0.name, value: $0.value) }, to: path)
            let file = try AutoencoderFile(path)
            #expect(file.configuration.levels == golden.configuration.levels)
            _ = try file.load()
        }
    }
}

/// A small autoencoder of latent diffusion's, with drawn weights.
private struct CompVisShapes {
    let configuration: AutoencoderConfiguration
    let parameters: [(name: String, value: Tensor)]

    static func small() throws -> CompVisShapes {
        let configuration = AutoencoderConfiguration(
            kind: .kl, latentChannels: 3, levels: [.init(channels: 32), .init(channels: 32)], residualBlocks: 1,
            scalingFactor: 1)
        let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
        _ = try Autoencoder(Weights(store), configuration: configuration)
        return CompVisShapes(configuration: configuration, parameters: store.parameters)
    }
}
