import Checkpoints
import Datasets
import Diffusion
import Foundation
import Images
import Layers
import Models
import Tensors
import Testing
import Tokenizers
import Training

/// A folder with an autoencoder whose weights are drawn: any latents will do.
func drawnAutoencoder(in folder: String) throws -> String {
    let configuration = AutoencoderConfiguration(
        kind: .kl, latentChannels: 3, levels: [.init(channels: 8), .init(channels: 8)], residualBlocks: 1,
        normGroups: 4, scalingFactor: 0.8, sampleSize: 16)
    let store = WeightStore(.initial(try RandomGenerator(seed: 5)))
    _ = try Autoencoder(Weights(store), configuration: configuration)
    let path = folder + "/autoencoder"
    try AutoencoderFile.write(store.parameters, configuration: configuration, to: path)
    return path
}

/// Diffusion on the latents of a small drawn autoencoder.
@Suite struct LatentRunTests {
    private func short(_ autoencoder: String, steps: Int = 4) -> TrainingConfiguration {
        var configuration = TrainingConfiguration.latentScenes
        configuration.imageSize = 16
        configuration.latent = .init(autoencoder: autoencoder)
        configuration.network.modelChannels = 16
        configuration.network.levels = [
            .init(channels: 16, residualBlocks: 1, attention: false), .init(channels: 32, residualBlocks: 1, attention: true),
        ]
        configuration.network.headWidth = 16
        configuration.network.normGroups = 8
        configuration.network.dropout = 0.1
        (configuration.network.text.context, configuration.network.text.width) = (12, 32)
        (configuration.network.text.layers, configuration.network.text.heads) = (1, 2)
        configuration.textPretraining.steps = 0
        configuration.data.crop = .centre
        configuration.dtype = .float32
        configuration.batchSize = 4
        configuration.parts = 2
        configuration.steps = steps
        configuration.intervals.log = 2
        configuration.intervals.sample = 0
        configuration.intervals.checkpoint = 2
        configuration.samples.prompts = ["a red square", "a blue square"]
        configuration.samples.steps = 3
        return configuration
    }

    private func made(by run: TrainingRun) throws -> LatentFile {
        guard case .latents(let file) = try PublishedModel(run.modelPath) else {
            throw CheckpointError(run.modelPath, "is no latent model")
        }
        return file
    }

    @Test(arguments: [false, true]) func runsTrainResumeAndLoad(caches: Bool) throws {
        try withTemporaryFolder { folder in
            var configuration = try short(drawnAutoencoder(in: folder))
            configuration.latent.caches = caches
            configuration.intervals.sample = 4
            let whole = try expectResumedEqualsWhole(configuration, in: folder, resumedWith: configuration)
            #expect(try Picture(path: folder + "/a/samples/step-00000004.png").width > 16)

            let file = try made(by: whole)
            let model = try LatentModel(file)
            #expect(model.configuration.imageSize == 16 && model.configuration.latentChannels == 3)
            #expect(model.configuration.autoencoder.scalingFactor == 0.8)
            #expect(try model.tokensCut(from: "a red square", reading: .plain) == 0)
            // It is drawn as the run drew its samples, unless a file says so that does not read.
            let samples = configuration.samples
            #expect(model.configuration.sampling == SamplingDefaults(
                sampler: samples.sampler, steps: samples.steps, guidanceScale: samples.guidanceScale))
            try Data("{\"steps\": true}".utf8).write(to: URL(filePath: whole.modelPath + "/sampling.json"))
            let refused = #expect(throws: CheckpointError.self) { try PublishedModel(whole.modelPath) }
            #expect(refused?.description.contains("sampling.json") == true)
        }
    }

    /// A run that is stopped while its words are taught begins with that again.
    @Test func stoppedWhileItPrepares() throws {
        try withTemporaryFolder { folder in
            var configuration = try short(drawnAutoencoder(in: folder), steps: 2)
            (configuration.textPretraining.steps, configuration.textPretraining.batchSize) = (3, 4)
            configuration.intervals.log = 1
            func run(_ name: String, resume: Bool = false) throws -> TrainingRun {
                try TrainingRun(configuration: configuration, folder: folder + name, resume: resume, data: ColouredSet())
            }
            _ = try run("/a").run()
            let stop = StopFlag()
            let stopped = try run("/b").run(stop: stop) {
                if case .note(let text) = $0, text.contains("step 1 of 3") { stop.set() }
            }
            #expect(stopped == .stopped(step: 0))
            let rest = try run("/b", resume: true).run()
            #expect(rest == .finished(step: 2))
            let state = "/checkpoints/step-00000002/state.safetensors"
            #expect(try bytes(folder + "/a" + state) == bytes(folder + "/b" + state))
        }
    }

    @Test func nameAndSamplesMayChange() throws {
        try withTemporaryFolder { folder in
            var configuration = try short(drawnAutoencoder(in: folder), steps: 2)
            _ = try TrainingRun(configuration: configuration, folder: folder + "/a", data: ColouredSet()).run()
            configuration.steps = 4
            configuration.name = "another"
            configuration.samples.steps = 5
            let rest = try TrainingRun(configuration: configuration, folder: folder + "/a", resume: true, data: ColouredSet())
            _ = try rest.run()
            let model = try made(by: rest).configuration
            #expect(model.sampling.steps == 5)
            // Nothing is left of how a model takes the place of the one before.
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/a")
            #expect(names.filter { $0.hasPrefix("model") } == ["model"])
        }
    }

    /// One picture in eight that cannot be read.
    private struct PatchySet: CaptionedPictures {
        struct Unreadable: Error {}
        let name = "patchy"
        let count = 8

        func example(at index: Int, variation: UInt64) throws -> Example {
            if index == 5 { throw Unreadable() }
            return try ColouredSet().example(at: index % 4, variation: variation)
        }
        func captions(at index: Int) throws -> [String] { try [ColouredSet().example(at: index % 4, variation: 0).caption] }
    }

    @Test func keptLatentsPassOverWhatCannotBeRead() throws {
        try withTemporaryFolder { folder in
            var configuration = try short(drawnAutoencoder(in: folder), steps: 2)
            configuration.latent.caches = true
            func outcome(_ name: String) throws -> TrainingRun.Outcome {
                try TrainingRun(configuration: configuration, folder: folder + name, data: PatchySet()).run()
            }
            #expect(throws: PatchySet.Unreadable.self) { try outcome("/a") }
            configuration.data.tolerance = 0.2
            #expect(try outcome("/b") == .finished(step: 2))
        }
    }

    /// A published tower is read as it is, stays as it is, and goes into the model with its tokenizer.
    @Test func frozenText() throws {
        try withTemporaryFolder { folder in
            let first = try short(drawnAutoencoder(in: folder))
            let published = try TrainingRun(configuration: first, folder: folder + "/a", data: ColouredSet())
            _ = try published.run()
            var configuration = first
            configuration.latent.frozenText = published.modelPath
            configuration.seed = 77
            let run = try TrainingRun(configuration: configuration, folder: folder + "/b", data: ColouredSet())
            #expect(run.parameterCount < published.parameterCount)
            #expect(try run.run() == .finished(step: 4))
            for file in ["text_encoder/model.safetensors", "tokenizer/vocab.json", "tokenizer/merges.txt"] {
                #expect(try bytes(published.modelPath + "/" + file) == bytes(run.modelPath + "/" + file), "\(file)")
            }
            let file = try made(by: run)
            #expect(try LatentModel(file).tokensCut(from: "a red square", reading: .plain) == 0)
        }
    }

    /// Autoencoder and text tower of an embedded model, by its name as by its path.
    @Test func partsOfAnEmbeddedModel() throws {
        func objective(_ autoencoder: String, text: String) throws -> LatentObjective {
            var configuration = short(autoencoder)
            configuration.latent.frozenText = text
            return try LatentObjective(configuration, .drawn, data: ColouredSet())
        }
        let path = try #require(EmbeddedModels.path(of: "scenes-latent"))
        let named = try objective("scenes-latent", text: "scenes-latent")
        #expect(try named.model == objective(path, text: path).model)
        #expect(try named.model.autoencoder == AutoencoderFile(path).configuration)
        #expect(try named.model.towers == [TextTowerFolder(path).configuration])
        #expect(named.parameters.allSatisfy { $0.name.hasPrefix("unet.") })

        for (autoencoder, text, problem) in [
            ("scenes-nothing", "", "latent.autoencoder: scenes-nothing: is no file or folder, and no embedded model's name"),
            ("scenes-clip", "", "scenes-clip.safetensors: holds no autoencoder known here"),
            ("scenes-latent", "scenes-nothing", "latent.frozenText: scenes-nothing: is no file or folder"),
            ("scenes-latent", "scenes-256", "scenes-256.safetensors: holds no text_encoder"),
        ] {
            let error = #expect(throws: TrainingError.self) { try objective(autoencoder, text: text) }
            let description = try #require(error).description
            #expect(description.hasPrefix(text.isEmpty ? "latent.autoencoder: " : "latent.frozenText: "), "\(description)")
            #expect(description.contains(problem) && description.contains("; expected "), "\(description)")
        }
    }

    /// A run that begins with a model takes over its words, and adds those of its own captions.
    @Test func wordsAreAdded() throws {
        try withTemporaryFolder { folder in
            let configuration = try short(drawnAutoencoder(in: folder))
            let older = try TrainingRun(configuration: configuration, folder: folder + "/a", data: ColouredSet())
            _ = try older.run()
            let objective = try LatentObjective(
                configuration, .model(older.modelPath), data: ColouredSet(noun: "kite"), folder: folder)
            try objective.write(objective.parameters, to: folder + "/b")

            func table(_ path: String) throws -> (CLIPTokenizer, Tensor) {
                let folder = try TextTowerFolder(path)
                let name = try #require(folder.source.tensorNames.first { $0.hasSuffix("token_embedding.weight") })
                return (try folder.tokenizer(), try folder.source.tensor(name))
            }
            let (before, old) = try table(older.modelPath)
            let (after, new) = try table(folder + "/b")
            #expect(before.encode("kite").count > 1 && after.encode("kite").count == 1)
            #expect(old.shape[0] < new.shape[0])
            for word in ["red", "blue", "square", "a", "q"] {
                let (from, to) = (before.encode(word), after.encode(word))
                #expect(from.count == 1 && to.count == 1, "\(word)")
                #expect(try (old.rows(from[0]..<from[0] + 1) - new.rows(to[0]..<to[0] + 1)).abs().max().item() == 0, "\(word)")
            }
            for (from, to) in [(before.startToken, after.startToken), (before.endToken, after.endToken)] {
                #expect(try (old.rows(from..<from + 1) - new.rows(to..<to + 1)).abs().max().item() == 0)
            }
            let word = after.encode("kite")[0]
            let deviation = try new.rows(word..<word + 1).square().mean().item().squareRoot()
            #expect(deviation > 0.01 && deviation < 0.04)
            #expect(try TrainingRun(
                configuration: configuration, folder: folder + "/c", initialModel: older.modelPath,
                data: ColouredSet(noun: "kite")).run() == .finished(step: 4))

            var wider = configuration
            wider.network.text.width = 48
            let error = #expect(throws: TrainingError.self) {
                try TrainingRun(
                    configuration: wider, folder: folder + "/d", initialModel: older.modelPath, data: ColouredSet())
            }
            #expect(error?.description.contains("no latent model of this shape") == true)
        }
    }

    /// A run that sees holes begins with a model that saw none as that model, and resumes and loads like another.
    @Test func holes() throws {
        try withTemporaryFolder { folder in
            let plain = try short(drawnAutoencoder(in: folder))
            let older = try TrainingRun(configuration: plain, folder: folder + "/plain", data: ColouredSet())
            _ = try older.run()
            var configuration = plain
            configuration.network.input = .masked
            configuration.intervals.sample = 4
            let whole = try expectResumedEqualsWhole(configuration, in: folder, resumedWith: configuration)
            #expect(try Picture(path: folder + "/a/samples/step-00000004.png").width > 16)
            let file = try made(by: whole)
            #expect(file.configuration.sees == .masked && file.configuration.unet.inputChannels == 7)
            let index = try String(contentsOfFile: whole.modelPath + "/model_index.json", encoding: .utf8)
            #expect(index.contains("\"StableDiffusionInpaintPipeline\""))

            let objective = try LatentObjective(configuration, .model(older.modelPath), data: ColouredSet(), folder: folder)
            let first = try #require(objective.parameters.first { $0.name == "unet.input_blocks.0.0.weight" }).value
            let known = try made(by: older).source(.unet).tensor("input_blocks.0.0.weight")
            #expect(first.shape[1] == 7 && known.shape[1] == 3)
            #expect(try (first.narrow(1, start: 0, length: 3) - known).abs().max().item() == 0)
            #expect(try first.narrow(1, start: 3, length: 4).abs().max().item() == 0)
            // What it sees matters once it is trained.
            let batch = try BatchLoader(
                ColouredSet(), preparation: configuration.preparation, batchSize: 4, seed: 1).batch(step: 0)
            let computed = try objective.gradients(of: batch, step: 0, workers: WorkerGroup(count: 1)).averaged()
            let place = try #require(objective.parameters.firstIndex { $0.name == "unet.input_blocks.0.0.weight" })
            let gradient = try #require(computed[place])
            for channels in [3..<4, 4..<7] {
                #expect(try gradient.narrow(1, start: channels.lowerBound, length: channels.count).abs().max().item() > 0)
            }
        }
    }

    /// A larger U-Net begins as the smaller one, to rounding, and everything that is new in it learns.
    @Test(arguments: [
        ([false, true], [(1, true), (1, true)]), ([false, true], [(2, false), (1, true)]),
        ([false, false], [(2, true), (3, true)]), ([true, false], [(1, true), (2, true)]),
    ])
    func growth(attends: [Bool], levels: [(blocks: Int, attends: Bool)]) throws {
        try withTemporaryFolder { folder in
            var small = try short(drawnAutoencoder(in: folder))
            for (index, attends) in attends.enumerated() { small.network.levels[index].attention = attends }
            let older = try TrainingRun(configuration: small, folder: folder + "/small", data: ColouredSet())
            _ = try older.run()
            var large = small
            for (index, level) in levels.enumerated() {
                (large.network.levels[index].residualBlocks, large.network.levels[index].attention) = level
            }
            let objective = try LatentObjective(large, .model(older.modelPath), data: ColouredSet(), folder: folder)
            let grown = TensorDictionary(
                objective.parameters.filter { $0.name.hasPrefix("unet.") }
                    .map { (name: String($0.name.dropFirst(5)), value: $0.value) })
            let file = try made(by: older)
            var configuration = file.configuration.unet
            let generator = try RandomGenerator(seed: 3)
            let x = try Tensor.randn([2, 3, 8, 8], generator: generator)
            let text = try Tensor.randn([2, 5, 32], generator: generator)
            func answer(_ source: any TensorSource) throws -> Tensor {
                try withoutGradients {
                    try UNet(Weights(WeightStore(.tensors(source))), configuration: configuration)(
                        x, timesteps: Tensor([10, 700]), context: UNetContext(text: text))
                }
            }
            let before = try answer(file.source(.unet))
            configuration.levels = large.network.levels
            let difference = try (answer(grown) - before).abs().max().item() / before.abs().max().item()
            #expect(difference < 1e-5, "\(difference)")

            let run = try TrainingRun(
                configuration: large, folder: folder + "/large", initialModel: older.modelPath, data: ColouredSet())
            #expect(try run.run() == .finished(step: 4))
            let learned = try made(by: run)
            #expect(learned.configuration.unet.levels == large.network.levels)
            // Behind outputs that are no longer zero, everything is heard.
            let batch = try BatchLoader(ColouredSet(), preparation: large.preparation, batchSize: 4, seed: 1).batch(step: 0)
            let later = try LatentObjective(large, .model(run.modelPath), data: ColouredSet(), folder: folder)
            let gradients = try later.gradients(of: batch, step: 0, workers: WorkerGroup(count: 1)).averaged()
            for (parameter, gradient) in zip(later.parameters, gradients) where parameter.name.hasPrefix("unet.") {
                #expect(try #require(gradient).abs().max().item() > 0, "\(parameter.name)")
            }
            #expect(throws: TrainingError.self) {
                try LatentObjective(small, .model(run.modelPath), data: ColouredSet(), folder: folder)
            }
            // Of other heads in the middle, the same weights would be another network.
            large.network.levels[1].heads = 1
            guard !attends[1] else { return }
            #expect(throws: TrainingError.self) {
                try LatentObjective(large, .model(older.modelPath), data: ColouredSet(), folder: folder)
            }
        }
    }

    /// Kept latents are the computed ones, in the run's precision: a run with them is a run without, to the bit.
    @Test(arguments: [TrainingConfiguration.Precision.float32, .bfloat16])
    func keptLatentsChangeNothing(precision: TrainingConfiguration.Precision) throws {
        try withTemporaryFolder { folder in
            var states: [Data] = []
            for caches in [false, true] {
                var configuration = try short(drawnAutoencoder(in: folder))
                configuration.dtype = precision
                configuration.latent.caches = caches
                let place = folder + "/\(caches)"
                var notes: [String] = []
                _ = try TrainingRun(configuration: configuration, folder: place, data: ColouredSet()).run {
                    if case .note(let note) = $0 { notes.append(note) }
                }
                states.append(try bytes(place + "/checkpoints/step-00000004/state.safetensors"))
                #expect(FileManager.default.fileExists(atPath: place + "/latents.safetensors") == caches)
                #expect(notes.contains { $0.contains("latents of 4 pictures") } == caches)
            }
            #expect(states[0] == states[1])
            let network = try AutoencoderFile(drawnAutoencoder(in: folder)).load(dtype: precision.on(.cpu))
            let cache = try LatentCache(folder + "/true/latents.safetensors")
            let batch = try BatchLoader(
                ColouredSet(), preparation: short(drawnAutoencoder(in: folder)).preparation, batchSize: 1, seed: 1
            ).batch(step: 0)
            let picture = try Tensor(batch.pixels, shape: [1, 3, 16, 16])
            let encoded = try withoutGradients { try network.encode(picture).moments }
            #expect(try (cache.posterior(of: picture, by: network).moments - encoded).abs().max().item() == 0)
            let isWhole = try (encoded.to(.bfloat16).to(.float32) - encoded).abs().max().item() == 0
            #expect(isWhole == (precision == .bfloat16))
            // A picture that is not among them is encoded.
            #expect(cache.count == 4)
            let other = try Tensor.rand([2, 3, 16, 16], generator: RandomGenerator(seed: 8)) * 2 - 1
            let expected = try withoutGradients { try network.encode(other).mean }
            #expect(try (cache.posterior(of: other, by: network).mean - expected).abs().max().item() == 0)
        }
    }

    /// The loss goes down, the tower learns too, and the U-Net hears it.
    @Test func itLearns() throws {
        try withTemporaryFolder { folder in
            var configuration = try short(drawnAutoencoder(in: folder), steps: 60)
            configuration.rate = LearningRate(peak: 3e-3, warmup: 5, decay: .constant, floor: 0.1)
            configuration.intervals.log = 20
            configuration.intervals.checkpoint = 60
            _ = try TrainingRun(configuration: configuration, folder: folder + "/a", data: ColouredSet()).run()
            let lines = try String(contentsOfFile: folder + "/a/log.jsonl", encoding: .utf8).split(separator: "\n")
                .map { try JSONDecoder().decode(LogEntry.self, from: Data($0.utf8)) }
            #expect(try #require(lines.last?.loss) < 0.8 * #require(lines.first?.loss))
        }
    }
}
