import Checkpoints
import Datasets
import Foundation
import Layers
import Models
import Tensors
import Testing
import Training

/// Models of pictures and texts.
@Suite struct ContrastiveTests {
    /// A run of seconds.
    static func small(_ name: String = "clip-64", steps: Int = 6) throws -> TrainingConfiguration {
        let preset = try TrainingConfiguration(presetOrFile: name)
        var configuration = preset
        configuration.imageSize = 16
        configuration.contrastive.picture =
            switch preset.contrastive.picture {
            case .convolutional: .convolutional(widths: [16, 16], blocks: 1, layers: 1, heads: 2)
            case .transformer: .transformer(patch: 4, width: 16, layers: 1, heads: 2)
            }
        configuration.contrastive.text = .init(
            vocabulary: .clip, prune: true, context: 6, width: 16, layers: 1, heads: 2)
        configuration.contrastive.embedding = 12
        configuration.batchSize = 4
        configuration.parts = 2
        configuration.steps = steps
        configuration.dtype = .float32
        configuration.rate = LearningRate(peak: 3e-3, warmup: 2)
        configuration.intervals.log = 2
        configuration.intervals.checkpoint = 2
        return configuration
    }

    private func objective(_ configuration: TrainingConfiguration) throws -> ContrastiveObjective {
        let objective = try ContrastiveObjective(configuration, .drawn, data: ColouredSet())
        // Random everywhere, also where training begins at zero.
        let generator = try RandomGenerator(seed: 9)
        for (_, value) in objective.parameters {
            try withoutGradients { try value.addInPlace(.randn(value.shape, generator: generator), factor: 0.05) }
        }
        return objective
    }

    /// Every parameter's gradient in one vector.
    private func flat(_ gradients: [Tensor?], _ parameters: [(name: String, value: Tensor)]) throws -> Tensor {
        try .concatenate(zip(gradients, parameters).map { try ($0 ?? .zeros($1.value.shape)).reshape([-1]) })
    }

    /// Embedding in parts, with kept or recomputed graphs, on any number of threads: the gradient of the whole batch.
    @Test(arguments: ["clip-64", "noised-clip-64", "glide-clip"])
    func cachedGradientsAreTheWholeBatchs(preset: String) throws {
        var configuration = try Self.small(preset)
        configuration.batchSize = 12
        let batch = try batches(configuration).batch(step: 0)
        func gradients(parts: Int, recomputes: Bool, workers: Int = 2) throws -> (Tensor, Computed) {
            configuration.parts = parts
            configuration.contrastive.recomputes = recomputes
            let objective = try objective(configuration)
            let computed = try objective.gradients(of: batch, step: 0, workers: WorkerGroup(count: workers))
            return (try flat(computed.averaged(), objective.parameters), computed)
        }
        let (whole, found) = try gradients(parts: 1, recomputes: false)
        #expect(found.examples.count == 12 && found.loss > 0.1 && found.loss.isFinite)
        for parts in [2, 4, 12] {
            let (kept, _) = try gradients(parts: parts, recomputes: false)
            let (again, computed) = try gradients(parts: parts, recomputes: true)
            let error = try relativeError(again, whole)
            #expect(error < 1e-5, "\(parts) parts: \(error)")
            #expect(try again.floats() == kept.floats())
            #expect(try gradients(parts: parts, recomputes: true, workers: 1).0.floats() == again.floats())
            #expect(abs(computed.loss - found.loss) < 1e-5)
        }
        // Not a gradient of each part's own loss: that is another one.
        configuration.batchSize = 6
        configuration.parts = 1
        let half = try objective(configuration)
        let own = try half.gradients(of: batches(configuration).batch(step: 0), step: 0, workers: WorkerGroup(count: 1))
        #expect(try relativeError(flat(own.averaged(), half.parameters), whole) > 1e-2)
    }

    /// Without the objective's machinery: both towers and the loss over everything in one graph.
    @Test func theGradientIsThatOfTheLoss() throws {
        var configuration = try Self.small()
        configuration.parts = 4
        configuration.contrastive.recomputes = true
        let objective = try objective(configuration)
        let batch = try batches(configuration).batch(step: 0)
        let computed = try objective.gradients(of: batch, step: 0, workers: WorkerGroup(count: 2))
        let encoder = try objective.model.text.encoder()
        let padded = batch.captions.map(encoder.padded)
        let pictures = try objective.network.embeddings(
            ofPictures: Tensor(batch.pixels, shape: [4, 3, 16, 16]))
        let texts = try objective.network.embeddings(
            ofTokens: Tensor(padded.flatMap(\.ids), shape: [4, 6]), mask: Tensor(padded.flatMap(\.mask), shape: [4, 6]))
        let logits = try pictures.matmul(texts.transpose(0, 1)) * objective.network.logitScale()
        let own = try Tensor.arange(4)
        let loss = try (logits.crossEntropy(own) + logits.transpose(0, 1).crossEntropy(own)) * 0.5
        let expected = try flat(loss.gradients(of: objective.parameters.map(\.value)), objective.parameters)
        #expect(abs(try loss.item() - computed.loss) < 1e-5)
        #expect(try relativeError(flat(computed.averaged(), objective.parameters), expected) < 1e-5)
        #expect(computed.measures["right caption first"] != nil)
    }

    @Test func wrongCaptionsAreMoreToChooseFrom() throws {
        let generator = try RandomGenerator(seed: 1)
        func units(_ count: Int) throws -> Tensor { try noisedCLIPUnit(.randn([count, 8], generator: generator)) }
        let (pictures, texts, wrong) = (try units(3), try units(3), try units(6))
        let scale = try Tensor(5)
        let plain = try ContrastiveLoss(pictures: pictures, texts: texts, scale: scale)
        let harder = try ContrastiveLoss(pictures: pictures, texts: texts, wrong: wrong, scale: scale)
        let logits = try pictures.matmul(texts.transpose(0, 1)).floats()
        for i in 0..<3 {
            let own = exp(5 * Double(logits[i * 3 + i]))
            let row = (0..<3).reduce(0.0) { $0 + exp(5 * Double(logits[i * 3 + $1])) }
            let column = (0..<3).reduce(0.0) { $0 + exp(5 * Double(logits[$1 * 3 + i])) }
            let more = try (0..<2).reduce(0.0) { sum, k in
                sum + exp(5 * (try (pictures.at(i) * wrong.at(i * 2 + k)).sum().item()))
            }
            #expect(abs(try plain.perExample.doubles()[i] - (log(row / own) + log(column / own)) / 2) < 1e-5)
            #expect(abs(try harder.perExample.doubles()[i] - (log((row + more) / own) + log(column / own)) / 2) < 1e-5)
        }
        #expect(throws: TensorError.self) {
            try ContrastiveLoss(pictures: pictures, texts: texts, wrong: units(4), scale: scale)
        }
    }

    /// Each caption's words share its attention, the rare ones most of it.
    @Test func wordsWeighByHowRareTheyAre() throws {
        let targets = try WordLoss.targets([[3, 1, 3], [1, 2], [], [1]], vocabulary: 5)
        let expected: [Float] = [
            0, 0.25, 0, 0.75, 0,
            0, 0.25, 0.75, 0, 0,
            0, 0, 0, 0, 0,
            0, 1, 0, 0, 0,
        ]
        #expect(try zip(targets.floats(), expected).allSatisfy { abs($0 - $1) < 1e-6 })
        let logits = try Tensor.randn([4, 5], generator: RandomGenerator(seed: 3))
        let values = try logits.doubles()
        let sum = (0..<4).reduce(0.0) { sum, row in
            let own = values[row * 5..<row * 5 + 5]
            let total = log(own.reduce(0) { $0 + exp($1) })
            return sum + (0..<5).reduce(0.0) { $0 + Double(expected[row * 5 + $1]) * (total - values[row * 5 + $1]) }
        }
        #expect(abs(try WordLoss.mean(of: logits, targets).item() - sum / 4) < 1e-6)
    }

    /// Words are predicted by a layer that is trained and kept with the run, and is no part of the model.
    @Test func wordsArePredictedBesides() throws {
        var configuration = try Self.small()
        configuration.contrastive.words = 0.5
        configuration.batchSize = 12
        let batch = try batches(configuration).batch(step: 0)
        func gradients(parts: Int, words: Double) throws -> (Tensor, Computed, ContrastiveObjective) {
            (configuration.parts, configuration.contrastive.words) = (parts, words)
            let objective = try self.objective(configuration)
            let computed = try objective.gradients(of: batch, step: 0, workers: WorkerGroup(count: 2))
            return (try flat(computed.averaged(), objective.parameters), computed, objective)
        }
        let (whole, found, objective) = try gradients(parts: 1, words: 0.5)
        #expect(try relativeError(gradients(parts: 4, words: 0.5).0, whole) < 1e-5)
        let loss = try #require(found.measures["word loss"])
        #expect(loss > 0.5 && loss < 10)
        let own = objective.parameters.filter { $0.name.hasPrefix("words.") }
        #expect(own.map(\.name) == ["words.weight", "words.bias"])
        // Without the objective's machinery: of the tokens that the text tower reads.
        let embeddings = try objective.network.embeddings(ofPictures: Tensor(batch.pixels, shape: [12, 3, 16, 16]))
        let logits = try (embeddings * Double(12).squareRoot()).matmul(own[0].value.transpose(0, 1)) + own[1].value
        let encoder = try objective.model.text.encoder()
        let captions = batch.captions.map { caption in encoder.tokens(in: caption).map(\.id) }
        let expected = try WordLoss.mean(
            of: logits, WordLoss.targets(captions, vocabulary: objective.vocabularyCount))
        #expect(abs(try expected.item() - loss) < 1e-5)
        // The picture tower learns from it; the text tower does not.
        let (doubled, _, _) = try gradients(parts: 1, words: 1)
        var place = 0
        for (name, value) in objective.parameters {
            defer { place += value.count }
            let (a, b) = (try whole.narrow(0, start: place, length: value.count), try doubled.narrow(0, start: place, length: value.count))
            let isSame = try (a - b).abs().max().item() == 0
            if name.hasPrefix("text.") { #expect(isSame, "\(name)") }
            if name == "picture.projection.weight" { #expect(!isSame) }
        }
        try withTemporaryFolder { folder in
            configuration.parts = 2
            try expectResumedEqualsWhole(configuration, in: folder)
            let path = folder + "/a/model.safetensors"
            #expect(try CLIPFile(path).archive.tensorNames.allSatisfy { !$0.hasPrefix("words.") })
            // A model goes on with words and without.
            _ = try run(folder + "/c", configuration, initialModel: path).run()
            configuration.contrastive.words = 0
            _ = try run(folder + "/d", configuration, initialModel: path).run()
        }
    }

    /// Matrices, filters and tables decay; gains, biases and the logit's scale do not.
    @Test func gainsAndBiasesDoNotDecay() throws {
        var configuration = try Self.small()
        configuration.parts = 1
        let batch = try batches(configuration).batch(step: 0)
        func weights(decay: Double) throws -> [(name: String, value: Tensor)] {
            configuration.optimizer.weightDecay = decay
            let trainer = try Trainer(
                configuration, objective: objective(configuration), workers: WorkerGroup(count: 1))
            _ = try trainer.advance(with: batch)
            return trainer.parameters
        }
        let (kept, decayed) = (try weights(decay: 0), try weights(decay: 1))
        for ((name, a), (_, b)) in zip(kept, decayed) {
            let isSame = try a.floats() == b.floats()
            #expect(isSame == (a.rank < 2), "\(name)")
        }
        #expect(Set(kept.map(\.value.rank)) == [0, 1, 2, 4])
    }

    /// Bounded after a step, before the averages follow, and not in the graph, where it would have no gradient.
    @Test func theScaleIsBounded() throws {
        let configuration = try Self.small()
        let trainer = try Trainer(
            configuration, objective: objective(configuration), workers: WorkerGroup(count: 2))
        let batch = try batches(configuration).batch(step: 0)
        let place = try #require(trainer.parameters.firstIndex { $0.name == ContrastiveModel.scaleName })
        let scale = trainer.parameters[place].value
        try withoutGradients { try scale.fillInPlace(log(3 * ContrastiveModel.highestScale)) }
        let gradient = try trainer.gradients(of: batch).averaged()[place]
        #expect(try #require(gradient).item() != 0)
        _ = try trainer.advance(with: batch)
        let highest = log(ContrastiveModel.highestScale)
        #expect(abs(try scale.item() - highest) < 1e-6)
        let average = try #require(trainer.averages.first { $0.name == ContrastiveModel.scaleName }).value
        #expect(try average.item() < highest)
    }

    @Test(arguments: ["clip-64", "noised-clip-64", "glide-clip"])
    func aBatchIsLearnedByHeart(preset: String) throws {
        var configuration = try Self.small(preset, steps: 400)
        configuration.rate = LearningRate(peak: 3e-3, warmup: 5)
        // So little noise that colours are seen.
        configuration.diffusion.schedule = .linear
        configuration.diffusion.betas = .init(from: 1e-5, to: 3e-4)
        let objective = try ContrastiveObjective(configuration, .drawn, data: ColouredSet())
        let trainer = try Trainer(configuration, objective: objective, workers: WorkerGroup(count: 2))
        let batch = try batches(configuration).batch(step: 0)
        var recent: [Double] = []
        while trainer.step < configuration.steps, recent.count < 10 || recent.contains(where: { $0 < 1 }) {
            let report = try trainer.advance(with: batch)
            recent = (recent + [try #require(report.measures["right caption first"])]).suffix(10)
        }
        #expect(recent.allSatisfy { $0 == 1 }, "\(recent) after \(trainer.step) steps")
    }

    private func run(
        _ folder: String, _ configuration: TrainingConfiguration, initialModel: String? = nil
    ) throws -> TrainingRun {
        try TrainingRun(
            configuration: configuration, folder: folder, initialModel: initialModel, data: ColouredSet())
    }

    @Test(arguments: ["clip-64", "clip-64-judge", "noised-clip-64", "glide-clip"])
    func aResumedRunEqualsAnUninterruptedOne(preset: String) throws {
        try withTemporaryFolder { folder in
            let configuration = try Self.small(preset)
            try expectResumedEqualsWhole(configuration, in: folder, files: ["model.safetensors"])
            let model = try PictureTextModels.load(folder + "/a/model.safetensors")
            #expect(model.imageSide == 16 && model.isNoised == configuration.contrastive.noised)
            #expect(try model.embeddings(ofTexts: ["a red square"]).shape == [1, 12])
        }
    }

    /// A model of clean pictures becomes one of noisy pictures, which at first sees what the other saw.
    @Test func aNoisedModelBeginsWithACleanOne() throws {
        try withTemporaryFolder { folder in
            _ = try run(folder + "/clean", Self.small()).run()
            let path = folder + "/clean/model.safetensors"
            let noised = try Self.small("noised-clip-64")
            let objective = try ContrastiveObjective(noised, .model(path), data: ColouredSet())
            let clean = try CLIPModel.load(path)
            let pictures = try Tensor.rand([2, 3, 16, 16], generator: RandomGenerator(seed: 3))
            let expected = try clean.embeddings(ofPictures: pictures, timesteps: nil)
            let found = try objective.network.embeddings(ofPictures: pictures, timesteps: Tensor([0, 900]))
            #expect(try (found - expected).abs().max().item() < 1e-5)
            let time = try #require(objective.parameters.first { $0.name.hasSuffix("time_embed.0.weight") })
            #expect(try time.value.abs().max().item() > 0)
            var other = noised
            other.contrastive.text.context = 7
            #expect(throws: (any Error).self) { try ContrastiveObjective(other, .model(path), data: ColouredSet()) }
        }
    }

    @Test(arguments: ["clip-64", "clip-64-judge", "noised-clip-64", "glide-clip"])
    func presetsAreValidAndSurviveYAML(name: String) throws {
        let preset = try TrainingConfiguration(presetOrFile: name)
        try preset.validate()
        #expect(preset.kind == .contrastive)
        #expect(try TrainingConfiguration(yaml: preset.yaml()) == preset)
    }

    @Test func theTowerCanBeOfAnotherKind() throws {
        let read = try TrainingConfiguration(
            yaml: """
                preset: clip-64
                contrastive: {picture: {transformer: {patch: 8, width: 64, layers: 2, heads: 2}}}
                """)
        #expect(read.contrastive.picture == .transformer(patch: 8, width: 64, layers: 2, heads: 2))
        for (yaml, key) in [
            ("contrastive: {picture: {transformer: {patch: 8, width: 64, layers: 2, heads: 2, colour: 1}}}", "colour"),
            ("contrastive: {picture: {transformer: {patch: 7, width: 64, layers: 2, heads: 2}}}", "contrastive"),
            ("contrastive: {picture: {recurrent: {width: 64}}}", "contrastive.picture"),
            ("contrastive: {embedding: 0}", "contrastive"), ("contrastive: {wrongCaptions: -1}", "contrastive.wrongCaptions"),
            ("contrastive: {words: -1}", "contrastive.words"),
            ("batchSize: 1\nparts: 1", "batchSize"),
        ] {
            let error = try #require(throws: TrainingError.self, "\(yaml)") {
                try TrainingConfiguration(yaml: "preset: clip-64\n" + yaml)
            }
            #expect(error.description.contains(key), "\(key) in \(error)")
        }
    }
}
