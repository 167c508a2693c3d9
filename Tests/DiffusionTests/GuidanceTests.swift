import Diffusion
import Tensors
import Testing

@Suite struct GuidanceTests {
    let level: NoiseLevel
    let x: Tensor

    init() throws {
        level = try NoiseSchedule(.squaredCosine()).level(timestep: 500)
        x = try normal([2, 3, 4, 4])
    }

    /// A network whose conditional answer is x + 1 and whose unconditional is 2x, with a variance of 0 and 1.
    func network(learned: Bool = false) -> Network {
        { query in
            let rows = try query.x.size(0)
            let half = query.branch == .both ? rows / 2 : rows
            let conditional = try query.x.rows(0..<half) + 1
            let unconditional = try query.x.rows(rows - half..<rows) * 2
            let answers: [Tensor] =
                switch query.branch {
                case .conditional: [conditional]
                case .unconditional: [unconditional]
                case .both: [conditional, unconditional]
                }
            guard learned else { return try .concatenate(answers) }
            let variances = try answers.enumerated().map { try $1 * 0 + Double($0) }
            return try .concatenate([.concatenate(answers), .concatenate(variances)], dim: 1)
        }
    }

    func ask(_ guidance: ClassifierFreeGuidance, learned: Bool = false) throws -> Tensor {
        try guidance.guide(network(learned: learned))(Query(x: x, level: level))
    }

    @Test(arguments: [true, false]) func answersAreCombined(isBatched: Bool) throws {
        let guided = try ask(ClassifierFreeGuidance(scale: 3, isBatched: isBatched))
        #expect(try difference(guided, x * 2 + (x + 1 - x * 2) * 3) < 1e-14)
        #expect(try difference(ask(ClassifierFreeGuidance(scale: 0, isBatched: isBatched)), x * 2) < 1e-14)
    }

    @Test func scaleOneIsConditional() throws {
        #expect(try difference(ask(ClassifierFreeGuidance(scale: 1)), x + 1) == 0)
        let near = try ask(ClassifierFreeGuidance(scale: 1 + 1e-12))
        #expect(try difference(near, x + 1) < 1e-11)
    }

    @Test func theVarianceIsTheConditionalOne() throws {
        let guided = try ask(ClassifierFreeGuidance(scale: 3), learned: true)
        #expect(guided.shape == [2, 6, 4, 4])
        #expect(try guided.narrow(1, start: 3, length: 3).abs().max().item() == 0)
    }

    @Test func rescalingRestoresTheDeviation() throws {
        let deviation = { (t: Tensor) in try t.reshape([2, -1]).variance([1]).sqrt() }
        let plain = try ask(ClassifierFreeGuidance(scale: 7.5))
        let rescaled = try ask(ClassifierFreeGuidance(scale: 7.5, rescale: 1))
        #expect(try difference(deviation(rescaled), deviation(x + 1)) < 1e-12)
        let half = try ask(ClassifierFreeGuidance(scale: 7.5, rescale: 0.5))
        #expect(try difference(half, (plain + rescaled) / 2) < 1e-12)
        #expect(try difference(plain, rescaled) > 0.1)
    }

    @Test func outsideTheIntervalNothingIsGuided() throws {
        let sigma = level.sigma
        let inside = ClassifierFreeGuidance(scale: 3, interval: sigma * 0.9...sigma * 1.1)
        let outside = ClassifierFreeGuidance(scale: 3, interval: sigma * 1.1...sigma * 2)
        #expect(try difference(ask(inside), ask(ClassifierFreeGuidance(scale: 3))) == 0)
        #expect(try difference(ask(outside), x + 1) == 0)
    }

    @Test func anAnswerOfAnotherShapeIsRefused() throws {
        let guidance = ClassifierFreeGuidance(scale: 3)
        #expect(throws: DiffusionError.self) {
            try guidance.guide { try $0.x.narrow(1, start: 0, length: 2) }(Query(x: x, level: level))
        }
        #expect(throws: DiffusionError.self) {
            try guidance.guide { try $0.x.rows(0..<2) }(Query(x: x, level: level))
        }
    }

    /// GLIDE carries conditional and unconditional pictures through the whole chain and draws for both.
    @Test func theReferencesDoubledBatchIsReproduced() throws {
        let schedule = try NoiseSchedule(.squaredCosine())
        let trajectory = try schedule.trajectory(.respaced(.sections([10])))
        let guidance = ClassifierFreeGuidance(scale: 3)
        let denoiser = { (network: @escaping Network) in
            Denoiser(schedule: schedule, prediction: .noise, variance: .learnedRange, network: network)
        }
        // The reference's: a batch of 4, whose first half is asked for both.
        let asReference: Network = { query in
            let half = try query.x.rows(0..<2)
            let doubled = try Tensor.concatenate([half, half])
            let output = try network(learned: true)(Query(x: doubled, level: query.level, branch: .both))
            let (noise, rest) = (try output.narrow(1, start: 0, length: 3), try output.narrow(1, start: 3, length: 3))
            let (wanted, unwanted) = (try noise.rows(0..<2), try noise.rows(2..<4))
            let guided = try unwanted + (wanted - unwanted) * 3
            return try .concatenate([.concatenate([guided, guided]), rest], dim: 1)
        }
        var reference = try Chain(
            DDPM(), trajectory, denoiser(asReference), start: .noise([4, 3, 4, 4]),
            noise: .batch(RandomGenerator(seed: 3)))
        var ours = try Chain(
            DDPM(), trajectory, denoiser(guidance.guide(network(learned: true))), start: .noise([2, 3, 4, 4]),
            noise: .batch(RandomGenerator(seed: 3), copies: 2))
        #expect(try difference(ours.run(), reference.run().rows(0..<2)) == 0)
    }
}
