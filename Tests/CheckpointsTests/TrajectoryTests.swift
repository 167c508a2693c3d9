import Checkpoints
import Diffusion
import Layers
import Models
import Tensors
import Testing

/// Network, guidance and sampler together: glide-text2im's ten ancestral steps at guidance 3 (see
/// Tests/Fixtures/glide/README.md).
struct TrajectoryTests {
    @Test func guidedTrajectoryAgrees() throws {
        let golden = try glide("base.trajectory")
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

        // Rows 0 and 1 are conditional, 2 and 3 the same two unconditional.
        let both = try withoutGradients {
            try network.text(tokens: golden.tensor("trajectory.tokens"), mask: golden.tensor("trajectory.mask"))
        }
        func half(_ rows: Range<Int>) throws -> TextStates {
            TextStates(states: try both.states.rows(rows), embedding: try both.embedding.rows(rows))
        }
        let (conditional, unconditional) = (try half(0..<2), try half(2..<4))
        let ask: Network = { query in
            let text =
                switch query.branch {
                case .conditional: conditional
                case .unconditional: unconditional
                case .both: both
                }
            return try network(query.x, timesteps: query.timesteps(), text: text)
        }

        let schedule = try DiffusionConfiguration().noiseSchedule()
        let trajectory = try schedule.trajectory(.respaced(.sections([10])))
        #expect(try trajectory.levels.dropLast().map { Int($0.timestep) } == golden.tensor("trajectory.timesteps").ints())
        let noise = try golden.tensor("trajectory.noise")
        for isBatched in [true, false] {
            var drawn = 0
            let denoiser = Denoiser(
                schedule: schedule, prediction: .noise, variance: .learnedRange,
                network: ClassifierFreeGuidance(scale: 3, isBatched: isBatched).guide(ask))
            var chain = try Chain(
                DDPM(), trajectory, denoiser, start: .given(golden.tensor("trajectory.initial_noise").rows(0..<2)),
                noise: NoiseSource { _, _, _ in
                    defer { drawn += 1 }
                    return try noise.at(drawn).rows(0..<2)
                })
            while let step = try chain.next() {
                for (name, value) in [("samples", step.x), ("pred_xstart", step.x0)] {
                    let expected = try golden.tensor("trajectory." + name).at(step.index).rows(0..<2)
                    let error = try ((value - expected).norm() / expected.norm()).item()
                    #expect(error <= 1e-4, "\(name) after step \(step.index): relative L2 error \(error)")
                }
                if step.isLast {
                    let expected = try golden.tensor("trajectory.output")
                    #expect(try ((step.x - expected).norm() / expected.norm()).item() <= 1e-4)
                }
            }
            #expect(drawn == 10)
        }
    }
}
