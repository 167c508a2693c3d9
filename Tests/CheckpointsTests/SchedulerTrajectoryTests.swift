import Checkpoints
import Diffusion
import Foundation
import Tensors
import Testing

/// Whole runs as diffusers' schedulers make them from a model's configuration (see Tests/Fixtures/samplers/README.md).
struct SchedulerTrajectoryTests {
    static let bound = 1e-9
    /// What diffusers' own float32 costs it, at the end of 25 steps.
    static let singleBound = 1e-5

    let fixture: TensorArchive
    let noise: Tensor

    init() throws {
        fixture = try fixtures("samplers/diffusers")
        noise = try fixture.tensor("noise")
    }

    struct Case: Codable {
        let config: String
        let sampler: String
        let steps: Int
        let strength: Double?
        let init_noise_sigma: Double
    }

    static let cases: [String] = {
        guard let fixture = try? fixtures("samplers/diffusers") else { return [] }
        return fixture.metadata.filter { $0.value.contains("init_noise_sigma") }.keys.sorted()
    }()

    @Test func thereAreCases() throws {
        #expect(Self.cases.count > 500)
        let samplers = Set(Self.cases.map { $0.split(separator: ".")[1] })
        #expect(samplers == Set(SamplerName.allCases.map { Substring($0.rawValue) }))
    }

    @Test(arguments: SamplerName.allCases) func everyStepAgrees(sampler: SamplerName) throws {
        for name in Self.cases {
            let json = Data(try #require(fixture.metadata[name]).utf8)
            let run = try JSONDecoder().decode(Case.self, from: json)
            if run.sampler == sampler.rawValue { try expectAgreement(name, run, sampler) }
        }
    }

    private func expectAgreement(_ name: String, _ run: Case, _ sampler: SamplerName) throws {
        let scheduler = try scheduler(run.config)
        let plan = try DiffusionConfiguration(scheduler).plan(sampler, steps: run.steps, strength: run.strength)
        let (trajectory, isPaired) = (plan.trajectory, sampler == .heun || sampler == .dpmSolverSDE)
        // Heun and DPM-Solver SDE are there with both halves of each step.
        let stride = isPaired ? 2 : 1
        let times = try fixture.tensor(name + ".timesteps").doubles()
        #expect(times.count == stride * trajectory.count - (stride - 1), "\(name)")
        for (index, step) in trajectory.steps.enumerated() {
            let told = step.isRepeat ? step.to.timestep : step.from.timestep
            #expect(abs(told - times[stride * index]) < 1e-6, "\(name), step \(index): told \(told)")
        }
        if fixture[name + ".sigmas"] != nil {
            let sigmas = try fixture.tensor(name + ".sigmas").doubles()
                .suffix(isPaired ? 2 * trajectory.count : trajectory.count + 1)
            for (index, level) in trajectory.levels.enumerated() {
                let expected = sigmas[min(sigmas.startIndex + stride * index, sigmas.endIndex - 1)]
                #expect(abs(level.sigma - expected) <= 1e-10 * expected, "\(name): σ of level \(index)")
            }
        }

        // diffusers corrects the squared cosine's first step, too, and draws nothing recognisable.
        guard sampler != .heun || trajectory.levels[0].sigma <= 1000 else {
            #expect(run.config == "threshold", "\(name)")
            return
        }
        let samples = try fixture.tensor(name + ".samples")
        // Those that follow σ keep the picture at full size.
        let isInSigma = [.euler, .eulerAncestral, .heun, .dpmSolverSDE].contains(sampler)
        func expected(_ index: Int, at level: NoiseLevel) throws -> Tensor {
            try samples.at(index) * (isInSigma ? level.alphaBar.squareRoot() : 1)
        }
        var asked: Tensor?
        let network = try network(learned: plan.variance == .learnedRange)
        let denoiser = plan.denoiser { query in
            asked = asked ?? query.x
            return try network(query)
        }
        let shape = Array(noise.shape.dropFirst())
        let start: Start = try run.strength == nil
            ? .noise(shape, dtype: .float64)
            : .image(fixture.tensor("coefficients.x0") + .zeros(shape, dtype: .float64))
        var chain = try Chain(plan, denoiser, start: start, noise: recorded(noise))
        let count = try samples.size(0)
        while let step = try chain.next() {
            if step.index == 0 {
                let error = try difference(#require(asked), expected(0, at: step.from))
                #expect(error < Self.bound, "\(name) starts: \(error)")
            }
            let error = try difference(step.x, expected(min(stride * (step.index + 1), count - 1), at: step.to))
            #expect(error < Self.bound, "\(name), step \(step.index): \(error)")
        }
    }

    @Test(arguments: ["sd1", "sd2", "xl", "karras", "zero-snr"]) func diffusersAsItIsAgrees(config: String) throws {
        let scheduler = try scheduler(config)
        for sampler in SamplerName.allCases {
            let name = "float32.\(config).\(sampler.rawValue)"
            let plan = try scheduler.plan(sampler, steps: 25)
            let stride = sampler == .heun || sampler == .dpmSolverSDE ? 2 : 1
            let times = try fixture.tensor(name + ".timesteps").doubles()
            for (index, step) in plan.trajectory.steps.enumerated() {
                let told = step.isRepeat ? step.to.timestep : step.from.timestep
                #expect(abs(told - times[stride * index]) < 2e-3, "\(name), step \(index)")
            }
            var chain = try Chain(
                plan, plan.denoiser(network(learned: false)),
                start: .noise(Array(noise.shape.dropFirst()), dtype: .float64), noise: recorded(noise))
            let error = try difference(chain.run(), fixture.tensor(name + ".samples"))
            #expect(error < Self.singleBound, "\(name): \(error)")
        }
    }

    @Test(arguments: [48, 96, 112, 304]) func halvesAreRoundedAsNumpyDoes(steps: Int) throws {
        let times = try NoiseSchedule(.scaledLinear()).trajectory(.trailing(steps)).steps.map(\.from.timestep)
        #expect(try times == fixture.tensor("trailing.\(steps)").doubles())
    }

    @Test func rescaledGuidanceAgrees() throws {
        let (wanted, unwanted) = (try noise.at(0), try noise.at(1) * 0.7)
        let guided = ClassifierFreeGuidance(scale: 7.5, rescale: 0.7).guide { _ in
            try .concatenate([wanted, unwanted])
        }
        let level = try NoiseSchedule(.scaledLinear()).level(timestep: 500)
        #expect(try difference(guided(Query(x: wanted, level: level)), fixture.tensor("rescale.result")) < 1e-12)
    }

    /// The configuration of the fixture as a file.
    private func scheduler(_ name: String) throws -> DiffusersScheduler {
        let folder = try TemporaryFolder()
        let path = folder.path + "/scheduler_config.json"
        try #require(fixture.metadata["config.\(name)"]).write(toFile: path, atomically: false, encoding: .utf8)
        return try DiffusersScheduler(path: path)
    }

    /// The fixture's formula for a network, whatever it is taken to predict.
    private func network(learned: Bool) throws -> Network {
        let coefficient = { (name: String) in try fixture.tensor("coefficients.\(name)") }
        let (a, b, c) = (try coefficient("a"), try coefficient("b"), try coefficient("c"))
        return { query in
            let t = query.level.timestep
            let m = try (a * query.x + b).tanh() * 0.8 + (c + t / 100).sin() * 0.2
            guard learned else { return m }
            return try .concatenate([m, (query.x * 0.5 + c).tanh() * cos(t / 200)], dim: 1)
        }
    }
}

/// A safetensors file of `Tests/Fixtures`.
func fixtures(_ name: String) throws -> TensorArchive {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try .open(tests.appending(path: "Fixtures/\(name).safetensors").path)
}

/// The largest difference of two arrays, relative to the largest element of the second.
private func difference(_ actual: Tensor, _ expected: Tensor) throws -> Double {
    try #require(actual.shape == expected.shape)
    let largest = try expected.to(.float64).abs().max().item()
    return try (actual.to(.float64) - expected.to(.float64)).abs().max().item() / max(largest, .leastNormalMagnitude)
}

/// The noise of a fixture, [draws, N, …], one draw after the other.
private func recorded(_ noise: Tensor) -> NoiseSource {
    var index = 0
    return NoiseSource { _, _, _ in
        defer { index += 1 }
        return try noise.at(index)
    }
}
