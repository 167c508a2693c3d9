import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing
import Tokenizers

/// Moonlit's own models of pictures and texts on the disk, and GLIDE's.
struct CLIPFileTests {
    static func configuration(timesteps: Int? = nil) throws -> CLIPConfiguration {
        let kept = Set(try CLIPTokenizer().encode("a red fox next to the blue lake")).sorted()
        return CLIPConfiguration(
            name: "tiny",
            network: ContrastiveConfiguration(
                side: 8, timesteps: timesteps, picture: .convolutional(widths: [16, 24], blocks: 1, layers: 1, heads: 2),
                text: TextTransformerConfiguration(
                    vocabulary: kept.count + 1, context: 8, width: 16, layers: 1, heads: 2), embedding: 12),
            text: TextConfiguration(vocabulary: .clip, context: 8, kept: kept),
            diffusion: timesteps.map { DiffusionConfiguration(steps: $0, variance: .fixedSmall) })
    }

    static func parameters(_ configuration: CLIPConfiguration) throws -> [(name: String, value: Tensor)] {
        let generator = try RandomGenerator(seed: 11)
        let store = WeightStore(.initial(generator))
        _ = try ContrastiveModel(Weights(store), configuration: configuration.network)
        return try store.parameters.map { parameter in
            (parameter.name, try parameter.value + Tensor.randn(parameter.value.shape, generator: generator) * 0.1)
        }
    }

    private func pictures() throws -> Tensor { try .rand([2, 3, 8, 8], generator: RandomGenerator(seed: 2)) * 2 - 1 }

    @Test(arguments: [nil, 100]) func aWrittenModelComesBack(timesteps: Int?) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/clip.safetensors"
        let configuration = try Self.configuration(timesteps: timesteps)
        let parameters = try Self.parameters(configuration)
        try CLIPFile.write(parameters, configuration: configuration, to: path)
        let file = try CLIPFile(path)
        #expect(file.configuration == configuration && file.path == path)
        for (name, value) in parameters { #expect(try file.archive.tensor(name).floats() == value.floats(), "\(name)") }

        let memory = try CLIPModel(
            ContrastiveModel(
                Weights(WeightStore(.tensors(TensorDictionary(parameters)))), configuration: configuration.network),
            configuration: configuration, device: .cpu)
        let loaded = try #require(try PictureTextModels.load(path) as? CLIPModel)
        #expect(loaded.imageSide == 8 && loaded.embeddingWidth == 12 && loaded.isNoised == (timesteps != nil))
        #expect(loaded.logitScale == memory.logitScale && loaded.logitScale > 5 && loaded.logitScale < 50)
        let texts = ["a fox", "the lake", ""]
        // The file's memory is aligned otherwise, and libtorch sums otherwise there.
        func near(_ a: Tensor, _ b: Tensor) throws -> Bool { try (a - b).abs().max().item() < 1e-5 }
        #expect(try near(loaded.embeddings(ofTexts: texts), memory.embeddings(ofTexts: texts)))
        #expect(
            try near(
                loaded.embeddings(ofPictures: pictures(), timesteps: nil),
                memory.embeddings(ofPictures: pictures(), timesteps: nil)))

        let summary = CLIPSummary(file)
        #expect(summary.parameters.total == summary.parameters.picture + summary.parameters.text + 1)
        #expect(summary.tensors.count == parameters.count)
    }

    @Test func textsAreEmbeddedAlike() throws {
        let configuration = try Self.configuration()
        let model = try CLIPModel(
            ContrastiveModel(
                Weights(WeightStore(.tensors(TensorDictionary(Self.parameters(configuration))))),
                configuration: configuration.network), configuration: configuration, device: .cpu)
        // More than go through the network at once; words that are not known are left out.
        let texts = (0..<300).map { $0 % 3 == 0 ? "a fox" : $0 % 3 == 1 ? "the blue lake" : "a quixotic fox" }
        let embeddings = try model.embeddings(ofTexts: texts)
        #expect(embeddings.shape == [300, 12] && !embeddings.requiresGrad)
        for (index, other) in [(3, 0), (299, 2), (298, 1), (2, 0)] {
            #expect(try (embeddings.at(index) - embeddings.at(other)).abs().max().item() < 1e-6)
        }
        #expect(try (embeddings.at(0) - embeddings.at(1)).abs().max().item() > 1e-3)
        #expect(try model.embeddings(ofTexts: []).shape == [0, 12])
    }

    @Test func configurationsThatCannotBeAreNeitherWrittenNorRead() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/clip.safetensors"
        let changes: [(String, (inout CLIPConfiguration) -> Void)] = [
            ("side", { $0.network.side = 9 }), ("texts of 7 tokens", { $0.text.context = 7 }),
            ("token table", { $0.text.kept = nil }), ("ascending", { $0.text.kept?.reverse() }),
            ("clean pictures for a process of 1000", { $0.diffusion = DiffusionConfiguration() }),
            ("1000 steps for no process", { $0.network.timesteps = 1000 }),
            ("1000 steps for a process of 500", {
                $0.network.timesteps = 1000
                $0.diffusion = DiffusionConfiguration(steps: 500)
            }),
        ]
        for (words, change) in changes {
            var configuration = try Self.configuration()
            let parameters = try Self.parameters(configuration)
            change(&configuration)
            let error = try #require(throws: ConfigurationError.self, "\(words)") {
                try CLIPFile.write(parameters, configuration: configuration, to: path)
            }
            #expect(error.description.contains(words), "\(words) in \(error)")
            #expect(!FileManager.default.fileExists(atPath: path))
            let json = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
            try Safetensors.write(parameters, metadata: ["moonlit.clip": json], to: path)
            let refusal = try #require(throws: CheckpointError.self) { try CLIPFile(path) }
            #expect(refusal.file == path && refusal.description.contains(words))
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test func otherFilesAreNamedForWhatTheyAre() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/other.safetensors"
        try Safetensors.write([("a", .zeros([1]))], to: path)
        for load in [{ _ = try CLIPFile(path) }, { _ = try PictureTextModels.load(path) }] {
            let error = try #require(throws: CheckpointError.self) { try load() }
            #expect(error.file == path && error.description.contains("no model of pictures and texts"))
        }
        #expect(try CLIPFile(recognising: path) == nil)
        #expect(try CLIPFile(recognising: folder.path) == nil)
        try Safetensors.write([("a", .zeros([1]))], metadata: ["moonlit.clip": "{}"], to: path)
        for load in [{ _ = try CLIPFile(path) }, { _ = try CLIPFile(recognising: path) }] {
            let error = try #require(throws: CheckpointError.self) { try load() }
            #expect(error.description.contains("is missing at the top level"))
        }
        #expect(throws: TensorFileError.self) { try PictureTextModels.load(folder.path + "/nothing") }
        let empty = try #require(throws: CheckpointError.self) { try PictureTextModels.load(folder.path) }
        #expect(empty.description.contains("clip_image_enc.pt"))

        let configuration = try Self.configuration()
        let parameters = try Self.parameters(configuration).filter { $0.name != "picture.final_ln.bias" }
        try CLIPFile.write(parameters + [("extra", .zeros([1]))], configuration: configuration, to: path)
        let error = try #require(throws: WeightError.self) { try CLIPModel.load(path) }
        #expect(error.source == path)
        #expect(error.mistakes == [.missing("picture.final_ln.bias", [24]), .unexpected("extra")])
        // Where a model that draws is asked for.
        let other = try #require(throws: CheckpointError.self) { try PublishedModel(path) }
        #expect(other.description.contains("draws nothing"))
    }

    @Test func ownModelsAreVerified() throws {
        let folder = try TemporaryFolder()
        let (path, golden) = (folder.path + "/clip.safetensors", folder.path + "/golden.safetensors")
        let configuration = try Self.configuration(timesteps: 100)
        try CLIPFile.write(Self.parameters(configuration), configuration: configuration, to: path)
        let model = try CLIPModel.load(path)
        let padded = try configuration.text.encoder().padded("a red fox")
        let steps = try Tensor([3, 70])
        let image = try model.embeddings(ofPictures: pictures(), timesteps: steps)
        try Safetensors.write(
            [
                ("clip.image", pictures()), ("clip.timesteps", steps), ("clip.image_embedding", image),
                ("clip.tokens", Tensor(padded.ids, shape: [1, 8])), ("clip.mask", Tensor(padded.mask, shape: [1, 8])),
                ("clip.text_embedding", model.embeddings(ofTexts: ["a red fox"])),
            ], to: golden)
        let run = try GoldenRun(golden, model: path)
        #expect(run.parts == [.clipImage, .clipText])
        for part in run.parts {
            let found = try run.verify(part)
            #expect(found.count == 1 && found[0].relativeL2 < 1e-5)
        }
        try Safetensors.write([("clip.image", pictures()), ("clip.image_embedding", image)], to: golden)
        #expect(try GoldenRun(golden, model: path).verify(.clipImage)[0].relativeL2 > 1e-3)
        try Safetensors.write([("clip.image_embedding", image), ("clip.text_embedding", image)], to: golden)
        let lonely = try GoldenRun(golden, model: path)
        for (part, input) in [(GoldenRun.Part.clipImage, "clip.image"), (.clipText, "clip.tokens")] {
            let error = try #require(throws: TensorFileError.self) { try lonely.verify(part) }
            #expect(error.tensor == input)
        }
    }

    /// GLIDE's two files in a small size, with the whole vocabulary.
    @Test func publishedTowersAreOneModel() throws {
        let folder = try TemporaryFolder()
        let image = NoisedCLIPTowerConfiguration(
            input: .image(side: 8, patch: 4, timesteps: 10), width: 64, layers: 1, heads: 1, embedding: 6)
        let text = NoisedCLIPTowerConfiguration(
            input: .text(vocabulary: 49_408, context: 9), width: 64, layers: 1, heads: 1, embedding: 6)
        func write(_ name: String, _ build: (Weights) throws -> Void) throws {
            let store = WeightStore(.initial(try RandomGenerator(seed: 5)))
            try build(Weights(store))
            try Safetensors.write(store.parameters, to: folder.path + "/" + name)
        }
        try write("clip_image_enc.pt") { _ = try NoisedCLIPImageTower($0, configuration: image) }
        let lonely = try #require(throws: CheckpointError.self) { try PictureTextModels.load(folder.path) }
        #expect(lonely.description.contains("clip_text_enc.pt"))
        try write("clip_text_enc.pt") { _ = try NoisedCLIPTextTower($0, configuration: text) }

        let model = try PictureTextModels.load(folder.path)
        #expect(model.imageSide == 8 && model.embeddingWidth == 6 && model.isNoised && model.logitScale == 100)
        let beside = try PictureTextModels.load(folder.path + "/clip_image_enc.pt")
        let texts = try model.embeddings(ofTexts: ["a fox", "a house next to a lake in moonlight"])
        #expect(try (beside.embeddings(ofTexts: ["a fox"]).at(0) - texts.at(0)).abs().max().item() < 1e-6)
        let pictures = try pictures()
        let clean = try model.embeddings(ofPictures: pictures, timesteps: nil)
        for embeddings in [texts, clean] { #expect(try (embeddings.norm([1]) - 1).abs().max().item() < 1e-5) }
        let tower = try NoisedCLIPFile(path: folder.path + "/clip_image_enc.pt").imageTower()
        let expected = try noisedCLIPUnit(tower(pictures, timesteps: Tensor([0, 0])))
        #expect(try (clean - expected).abs().max().item() < 1e-6)
        let noisy = try model.embeddings(ofPictures: pictures, timesteps: Tensor([9, 9]))
        #expect(try (clean - noisy).abs().max().item() > 1e-4)
        // The towers taken for each other.
        let files = ["/clip_image_enc.pt", "/clip_text_enc.pt"].map { folder.path + $0 }
        #expect(throws: CheckpointError.self) { try NoisedCLIPModel.load(image: files[1], text: files[1]) }
        #expect(throws: CheckpointError.self) { try NoisedCLIPModel.load(image: files[0], text: files[0]) }
    }

    /// Changed letters and numbers in the configuration: an error that names the file, or a model that computes.
    @Test func damagedConfigurationsAreRefused() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.path + "/clip.safetensors"
            let configuration = try CLIPFileTests.configuration(timesteps: 100)
            try CLIPFile.write(CLIPFileTests.parameters(configuration), configuration: configuration, to: path)
            let json = try #require(try CLIPFile(path).archive.metadata["moonlit.clip"])
            let original = try Data(contentsOf: URL(filePath: path))
            let values = json.ranges(of: /-?[0-9]+(\.[0-9]+)?|"[A-Za-z0-9]+"|true|false/)
            var random = SplitMix64(seed: 5)
            // What libtorch takes at its first use is not the files' doing.
            _ = try CLIPModel.load(path).embeddings(ofPictures: .zeros([1, 3, 8, 8]), timesteps: nil)
            let before = try peakMemory()
            var counts = (sound: 0, refused: 0)
            for index in 0..<400 {
                let damaged = index % 2 == 0 ? damage(json, &random) : change(json, values, &random)
                try replaced(json: damaged, key: "moonlit.clip", in: original).write(to: URL(filePath: path))
                do {
                    let model = try CLIPModel.load(path)
                    _ = try model.embeddings(ofPictures: .zeros([1, 3, 8, 8]), timesteps: nil)
                    counts.sound += 1
                } catch let error as CheckpointError {
                    counts.refused += 1
                    #expect(error.file == path && !error.problem.isEmpty, "\(damaged)")
                } catch let error as WeightError {
                    counts.refused += 1
                    #expect(error.source == path, "\(damaged)")
                } catch {
                    Issue.record("\(error) of \(damaged)")
                }
            }
            #expect(counts.sound > 5 && counts.refused > 200, "\(counts)")
            let grown = try peakMemory() - before
            #expect(grown < 64 << 20, "\(grown) bytes")
        }
    }
}
