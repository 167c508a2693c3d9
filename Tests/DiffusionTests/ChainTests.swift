import Diffusion
import Tensors
import Testing

@Suite struct ChainTests {
    let schedule: NoiseSchedule
    let trajectory: Trajectory

    init() throws {
        schedule = try NoiseSchedule(.squaredCosine())
        trajectory = try schedule.trajectory(.respaced(.sections([8])))
    }

    func denoiser(clamp: SampleTreatment.Clamp = .unit) -> Denoiser {
        Denoiser(schedule: schedule, prediction: .noise, treatment: SampleTreatment(clamp: clamp)) { query in
            try (query.x * 1.5).tanh() + query.timesteps().reshape([-1, 1, 1, 1]).sin() * 0.1
        }
    }

    @Test(arguments: SamplerName.allCases) func aPictureDoesNotDependOnItsBatch(name: SamplerName) throws {
        let pictures = { (seed: UInt64, count: Int) in
            var chain = try Chain(
                name.sampler, trajectory, denoiser(), start: .noise([count, 3, 8, 8]),
                noise: .seeded(seed, count: count))
            return try chain.run()
        }
        let batch = try pictures(7, 3)
        #expect(try difference(pictures(8, 1), batch.rows(1..<2)) == 0)
        #expect(try difference(batch.rows(0..<1), batch.rows(1..<2)) > 0.1)
        #expect(try difference(pictures(7, 3), batch) == 0)
    }

    /// Of each picture that of its own seed (see Tests/Fixtures/random/README.md).
    @Test func theFirstNoiseIsPyTorchs() throws {
        let drawn = try Fixture("random/draws")["randn.float32.42.1x3x5x7"]
        let noise = try NoiseSource.seeded(41, count: 2)([2, 3, 5, 7]).rows(1..<2)
        // Without AVX2 the last bits are others.
        #expect(try difference(noise, drawn) < 2e-6)
        let half = try NoiseSource.seeded(42, count: 1)([1, 3, 5, 7], dtype: .bfloat16)
        #expect(try difference(half, noise.to(.bfloat16)) == 0)
    }

    @Test func stepsComeOneByOne() throws {
        var chain = try Chain(
            DDIM(), trajectory, denoiser(), start: .noise([1, 3, 8, 8]), noise: .seeded(1, count: 1))
        var indices: [Int] = []
        var last: SamplingStep?
        while let step = try chain.next() {
            #expect(step.count == 8 && step.from == trajectory.levels[step.index])
            #expect(step.to == trajectory.levels[step.index + 1])
            #expect(try step.x0.abs().max().item() <= 1)
            indices.append(step.index)
            last = step
        }
        #expect(indices == Array(0..<8))
        let end = try #require(last)
        #expect(end.isLast && end.to == .clean)
        #expect(try difference(end.x, end.x0) < 1e-6)
        #expect(try chain.next() == nil)
    }

    @Test func cancellationStopsBetweenStepsAndCanBeTakenBack() throws {
        var isCancelled = false
        let make = { (isCancelled: @escaping () -> Bool) in
            try Chain(
                DDPM(), trajectory, denoiser(), start: .noise([1, 3, 8, 8]), noise: .seeded(1, count: 1),
                isCancelled: isCancelled)
        }
        var chain = try make { isCancelled }
        for _ in 0..<3 { _ = try chain.next() }
        isCancelled = true
        #expect(throws: CancellationError.self) { try chain.next() }
        #expect(chain.index == 3)
        isCancelled = false
        var whole = try make { false }
        #expect(try difference(chain.run(), whole.run()) == 0)
    }

    @Test func aCancelledTaskIsNoticed() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            var chain = try Chain(
                DDIM(), trajectory, denoiser(), start: .noise([1, 3, 8, 8]), noise: .seeded(1, count: 1))
            _ = try chain.next()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test(arguments: SamplerName.allCases) func aChainStartsFromAPicture(name: SamplerName) throws {
        let picture = try normal([2, 3, 8, 8], dtype: .float32).tanh()
        let part = try schedule.trajectory(.linspace(50)).starting(strength: 0.04)
        var chain = try Chain(
            name.sampler, part, denoiser(), start: .image(picture), noise: .seeded(1, count: 2))
        let first = try #require(try chain.next())
        // Little noise was added, so the picture is nearly what it was.
        #expect(try difference(first.x, picture) < 0.2)
        #expect(try difference(first.x, picture) > 0)
    }

    @Test(arguments: [SamplerName.ddim, .euler]) func startsAreScaledAsTheSamplerHasIt(name: SamplerName) throws {
        let noise = try normal([1, 3, 8, 8])
        var asked: Tensor?
        var denoiser = denoiser()
        denoiser.network = { query in
            asked = asked ?? query.x
            return query.x
        }
        var chain = try Chain(
            name.sampler, trajectory, denoiser, start: .given(noise, scale: 0.997), noise: .seeded(1, count: 1))
        _ = try chain.next()
        let factor = name == .ddim ? 1 : (1 - trajectory.levels[0].alphaBar).squareRoot()
        #expect(try difference(#require(asked), noise * (0.997 * factor)) < 1e-12)
    }

    /// From noise alone, with a network that predicts v, the first step is all the network's.
    @Test(arguments: [SamplerName.ddpm, .ddim, .pndm, .lcm]) func aChainStartsFromNoiseAlone(name: SamplerName) throws {
        let schedule = try NoiseSchedule(.scaledLinear()).rescaledToZeroTerminalSNR()
        var asked: [Tensor] = []
        let denoiser = Denoiser(
            schedule: schedule, prediction: .velocity, treatment: SampleTreatment(clamp: .none)
        ) { query in
            asked.append(query.x)
            return try query.x.tanh() * 0.5
        }
        let noise = try normal([1, 3, 4, 4])
        var chain = try Chain(
            name.sampler, schedule.trajectory(.trailing(4)), denoiser, start: .given(noise),
            noise: .seeded(1, count: 1))
        let first = try #require(try chain.next())
        #expect(try difference(asked[0], noise) == 0)
        #expect(try difference(first.x0, noise.tanh() * -0.5) < 1e-6)
        #expect(try chain.run().isFinite().to(.float64).min().item() == 1)
    }

    @Test func theFirstNoiseCanBeGivenAnotherStrength() throws {
        let levels = Array(trajectory.levels.dropLast())
        let noise = try normal([1, 3, 4, 4])
        let alone = (1 - levels[0].alphaBar).squareRoot()
        for (initial, factor) in [(Trajectory.InitialNoise.unit, 1), (.alone, alone)] {
            for sampler in [DDIM(), Euler()] as [any Sampler] {
                var asked: Tensor?
                var denoiser = denoiser()
                denoiser.network = { query in
                    asked = asked ?? query.x
                    return query.x
                }
                var chain = try Chain(
                    sampler, Trajectory(levels, initialNoise: initial), denoiser, start: .given(noise),
                    noise: .seeded(1, count: 1))
                _ = try chain.next()
                #expect(try difference(#require(asked), noise * factor) < 1e-12)
            }
        }
    }

    /// A way that ends above the clean picture ends scaled as one that goes on.
    @Test(arguments: [SamplerName.ddim, .pndm, .euler, .heun, .dpmSolver2M, .unipc])
    func aWayCanEndAboveTheCleanPicture(name: SamplerName) throws {
        let levels = Array(trajectory.levels.dropLast())
        let noise = try normal([1, 3, 4, 4])
        let run = { (trajectory: Trajectory) in
            var chain = try Chain(
                name.sampler, trajectory, denoiser(clamp: .none), start: .given(noise), noise: .seeded(1, count: 1))
            var steps: [SamplingStep] = []
            while let step = try chain.next() { steps.append(step) }
            return steps
        }
        let (whole, part) = (try run(trajectory), try run(Trajectory(levels.dropLast(), end: levels[levels.count - 1])))
        let (last, same) = (try #require(part.last), whole[part.count - 1])
        #expect(part.count == whole.count - 1 && last.isLast && !same.isLast && last.to == same.to)
        // In the last step solvers look back less far.
        #expect(try difference(last.x, same.x) < ([.dpmSolver2M, .unipc].contains(name) ? 0.05 : 1e-12))
    }

    /// Also where a way ends above the clean picture (diffusers' `final_sigmas_type` "sigma_min").
    @Test(arguments: [SamplerName.ddim, .euler, .dpmSolver2M, .unipc])
    func whatIsKeptIsCleanAtTheEnd(name: SamplerName) throws {
        let levels = Array(trajectory.levels.dropLast())
        let picture = try normal([1, 3, 4, 4], seed: 2).tanh()
        let mask = try Tensor([1.0, 0, 1, 0], shape: [1, 1, 1, 4])
        let kept = KeptRegion(picture: picture, noise: try normal([1, 3, 4, 4], seed: 3), mask: mask)
        let short = try Trajectory(levels.dropLast(), end: levels[levels.count - 1])
        for way in [trajectory, short] {
            var chain = try Chain(
                name.sampler, way, denoiser(), start: .given(normal([1, 3, 4, 4])), noise: .seeded(1, count: 1),
                keeping: kept)
            var last: SamplingStep?
            let end = try chain.run { last = $0 }
            let shown = try #require(last).x
            #expect(try difference(end * mask, picture * mask) < 1e-12)
            #expect(try difference(end * (1 - mask), picture * (1 - mask)) > 0.1)
            #expect(try difference(shown, end) == 0)
        }
    }

    /// A gradient of 1 moves the mean by the variance, also at the last step, where no noise shows it.
    @Test(arguments: [(Variance.fixedSmall, "posterior_variance"), (.fixedLarge, "fixed_large_log_variance")])
    func variancesAgree(variance: Variance, table: String) throws {
        let trajectory = try schedule.trajectory(.respaced(.sections([10])))
        let values = try Fixture("schedules/squared_cosine.respaced")["10.\(table)"]
        let expected = try table.contains("log") ? values.exp().doubles() : values.doubles()
        let x = try normal([1, 3, 4, 4])
        for index in 0..<10 {
            var denoiser = denoiser()
            denoiser.variance = variance
            let step = { try DDPM().step(x, Moment(trajectory, index: index), $0) { try x * 0 }.x }
            let plain = try step(denoiser)
            denoiser.gradient = .noisy { try $0.x * 0 + 1 }
            let shift = try (step(denoiser) - plain).mean().item()
            #expect(abs(shift - expected[9 - index]) < 1e-12, "step \(index)")
        }
    }

    @Test func noGraphIsRecorded() throws {
        let weight = try Tensor.ones([1])
        try weight.setRequiresGrad(true)
        var denoiser = denoiser()
        denoiser.network = { query in try query.x * weight }
        var chain = try Chain(
            DDIM(), trajectory, denoiser, start: .noise([1, 3, 4, 4]), noise: .seeded(1, count: 1))
        #expect(try !chain.run().requiresGrad)
    }

    @Test func aNetworkOfTheWrongShapeIsRefused() throws {
        var denoiser = denoiser()
        denoiser.variance = .learnedRange
        var chain = try Chain(
            DDPM(), trajectory, denoiser, start: .noise([1, 3, 4, 4]), noise: .seeded(1, count: 1))
        #expect(throws: DiffusionError.self) { try chain.next() }
        #expect(throws: DiffusionError.self) {
            try Chain(DDPM(), trajectory, denoiser, start: .noise([2, 3, 4, 4]), noise: .seeded(1, count: 1))
        }
    }
}

@Suite struct SampleTreatmentTests {
    @Test func dynamicThresholdingIsPicturewise() throws {
        // The median magnitude of the first picture is 2, of the second 0.2: one is shrunk, the other only clamped.
        let x0 = try Tensor([-4.0, -2, 0, 2, 4, -0.4, -0.2, 0, 0.2, 1.5], shape: [2, 1, 5])
        let treated = try SampleTreatment.Clamp.dynamic(quantile: 0.5)(x0)
        #expect(try treated.doubles() == [-1, -1, 0, 1, 1, -0.4, -0.2, 0, 0.2, 1])
        #expect(throws: DiffusionError.self) { try SampleTreatment.Clamp.dynamic(quantile: 2)(x0) }
        // By no more than its limit.
        let wide = try Tensor([-4.0, 2, 0.8, 3, 0.4], shape: [1, 1, 5])
        #expect(try SampleTreatment.Clamp.dynamic(quantile: 0.5, limit: 1.6)(wide).doubles() == [-1, 1, 0.5, 1, 0.25])
        #expect(throws: DiffusionError.self) { try SampleTreatment.Clamp.dynamic(limit: 0)(wide) }
    }

    @Test(arguments: [0, 0.3, 0.995, 1]) func thresholdsAreQuantiles(quantile: Double) throws {
        let x0 = try normal([3, 2, 7, 5], dtype: .float32) * 4
        let bounds = try x0.abs().reshape([3, -1]).quantile(quantile, dim: 1).clamp(min: 1).reshape([3, 1, 1, 1])
        let expected = try Tensor.minimum(Tensor.maximum(x0, -bounds), bounds) / bounds
        #expect(try difference(SampleTreatment.Clamp.dynamic(quantile: quantile)(x0), expected) < 1e-6)
    }

    /// More numbers a picture than libtorch's quantile takes.
    @Test func largePicturesAreThresholded() throws {
        let last = 1 << 24
        let ramp = try Tensor.arange(Double(last + 1), dtype: .float32) * (4 / Double(last))
        let treated = try SampleTreatment.Clamp.dynamic(quantile: 0.5)(ramp.reshape([1, 1, 1, last + 1])).reshape([-1])
        for (place, value) in [(0, 0), (last / 4, 0.5), (last / 2, 1), (last, 1)] {
            #expect(try treated.at(place).item() == value)
        }
    }

    @Test func theClampComesLast() throws {
        let x0 = try Tensor([-0.9, -0.2, 0.3, 2], shape: [1, 1, 4])
        let treatment = SampleTreatment(clamp: .unit) { x0, _ in try x0 * 2 }
        let schedule = try NoiseSchedule(.squaredCosine())
        let denoiser = Denoiser(schedule: schedule, prediction: .sample, treatment: treatment) { _ in x0 }
        let estimate = try denoiser.estimate(x0, at: schedule.level(timestep: 10))
        #expect(try estimate.x0.doubles() == [-1, -0.4, 0.6, 1])
    }

    @Test func clampsKeepTheirRange() throws {
        let x0 = try Tensor([-4.0, -0.5, 0, 2])
        #expect(try SampleTreatment.Clamp.none(x0).doubles() == [-4, -0.5, 0, 2])
        #expect(try SampleTreatment.Clamp.unit(x0).doubles() == [-1, -0.5, 0, 1])
        #expect(try SampleTreatment.Clamp.range(-0.2...3)(x0).doubles() == [-0.2, -0.2, 0, 2])
    }
}
