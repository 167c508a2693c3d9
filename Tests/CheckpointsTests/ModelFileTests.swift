import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing

struct ModelFileTests {
    /// ε and v for a fixed noisy picture.
    func answer(_ model: TextToImageModel, _ prompt: String) throws -> [Float] {
        try withoutGradients {
            let x = try Tensor.randn([1, 3, 8, 8], generator: RandomGenerator(seed: 5))
            return try model.network(x, timesteps: Tensor([Float(300)]), text: model.encode([prompt])).floats()
        }
    }

    @Test func aWrittenModelComesBack() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.bin"
        let configuration = try TinyModel.configuration()
        let parameters = try TinyModel.parameters(configuration)
        try ModelFile.write(parameters, configuration: configuration, to: path)

        let file = try ModelFile(path)
        #expect(file.format == .moonlit && file.configuration == configuration && file.path == path)
        let loaded = try TextToImageModel(path: path)
        let memory = try GLIDE(
            Weights(WeightStore(.tensors(TensorDictionary(parameters)))), configuration: configuration.network)
        let original = try TextToImageModel(memory, configuration: configuration, device: .cpu)
        let expected = try answer(original, "a red house")
        for (name, value) in parameters { #expect(try file.archive.tensor(name).floats() == value.floats(), "\(name)") }
        // The file's memory is aligned otherwise, and libtorch sums otherwise there.
        let found = try answer(loaded, "a red house")
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
        #expect(try answer(TextToImageModel(path: path), "a red house") == found)
        #expect(try answer(loaded, "a lake") != expected)
        #expect(expected.allSatisfy { $0.isFinite })
    }

    @Test func aModelWrittenInHalfIsRoundedOnce() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/half.safetensors"
        let configuration = try TinyModel.configuration()
        let parameters = try TinyModel.parameters(configuration)
        try ModelFile.write(parameters, configuration: configuration, dtype: .bfloat16, to: path)
        #expect(try TensorArchive.open(path).entries.allSatisfy { $0.dtype == .bfloat16 })
        let rounded = try parameters.map { ($0.name, try $0.value.to(.bfloat16).to(.float32)) }
        let network = try GLIDE(
            Weights(WeightStore(.tensors(TensorDictionary(rounded)))), configuration: configuration.network)
        let expected = try answer(TextToImageModel(network, configuration: configuration, device: .cpu), "a lake")
        let found = try answer(TextToImageModel(path: path), "a lake")
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
        let half = try answer(TextToImageModel(path: path, dtype: .bfloat16), "a lake")
        #expect(half != expected && zip(half, expected).allSatisfy { abs($0 - $1) < 0.2 })
    }

    @Test func weightsThatDoNotFitTheConfigurationAreNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        let configuration = try TinyModel.configuration()
        let parameters = try TinyModel.parameters(configuration).filter { $0.name != "final_ln.bias" }
        try ModelFile.write(parameters + [("extra", .zeros([1]))], configuration: configuration, to: path)
        let error = try #require(throws: WeightError.self) { try ModelFile(path).load() }
        #expect(error.source == path)
        #expect(error.mistakes == [.missing("final_ln.bias", [16]), .unexpected("extra")])
    }

    @Test func configurationsThatCannotBeAreNeitherWrittenNorRead() throws {
        let folder = try TemporaryFolder()
        let changes: [(String, (inout ModelConfiguration) -> Void)] = [
            ("imageSize", { $0.imageSize = 7 }), ("imageSize", { $0.imageSize = 0 }), ("steps", { $0.diffusion.steps = 1 }),
            ("noise schedule", { $0.diffusion.schedule = .linear; $0.diffusion.steps = 5 }),
            ("variance", { $0.diffusion.variance = .fixedSmall }), ("token table", { $0.text.kept?.removeLast() }),
            ("token table", { $0.text.kept = nil }), ("ascending", { $0.text.kept?.reverse() }),
            ("ascending", { $0.text.kept?[0] = -1 }), ("prompts of 7 tokens", { $0.text.context = 7 }),
            ("context of 0", { $0.text.context = 0 }), ("sampling steps", { $0.sampling.steps = 1001 }),
            ("nonsense", { $0.sampling.schedule = "nonsense" }), ("guidance", { $0.sampling.guidanceScale = .infinity }),
            ("guidance from", { $0.sampling.guidanceInterval = -1...2 }),
            ("guidance from", { $0.sampling.guidanceInterval = 1 ... .infinity }),
            ("levels", { $0.network.unet.levels = [] }),
        ]
        for (words, change) in changes {
            var configuration = try TinyModel.configuration()
            let parameters = try TinyModel.parameters(configuration)
            change(&configuration)
            let path = folder.path + "/model.safetensors"
            let error = #expect(throws: ConfigurationError.self, "\(words)") {
                try ModelFile.write(parameters, configuration: configuration, to: path)
            }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func otherFilesAreNamedForWhatTheyAre() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/other.safetensors"
        try Safetensors.write([("a", .zeros([1])), ("b", .zeros([2]))], to: path)
        let error = try #require(throws: CheckpointError.self) { try ModelFile(path) }
        #expect(error.file == path && error.description.contains("2 tensors (a, b …) of no network known here"))
        #expect(error.description.contains("expected a model written by Moonlit, or one of OpenAI's GLIDE files"))

        try Safetensors.write([("a", .zeros([1]))], metadata: ["moonlit": "{}"], to: path)
        let empty = try #require(throws: CheckpointError.self) { try ModelFile(path) }
        #expect(empty.file == path && empty.description.contains("is missing at the top level"))
        #expect(throws: TensorFileError.self) { try ModelFile(folder.path + "/nothing") }
        #expect(throws: TensorFileError.self) { try ModelFile(folder.path) }
    }
}
