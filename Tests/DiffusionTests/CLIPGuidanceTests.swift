import Diffusion
import Foundation
import Tensors
import Testing

/// Guidance by a likeness whose effect is known in closed form.
@Suite struct CLIPGuidanceTests {
    static let readings: [CLIPGuidance.Reading] = [.noisy, .predicted]
    /// A consistency model says where the way ends, and has no score that could be moved.
    static let samplers = SamplerName.allCases.filter { $0 != .lcm }

    let schedule: NoiseSchedule
    let single = Mixture(weights: [1], means: [[0.2, -0.3]], deviation: 0.5)

    init() throws { schedule = try NoiseSchedule(.squaredCosine()) }

    /// Mean and deviation on each axis of what guided sampling ends with.
    func drawn(_ name: SamplerName, _ guidance: CLIPGuidance) throws -> (means: [Double], deviations: [Double]) {
        var denoiser = single.denoiser(schedule, .noise)
        denoiser.gradient = guidance.gradient
        // A Gaussian needs fewer steps than a mixture.
        let spacing: Spacing =
            switch name {
            case .ddpm, .ddim, .pndm: .respaced(.sections([name == .ddpm ? 400 : 100]))
            case .euler: .karras(100, range: 0.01...80)
            case .eulerAncestral: .karras(250, range: 0.01...80)
            default: .karras(40, range: 0.01...80)
            }
        var chain = try Chain(
            name.sampler, schedule.trajectory(spacing), denoiser, start: .noise([8000, 2], dtype: .float64),
            noise: .batch(RandomGenerator(seed: 5)))
        let x = try chain.run()
        return (try x.mean([0]).doubles(), try x.variance([0]).sqrt().doubles())
    }

    /// E[x₀ | x_t].
    func mean(_ xt: Tensor, _ level: NoiseLevel) throws -> Tensor {
        try single.denoised(xt / level.alphaBar.squareRoot(), sigma: level.sigma)
    }

    /// A Gaussian N(μ, s²) seen by log p(c | x₀) = a · x₀ + const becomes N(μ + s² · a, s²). Of noisy pictures,
    /// log p(c | x_t) = a · E[x₀ | x_t] + const: both readings are exact.
    @Test(arguments: samplers.map { ($0, CLIPGuidance.Reading.predicted) } + [(.ddpm, .noisy), (.heun, .noisy)])
    func aLinearLikenessMovesTheMean(name: SamplerName, reading: CLIPGuidance.Reading) throws {
        let slope = try Tensor([0.6, -0.4])
        let guidance = CLIPGuidance(scale: 2, reading: reading) { x, level in
            try ((reading == .noisy ? mean(x, level) : x) * slope).sum([1])
        }
        let (means, deviations) = try drawn(name, guidance)
        for (axis, expected) in [0.2 + 0.25 * 1.2, -0.3 - 0.25 * 0.8].enumerated() {
            // 8,000 draws of a deviation of 0.5 scatter by 0.006; unguided, it is 0.3 and 0.2 off.
            #expect(abs(means[axis] - expected) < 0.025, "\(name), \(reading): \(means)")
            #expect(abs(deviations[axis] / 0.5 - 1) < 0.04, "\(name), \(reading): \(deviations)")
        }
    }

    /// log p(c | x₀) = −(c − x₀)² / 2τ², as of a measurement, narrows the Gaussian too.
    @Test(arguments: [SamplerName.ddpm, .heun, .dpmSolver2MSDE])
    func aQuadraticLikenessNarrowsIt(name: SamplerName) throws {
        let (c, tau2, s2) = (1.0, 0.5, 0.25)
        let guidance = CLIPGuidance(scale: 1, reading: .noisy) { xt, level in
            let sigma2 = level.sigma * level.sigma
            let remaining = level.sigma.isFinite ? s2 * sigma2 / (s2 + sigma2) : s2
            return try (c - mean(xt, level)).square().sum([1]) * (-0.5 / (remaining + tau2))
        }
        let (means, deviations) = try drawn(name, guidance)
        let variance = 1 / (1 / s2 + 1 / tau2)
        for (axis, prior) in [0.2, -0.3].enumerated() {
            let expected = variance * (prior / s2 + c / tau2)
            #expect(abs(means[axis] - expected) < 0.025, "\(name): \(means)")
            #expect(abs(deviations[axis] / variance.squareRoot() - 1) < 0.04, "\(name): \(deviations)")
        }
    }

    /// How far a denoiser's score is moved, told from where x₀ is: σ · √(1 − ᾱ) · gradient.
    func followed(_ denoiser: Denoiser, _ x: Tensor, _ level: NoiseLevel) throws -> Tensor {
        let shift = try denoiser.guidedEstimate(x, at: level).x0 - denoiser.estimate(x, at: level).x0
        return try shift / (level.sigma * (1 - level.alphaBar).squareRoot())
    }

    @Test(arguments: readings, [Prediction.noise, .sample, .velocity])
    func theGradientIsTheDerivative(reading: CLIPGuidance.Reading, prediction: Prediction) throws {
        let level = try schedule.level(timestep: 613)
        let target = try normal([2, 3, 4, 4], seed: 3)
        var denoiser = Denoiser(
            schedule: schedule, prediction: prediction, treatment: SampleTreatment(clamp: .unit)
        ) { try ($0.x * 1.3 + 0.2).tanh() * 0.7 }
        // Not linear, and every pixel matters.
        let likeness = { (x: Tensor) in try ((x - target).square() * -0.1 + (x * target).sin()).sum([1, 2, 3]) }
        let guidance = CLIPGuidance(scale: 3, reading: reading) { x, _ in try likeness(x) }
        let x = try normal([2, 3, 4, 4], seed: 4)
        let plain = denoiser
        let value = { (x: Tensor) in
            try likeness(reading == .noisy ? x : plain.estimate(x, at: level).x0).sum().item() * 3
        }
        denoiser.gradient = guidance.gradient
        let gradient = try followed(denoiser, x, level)
        for seed in 10..<14 as Range<UInt64> {
            let direction = try normal([2, 3, 4, 4], seed: seed)
            let h = 1e-5
            let slope = try (value(x + direction * h) - value(x - direction * h)) / (2 * h)
            let along = try (gradient * direction).sum().item()
            #expect(abs(along - slope) < 1e-5 * max(1, abs(slope)), "\(along), not \(slope)")
        }
    }

    /// One call of the network a step, as without guidance, and no graph is left behind.
    @Test(arguments: [SamplerName.ddpm, .ddim, .euler, .dpmSolver2M, .pndm, .lcm])
    func guidanceThroughThePredictionCallsTheNetworkOnce(name: SamplerName) throws {
        let trajectory = try schedule.trajectory(.respaced(.sections([6])))
        let weight = try Tensor.ones([1])
        let run = { (count: Int, guidance: CLIPGuidance?) in
            var calls = 0
            let denoiser = Denoiser(
                schedule: schedule, prediction: .noise, gradient: guidance?.gradient
            ) { query in
                calls += 1
                return try (query.x * 1.5 * weight).tanh()
            }
            var chain = try Chain(
                name.sampler, trajectory, denoiser, start: .noise([count, 3, 4, 4]),
                noise: .seeded(7, count: count))
            var last: SamplingStep?
            while let step = try chain.next() { last = step }
            let end = try #require(last)
            #expect(!end.x.requiresGrad && !end.x0.requiresGrad)
            return (x: end.x, calls: calls)
        }
        let guidance = CLIPGuidance(scale: 2, reading: .predicted) { x, _ in try x.square().sum([1, 2, 3]) * -0.5 }
        let (plain, guided) = (try run(2, nil), try run(2, guidance))
        #expect(plain.calls == guided.calls)
        #expect(try difference(guided.x, plain.x) > 1e-3)
        // Each picture is guided as it would be alone.
        #expect(try difference(run(1, guidance).x, guided.x.rows(0..<1)) < 1e-6)
        var off = guidance
        off.scale = 0
        #expect(off.gradient == nil)
    }

    @Test(arguments: readings) func outsideTheIntervalNothingIsGuided(reading: CLIPGuidance.Reading) throws {
        var denoiser = single.denoiser(schedule, .noise)
        let plain = denoiser
        var asked: [Double] = []
        denoiser.gradient = CLIPGuidance(scale: 1, reading: reading, interval: 0.5...20) { x, level in
            asked.append(level.timestep)
            return try x.sum([1])
        }.gradient
        let x = try normal([4, 2])
        for step in [0.0, 100, 500, 900, 999] {
            let level = try schedule.level(timestep: step)
            let shift = try difference(denoiser.guidedEstimate(x, at: level).x0, plain.estimate(x, at: level).x0)
            #expect((shift > 0) == [500, 900].contains(step), "step \(step)")
        }
        #expect(asked == [500, 900])
        #expect(CLIPGuidance.steady(DDPM()) == nil && CLIPGuidance.steady(DDIM()) == 0...20)
    }

    @Test(arguments: readings) func aLikenessWithoutAGradientIsRefused(reading: CLIPGuidance.Reading) throws {
        let fixed = try Tensor.zeros([1])
        var denoiser = single.denoiser(schedule, .noise)
        denoiser.gradient = CLIPGuidance(scale: 1, reading: reading) { _, _ in fixed }.gradient
        #expect(throws: DiffusionError.self) {
            try denoiser.guidedEstimate(normal([4, 2]), at: schedule.level(timestep: 10))
        }
    }

    /// Steps are told by their number in the whole process.
    @Test func respacedStepsKeepTheirNumbers() throws {
        let trajectory = try schedule.trajectory(.respaced(.sections([4])))
        var seen: [Double] = []
        var denoiser = single.denoiser(schedule, .noise)
        denoiser.gradient = CLIPGuidance(scale: 1, reading: .noisy) { x, level in
            seen.append(level.timestep)
            return try x.sum([1])
        }.gradient
        var chain = try Chain(
            DDPM(), trajectory, denoiser, start: .noise([2, 2], dtype: .float64), noise: .seeded(1, count: 2))
        _ = try chain.run()
        #expect(seen == [999, 666, 333, 0])
    }
}
