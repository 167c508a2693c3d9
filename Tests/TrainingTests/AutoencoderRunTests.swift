import Checkpoints
import Datasets
import Diffusion
import Foundation
import Images
import Layers
import Models
import Tensors
import Testing
import Training

/// Patterns of two colours, of which an autoencoder can learn something in seconds.
private struct Stripes: CaptionedPictures {
    let name = "stripes"
    let count = 64

    func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        var draws = SeededGenerator(seed: UInt64(index))
        let colours = (0..<2).map { _ in
            Colour(red: UInt8(draws.below(256)), green: UInt8(draws.below(256)), blue: UInt8(draws.below(256)))
        }
        let (period, across) = (4 + draws.below(8), draws.chance(0.5))
        let pixels = (0..<16 * 16).flatMap { place -> [UInt8] in
            let position = across ? place % 16 : place / 16
            let colour = colours[position / period % 2]
            return [colour.red, colour.green, colour.blue]
        }
        return Example(picture: try Picture(width: 16, height: 16, channels: 3, pixels: pixels), caption: "stripes", key: "\(index)")
    }
}

/// A run of seconds.
private func short(codes: Int = 0, factor: Int = 4, steps: Int = 4, adversarial: Double = 0.3) -> TrainingConfiguration {
    var configuration = codes > 0 ? TrainingConfiguration.quantisedF4 : .autoencoderF4
    configuration.imageSize = 16
    configuration.autoencoder.codes = codes
    configuration.autoencoder.levels = [.init(channels: 8), .init(channels: 16), .init(channels: 16), .init(channels: 16)]
    if factor == 4 { configuration.autoencoder.levels.removeLast() }
    configuration.autoencoder.normGroups = 4
    (configuration.autoencoder.pixelLoss, configuration.autoencoder.klWeight) = (.l1, 1e-6)
    configuration.autoencoder.adversarial = .init(weight: adversarial, start: 2, channels: 8, layers: 2)
    configuration.batchSize = 8
    configuration.parts = 2
    configuration.steps = steps
    configuration.rate = LearningRate(peak: 2e-3, warmup: 2, decay: .cosine, floor: 0.1)
    configuration.emaDecay = 0.9
    configuration.dtype = .float32
    configuration.intervals.set(log: 2, sample: 0, checkpoint: 2)
    return configuration
}

/// A CLIP of drawn weights, eight pixels a side.
private func writeCLIP(_ picture: ContrastiveConfiguration.Picture, timesteps: Int?, to path: String) throws {
    let configuration = CLIPConfiguration(
        name: "small",
        network: ContrastiveConfiguration(
            side: 8, timesteps: timesteps, picture: picture,
            text: TextTransformerConfiguration(vocabulary: 3, context: 4, width: 8, layers: 1, heads: 2), embedding: 8),
        text: TextConfiguration(vocabulary: .clip, context: 4, kept: [320, 1125]),
        diffusion: timesteps.map { DiffusionConfiguration(steps: $0, variance: .fixedSmall) })
    let store = WeightStore(.initial(try RandomGenerator(seed: 5)))
    _ = try ContrastiveModel(Weights(store), configuration: configuration.network)
    try CLIPFile.write(store.parameters, configuration: configuration, to: path)
}

extension TrainingConfiguration.Intervals {
    mutating func set(log: Int, sample: Int, checkpoint: Int) {
        (self.log, self.sample, self.checkpoint) = (log, sample, checkpoint)
    }
}

@Suite struct AutoencoderRunTests {
    private func log(_ folder: String) throws -> [LogEntry] {
        try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8).split(separator: "\n")
            .map { try JSONDecoder().decode(LogEntry.self, from: Data($0.utf8)) }
    }

    /// Each preset in small: trains, resumes to the bit also across the discriminator's entry, and what it leaves loads.
    @Test(arguments: [(0, 4, 1), (0, 4, 3), (0, 8, 3), (16, 4, 3), (16, 8, 3)])
    func runsTrainAndResume(codes: Int, factor: Int, stop: Int) throws {
        let configuration = short(codes: codes, factor: factor)
        try withTemporaryFolder { folder in
            var other = configuration
            other.workers = 1
            let whole = try expectResumedEqualsWhole(
                configuration, in: folder, stopAfter: stop, resumedWith: other,
                files: ["model/config.json", "model/diffusion_pytorch_model.safetensors"], data: Stripes())
            #expect(whole.vocabularyCount == 0)
            let file = try AutoencoderFile(whole.modelPath)
            var wanted = configuration.autoencoderNetwork
            wanted.scalingFactor = file.configuration.scalingFactor
            #expect(file.configuration == wanted)
            #expect(file.configuration.factor == factor)
            #expect(try AutoencoderSummary(file).total < whole.parameterCount)
            _ = try file.load()
            let measures = try #require(log(folder + "/a").last?.measures)
            #expect(measures["judging"] != nil && measures["adversarial weight"] != nil && measures["PSNR"] != nil)
            #expect((measures["codes in use"] != nil) == (codes > 0))
        }
    }

    /// What it learns is what it writes: pictures come back better, latents have the deviation 1, and another run begins
    /// where this one ended.
    @Test(arguments: [0, 32]) func picturesComeBack(codes: Int) throws {
        var configuration = short(codes: codes, steps: 80, adversarial: 0)
        configuration.seed = 2  // With codes, some seeds have found few of them after so few steps.
        configuration.rate = LearningRate(peak: 1e-3, warmup: 5, decay: .constant, floor: 0.1)
        configuration.intervals.set(log: 20, sample: 80, checkpoint: 80)
        try withTemporaryFolder { folder in
            let run = try TrainingRun(configuration: configuration, folder: folder + "/a", data: ColouredSet())
            _ = try run.run()
            let lines = try log(folder + "/a")
            let (first, last) = (try #require(lines.first?.measures?["PSNR"]), try #require(lines.last?.measures?["PSNR"]))
            #expect(last > first + 4, "\(first) dB, then \(last)")
            #expect(try #require(lines.last?.loss) < 0.6 * #require(lines.first?.loss))
            #expect(try Picture(path: folder + "/a/samples/step-00000080.png").width > 32)

            let file = try AutoencoderFile(run.modelPath)
            let network = try file.load()
            let loader = try BatchLoader(ColouredSet(), preparation: configuration.preparation, batchSize: 64, seed: 5)
            let batch = try loader.batch(step: 0)
            let pictures = try Tensor(batch.pixels, shape: [64, 3, 16, 16])
            let (latents, made) = try withoutGradients {
                let posterior = try network.encode(pictures)
                return (
                    try network.scaled(posterior.sample(RandomGenerator(seed: 9))), try network.decode(posterior.mode)
                )
            }
            let deviation = try latents.to(.float64).variance().item().squareRoot()
            #expect(abs(deviation - 1) < 0.1, "\(deviation)")
            let error = try (made - pictures).abs().mean().item()
            let learned = try #require(lines.last?.loss)
            #expect(error < 1.5 * learned, "\(error) of the averages, \(learned) of the weights")

            configuration.steps = 1
            configuration.rate.peak = 1e-12
            configuration.intervals.set(log: 1, sample: 0, checkpoint: 1)
            let next = try TrainingRun(
                configuration: configuration, folder: folder + "/b", initialModel: run.modelPath, data: ColouredSet())
            _ = try next.run()
            let (old, new) = (file.source, try AutoencoderFile(next.modelPath).source)
            for name in old.tensorNames {
                #expect(try (new.tensor(name) - old.tensor(name)).abs().max().item() < 1e-6, "\(name)")
            }
            configuration.autoencoder.latentChannels += 1
            let refused = #expect(throws: TrainingError.self) {
                try TrainingRun(
                    configuration: configuration, folder: folder + "/c", initialModel: run.modelPath, data: ColouredSet())
            }
            #expect(refused?.description.contains("of another shape") == true)
        }
    }

    /// A part's gradients are those of the whole: means over equal parts.
    @Test func partsAddUp() throws {
        var configuration = short(adversarial: 0)
        let loader = try BatchLoader(Stripes(), preparation: configuration.preparation, batchSize: 8, seed: 1)
        let batch = try loader.batch(step: 0)
        var found: [[Tensor?]] = []
        for parts in [1, 4] {
            configuration.parts = parts
            let objective = try AutoencoderObjective(
                configuration, weights: .initial(RandomGenerator(seed: 3)), data: Stripes())
            let computed = try objective.gradients(of: batch, step: 0, workers: WorkerGroup(count: 2))
            #expect(computed.examples.count == 8)
            found.append(try computed.averaged())
        }
        for (one, four) in zip(found[0], found[1]) {
            guard let one, let four, try one.norm().item() > 1e-6 else { continue }
            #expect(try relativeError(four, one) < 1e-4)
        }
    }

    @Test func aPerceptualNetworkIsHeard() throws {
        var configuration = short(steps: 1, adversarial: 0)
        configuration.autoencoder.perceptual = .init(
            weight: 1, network: fixtures + "/autoencoder/vgg.safetensors",
            channelWeights: fixtures + "/autoencoder/lpips.safetensors")
        try withTemporaryFolder { try expectPerceptualPart(of: configuration, in: $0) }
    }

    /// From the file of a run, and an embedded one by its name.
    @Test(arguments: ["convolutional", "noised", "transformer", "scenes-clip"]) func aCLIPIsHeard(kind: String) throws {
        try withTemporaryFolder { folder in
            var configuration = short(steps: 1, adversarial: 0)
            let network = kind == "scenes-clip" ? kind : folder + "/clip.safetensors"
            if network != kind {
                try writeCLIP(
                    kind == "transformer"
                        ? .transformer(patch: 4, width: 16, layers: 2, heads: 2)
                        : .convolutional(widths: [16, 24], blocks: 1, layers: 1, heads: 2),
                    timesteps: kind == "noised" ? 10 : nil, to: network)
            }
            configuration.autoencoder.perceptual = .init(weight: 1, network: network)
            try expectPerceptualPart(of: configuration, in: folder + "/run")
            // Also by the gradients.
            let loader = try BatchLoader(Stripes(), preparation: configuration.preparation, batchSize: 8, seed: 1)
            let batch = try loader.batch(step: 0)
            func gradient(weight: Double) throws -> Tensor {
                configuration.autoencoder.perceptual.weight = weight
                let objective = try AutoencoderObjective(
                    configuration, weights: .initial(RandomGenerator(seed: 3)), data: Stripes())
                let found = try objective.gradients(of: batch, step: 0, workers: WorkerGroup(count: 2)).averaged()
                return try .concatenate(
                    zip(found, objective.parameters).map { try ($0 ?? .zeros($1.value.shape)).reshape([-1]) })
            }
            #expect(try relativeError(gradient(weight: 100), gradient(weight: 0)) > 0.01)
        }
    }

    @Test func aPerceptualNetworkThatIsNoneIsNamed() throws {
        var configuration = short(steps: 1, adversarial: 0)
        let lpips = fixtures + "/autoencoder/lpips.safetensors"
        for (network, weights, problem) in [
            ("scenes-nothing", "", "autoencoder.perceptual.network: scenes-nothing: is no file or folder"),
            (lpips, "", "autoencoder.perceptual.network: \(lpips): features.0.weight is missing"),
            ("scenes-clip", lpips, "autoencoder.perceptual: \(lpips): weighs the channels of VGG-16"),
        ] {
            configuration.autoencoder.perceptual = .init(weight: 1, network: network, channelWeights: weights)
            let error = #expect(throws: TrainingError.self) {
                try AutoencoderObjective(configuration, weights: .initial(RandomGenerator(seed: 3)), data: Stripes())
            }
            let description = try #require(error).description
            #expect(description.hasPrefix(problem) && description.contains("; expected "), "\(description)")
        }
    }

    /// The loss of a run's only step is the pixels' and the perceptual network's, which weighs 1.
    private func expectPerceptualPart(of configuration: TrainingConfiguration, in folder: String) throws {
        var configuration = configuration
        configuration.intervals.set(log: 1, sample: 0, checkpoint: 1)
        _ = try TrainingRun(configuration: configuration, folder: folder, data: Stripes()).run()
        let entry = try #require(log(folder).first)
        let measures = try #require(entry.measures)
        let parts = try #require(measures["L1"]) + #require(measures["perceptual"])
        #expect(try #require(measures["perceptual"]) > 0 && abs(#require(entry.loss) - parts) < 1e-3)
    }

    @Test(arguments: [
        ("autoencoder: {codes: -1}", "autoencoder.codes"), ("autoencoder: {klWeight: -1}", "autoencoder.klWeight"),
        ("autoencoder: {levels: []}", "levels"), ("autoencoder: {normGroups: 7}", "7 groups"),
        ("autoencoder: {latentChannels: 0}", "latentChannels"), ("imageSize: 66", "autoencoder.levels"),
        ("autoencoder: {perceptual: {weight: 1}}", "autoencoder.perceptual.network"),
        ("autoencoder: {adversarial: {weight: 0.1, channels: 20}}", "autoencoder.adversarial.channels"),
        ("autoencoder: {adversarial: {weight: 0.1, channels: 32, layers: 5}}", "autoencoder.adversarial.layers"),
        ("autoencoder: {adversarial: {begin: 5}}", "autoencoder.adversarial.begin"),
        ("autoencoder: {pixelLoss: l3}", "autoencoder.pixelLoss"), ("data: {flip: 2}", "data.flip"),
    ]) func mistakesAreNamed(yaml: String, key: String) throws {
        let error = try #require(throws: TrainingError.self) {
            try TrainingConfiguration(yaml: "preset: autoencoder-f4\n" + yaml)
        }
        #expect(error.description.contains(key), "\(error)")
    }
}
