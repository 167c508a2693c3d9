import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Guidance by noised CLIP against glide-text2im (`clip_guided` of Tests/Fixtures/glide), and what it is the gradient of.
struct CLIPGuidanceTests {
    let golden: TensorArchive
    let clip: NoisedCLIPModel
    let prompts: [String]

    init() throws {
        golden = try glide("clip_guided")
        clip = try GuidedFixture.clip(golden)
        prompts = try GuidedFixture.prompts(golden)
    }

    private func error(_ found: Tensor, _ expected: Tensor) throws -> Double {
        try #require(found.shape == expected.shape)
        return try ((found - expected).norm() / expected.norm()).item()
    }

    @Test func embeddingsAgree() throws {
        let pictures = try clip.embeddings(ofPictures: golden.tensor("x"), timesteps: golden.tensor("timesteps"))
        #expect(try error(pictures, golden.tensor("image_embedding")) < 1e-5)
        #expect(try error(clip.embeddings(ofTexts: prompts), golden.tensor("text_embedding")) < 1e-5)
    }

    /// `cond_fn`, one picture at a time, for each has a step of its own.
    @Test func theGradientAgrees() throws {
        let (x, steps) = (try golden.tensor("x"), try golden.tensor("timesteps").ints())
        let schedule = try NoiseSchedule(.squaredCosine())
        for (row, step) in steps.enumerated() {
            let guidance = try CLIPGuidance(clip, prompts: [prompts[row]], scale: 3, reading: .noisy)
            guard case .noisy(let gradient) = try #require(guidance.gradient) else { return #expect(Bool(false)) }
            let rows = row..<row + 1
            let found = try withoutGradients {
                try gradient(Query(x: x.rows(rows), level: schedule.level(timestep: Double(step))))
            }
            let expected = try golden.tensor("gradient").rows(rows)
            #expect(try error(found, expected) < 1e-4, "step \(step)")
            // Between two steps the nearest counts.
            let near = try schedule.level(timestep: min(Double(step) - 0.4, 998.6))
            let rounded = try withoutGradients { try gradient(Query(x: x.rows(rows), level: near)) }
            #expect(try error(rounded, found) == 0)
        }
    }

    /// Ten steps of the reference, alone and with classifier-free guidance.
    @Test(arguments: [SamplerName.ddpm, .ddim], [false, true])
    func wholeWaysAgree(sampler: SamplerName, together: Bool) throws {
        let schedule = try NoiseSchedule(.squaredCosine())
        let guidance = try CLIPGuidance(clip, prompts: prompts, scale: 3, reading: .noisy)
        let network = try GuidedFixture.network(golden)
        let denoiser = Denoiser(
            schedule: schedule, prediction: .noise, variance: .learnedRange, gradient: guidance.gradient,
            network: together ? ClassifierFreeGuidance(scale: 3).guide(network) : network)
        // The reference draws for conditional and unconditional pictures alike.
        let generator = try RandomGenerator(seed: 11)
        let respacing = sampler == .ddpm ? Respacing.sections([10]) : .ddim(10)
        var chain = try Chain(
            sampler.sampler, schedule.trajectory(.respaced(respacing)), denoiser,
            start: .noise([2, 3, 16, 16]), noise: .batch(generator, copies: together ? 2 : 1))
        let expected = try golden.tensor("\(sampler.rawValue).\(together ? "both" : "alone")")
        while let step = try chain.next() {
            let error = try error(step.x, expected.at(step.index))
            #expect(error < 1e-3, "step \(step.index): \(error)")
        }
    }

    /// What a sampler follows is the derivative of the logit: of noisy pixels, and through the network.
    @Test(arguments: [CLIPGuidance.Reading.noisy, .predicted])
    func theGradientIsTheDerivative(reading: CLIPGuidance.Reading) throws {
        let schedule = try NoiseSchedule(.squaredCosine())
        let level = try schedule.level(timestep: 300)
        let network = try GuidedFixture.network(golden)
        let plain = Denoiser(
            schedule: schedule, prediction: .noise, variance: .learnedRange, treatment: SampleTreatment(clamp: .none),
            network: network)
        var guided = plain
        // Cut to its middle and enlarged, where it is predicted.
        let shown = { (x: Tensor) in
            reading == .noisy ? x : try x.narrow(2, start: 1, length: 12)
        }
        let guidance = try CLIPGuidance(clip, prompts: prompts, scale: 2, reading: reading, picture: shown)
        guided.gradient = guidance.gradient
        let x = try golden.tensor("x")
        try checkDerivative(at: x, level, plain: plain, guided: guided) { x in
            switch reading {
            case .noisy:
                let steps = try Tensor([300, 300])
                return try clip.likeness(
                    ofPictures: x, timesteps: steps, toTexts: clip.embeddings(ofTexts: prompts)).sum().item() * 200
            case .predicted:
                let picture = try shown(plain.estimate(x, at: level).x0)
                return try clip.likeness(
                    ofPictures: clip.fitted(picture), toTexts: clip.embeddings(ofTexts: prompts)).sum().item() * 200
            }
        }
    }

    /// Latents: through the U-Net, the autoencoder, and to CLIP's size.
    @Test func theGradientReachesLatents() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/pipelines/sd1").path
        let model = try PublishedModel(folder).load()
        let plan = try model.drawing.diffusion.plan(.ddim, steps: 5)
        let network = try model.network(
            DrawingRequest(prompts: ["lake"], negativePrompts: [""], height: 16, width: 16),
            guidance: ClassifierFreeGuidance(scale: 3))
        let guidance = try CLIPGuidance(
            clip, prompts: ["lake"], scale: 2, reading: .predicted, picture: model.decodeRecording)
        let (plain, guided) = (plan.denoiser(network), plan.denoiser(gradient: guidance.gradient, network))
        let factor = model.drawing.latentFactor
        let x = try Tensor.randn(
            [1, model.drawing.latentChannels, 16 / factor, 16 / factor], generator: RandomGenerator(seed: 2))
        let text = try clip.embeddings(ofTexts: ["lake"])
        let level = plan.trajectory.levels[2]
        try checkDerivative(at: x, level, plain: plain, guided: guided) { x in
            let picture = try model.decode(plain.estimate(x, at: level).x0, tiling: .off)
            return try clip.likeness(ofPictures: clip.fitted(picture), toTexts: text).sum().item() * 200
        }
    }

    /// Central differences along random directions, in float32: to a hundredth of the gradient's length.
    private func checkDerivative(
        at x: Tensor, _ level: NoiseLevel, plain: Denoiser, guided: Denoiser, _ value: (Tensor) throws -> Double
    ) throws {
        try withoutGradients {
            let shift = try guided.guidedEstimate(x, at: level).x0 - plain.estimate(x, at: level).x0
            let gradient = try shift / (level.sigma * (1 - level.alphaBar).squareRoot())
            let length = try gradient.norm().item()
            #expect(length > 0)
            for seed in 0..<4 as Range<UInt64> {
                let random = try Tensor.randn(x.shape, generator: RandomGenerator(seed: seed))
                // Half along the gradient, so that there is something to see.
                let direction = try random / random.norm() + gradient / length
                let h = 2e-3
                let slope = try (value(x + direction * h) - value(x - direction * h)) / (2 * h)
                let along = try (gradient * direction).sum().item()
                #expect(abs(along - slope) < 0.01 * length, "\(along), not \(slope); its length is \(length)")
            }
        }
    }

    @Test func picturesAreFitted() throws {
        let tall = try Tensor.randn([2, 3, 40, 16], generator: RandomGenerator(seed: 1))
        #expect(try clip.fitted(tall).floats() == tall.narrow(2, start: 12, length: 16).floats())
        let wide = try clip.fitted(Tensor.randn([1, 3, 31, 50], generator: RandomGenerator(seed: 1)))
        #expect(wide.shape == [1, 3, 16, 16])
        #expect(throws: TensorError.self) { try clip.fitted(.zeros([2, 1, 16, 16])) }
    }

    @Test func processesAreCompared() throws {
        let mine = try #require(clip.process)
        #expect(mine.steps == 1000)
        #expect(try mine.hasNoise(of: DiffusionConfiguration()))
        #expect(try !mine.hasNoise(of: DiffusionConfiguration(schedule: .linear)))
        #expect(try !mine.hasNoise(of: DiffusionConfiguration(steps: 100)))
        // Written out, it is the same.
        var betas = DiffusionConfiguration()
        betas.trainedBetas = try betas.noiseSchedule().betas
        #expect(try mine.hasNoise(of: betas))
    }
}

/// The networks that the fixture was made with.
enum GuidedFixture {
    static func prompts(_ golden: TensorArchive) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(#require(golden.metadata["prompts"]).utf8))
    }

    static func clip(_ golden: TensorArchive) throws -> NoisedCLIPModel {
        let image = try NoisedCLIPFile(PrefixedSource(golden, prefix: "image."))
        let table = try Tensor.randn([65_536, 64], generator: RandomGenerator(seed: 12)) * 0.5
        let text = try NoisedCLIPFile(
            JoinedSource([
                PrefixedSource(golden, prefix: "text."),
                OneTensor(name: "blocks.input.w_voc", value: table),
            ]))
        return try NoisedCLIPModel(
            image: #require(image).imageTower(), text: #require(text).textTower(), device: .cpu)
    }

    /// The base model of the fixtures beside it, for the fixture's tokens.
    static func network(_ golden: TensorArchive) throws -> Network {
        let store = WeightStore(.tensors(try glideWeights("base")))
        let network = try GLIDE(
            Weights(store),
            configuration: GLIDEConfiguration(
                input: .text,
                unet: UNetConfiguration(
                    inputChannels: 3, outputChannels: 6, modelChannels: 32,
                    levels: [
                        .init(channels: 32, residualBlocks: 1, attention: false),
                        .init(channels: 64, residualBlocks: 1, attention: true),
                    ], headWidth: 16, text: .joint(width: 32)),
                text: TextTransformerConfiguration(vocabulary: 64, context: 8, width: 32, layers: 2, heads: 2)))
        try store.finish()
        let both = try withoutGradients {
            try network.text(tokens: golden.tensor("tokens"), mask: golden.tensor("mask"))
        }
        func half(_ rows: Range<Int>) throws -> TextStates {
            TextStates(states: try both.states.rows(rows), embedding: try both.embedding.rows(rows))
        }
        let (conditional, unconditional) = (try half(0..<2), try half(2..<4))
        return { query in
            let text =
                switch query.branch {
                case .conditional: conditional
                case .unconditional: unconditional
                case .both: both
                }
            return try network(query.x, timesteps: query.timesteps(), text: text)
        }
    }
}

struct OneTensor: TensorSource {
    let name: String
    let value: Tensor

    var sourceName: String { name }
    var tensorNames: [String] { [name] }
    func shape(of name: String) -> [Int]? { name == self.name ? value.shape : nil }
    func tensor(_ name: String) throws -> Tensor { value }
}
