import Diffusion
import Foundation
import Tensors
import Testing

/// Samplers recover a distribution that they are given the exact denoiser of; broken ones do not.
@Suite struct MixtureTests {
    /// The mean of the smallest component, of 1,600 samples, scatters by 0.035 deviations.
    static let bound = 0.08

    let mixture = Mixture.example
    let schedule: NoiseSchedule

    init() throws { schedule = try NoiseSchedule(.squaredCosine()) }

    func distance(_ sampler: any Sampler, _ name: SamplerName, _ prediction: Prediction = .noise) throws -> Double {
        // A consistency model says where the way ends, not where it points.
        let denoiser = name == .lcm ? mixture.consistent(schedule) : mixture.denoiser(schedule, prediction)
        var chain = try Chain(
            sampler, schedule.trajectory(name.thoroughSpacing), denoiser,
            start: .noise([8000, 2], dtype: .float64), noise: .batch(RandomGenerator(seed: 20)))
        return try mixture.distance(chain.run())
    }

    @Test(arguments: SamplerName.allCases) func samplersRecoverTheMixture(name: SamplerName) throws {
        let distance = try distance(name.sampler, name)
        #expect(distance < Self.bound, "\(name): \(distance)")
    }

    /// Few steps are taken where there is noise: at step 0 a consistency model is not heard.
    @Test func fewStepsOfAConsistencyModelRecoverTheMixture() throws {
        let trajectory = try schedule.trajectory(SamplerName.lcm.spacing(steps: 4))
        #expect(trajectory.levels.dropLast().map(\.timestep) == [999, 749, 499, 249])
        var chain = try Chain(
            LCM(), trajectory, mixture.consistent(schedule), start: .noise([8000, 2], dtype: .float64),
            noise: .batch(RandomGenerator(seed: 20)))
        let distance = try mixture.distance(chain.run())
        // Four draws of the noise scatter a little more than many; 0.09.
        #expect(distance < 1.5 * Self.bound, "\(distance)")
    }

    /// One step from nothing but noise finds where the pictures lie; begun at step 0, it would leave noise.
    @Test(arguments: SamplerName.allCases) func oneStepIsTakenFromNoise(name: SamplerName) throws {
        let centre = [0.8, -0.6]
        let single = Mixture(weights: [1], means: [centre], deviation: 0.15)
        let denoiser = name == .lcm ? single.consistent(schedule) : single.denoiser(schedule, .noise)
        var chain = try Chain(
            name.sampler, schedule.trajectory(name.spacing(steps: 1)), denoiser,
            start: .noise([500, 2], dtype: .float64), noise: .batch(RandomGenerator(seed: 20)))
        let offsets = try chain.run() - Tensor(centre, shape: [1, 2])
        #expect(try offsets.square().mean().sqrt().item() < 0.3)
    }

    /// The squared cosine's first step leaves less than a five-hundredth of its noise.
    @Test func heunBeginsAtAnyNoise() throws {
        let trajectory = try schedule.trajectory(SamplerName.heun.spacing(steps: 30))
        #expect(trajectory.levels[1].sigma < trajectory.levels[0].sigma / 500)
        var chain = try Chain(
            Heun(), trajectory, mixture.denoiser(schedule, .sample), start: .noise([8000, 2], dtype: .float64),
            noise: .batch(RandomGenerator(seed: 20)))
        let distance = try mixture.distance(chain.run())
        // Euler's steps alone are at 0.1 and more.
        #expect(distance < Self.bound, "\(distance)")
    }

    @Test(arguments: [SamplerName.ddim, .dpmSolver2M], [Prediction.sample, .velocity])
    func everyPredictionWillDo(name: SamplerName, prediction: Prediction) throws {
        let distance = try distance(name.sampler, name, prediction)
        #expect(distance < Self.bound, "\(name), \(prediction): \(distance)")
    }

    @Test(arguments: SamplerName.allCases, Broken.Fault.allCases)
    func brokenSamplersDoNot(name: SamplerName, fault: Broken.Fault) throws {
        let isRandom = [.ddpm, .eulerAncestral, .dpmSolver2MSDE, .dpmSolverSDE, .lcm].contains(name)
        // What noise a deterministic sampler draws does not matter; a random one that lags a little catches up, and so
        // does one that corrects where it went.
        guard fault == .wrongLevel || isRandom != (fault == .shortStep), fault != .shortStep || name != .unipc else {
            return
        }
        let distance = try distance(Broken(sampler: name.sampler, fault: fault), name)
        #expect(distance > Self.bound, "\(name), \(fault): \(distance)")
    }

    /// On one Gaussian the way of the probability-flow ODE is known: x(σ) grows as √(s² + σ²). Twice the steps halve
    /// Euler's error and quarter that of the second-order samplers; UniPC is of one order more than it counts
    /// predictions.
    @Test func convergenceHasThePapersOrder() throws {
        let deviation = 0.5
        let single = Mixture(weights: [1], means: [[0, 0]], deviation: deviation)
        let noise = try normal([64, 2])
        // At the last level above 0; what is left to go there costs all of them the same.
        let error = { (sampler: any Sampler, steps: Int) in
            let levels = try schedule.trajectory(.exponential(steps, range: 0.01...20)).levels.dropLast()
            let trajectory = try Trajectory(Array(levels), initialNoise: .alone)
            var chain = try Chain(
                sampler, trajectory, single.denoiser(schedule, .sample), start: .given(noise),
                noise: .batch(RandomGenerator(seed: 1)))
            var end: SamplingStep?
            while let step = try chain.next(), !step.isLast { end = step }
            let (x, sigma) = (try #require(end?.x), 0.01)
            let growth = ((deviation * deviation + sigma * sigma) / (deviation * deviation + 400)).squareRoot()
            return try difference(x, noise * 20 * growth / (1 + sigma * sigma).squareRoot())
        }
        let cases: [(any Sampler, ClosedRange<Double>)] = [
            (Euler(), 1.8...2.2), (Heun(), 3.6...4.5), (DPMSolver2M(), 3.6...4.5),
            (DPMSolver2M(correction: .heun), 3.6...4.5), (DPMSolver2M(correction: .none), 1.8...2.2),
            (PNDM(), 3.6...9), (UniPC(order: 1), 3.6...4.5), (UniPC(), 7...9), (UniPC(order: 3), 12...40),
        ]
        for (sampler, ratios) in cases {
            let (coarse, fine) = (try error(sampler, 100), try error(sampler, 200))
            #expect(ratios.contains(coarse / fine), "\(sampler): \(coarse) and \(fine)")
        }
    }
}
