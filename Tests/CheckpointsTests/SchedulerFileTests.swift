import Checkpoints
import Diffusion
import Foundation
import Models
import Tensors
import Testing

/// Reading `scheduler_config.json`, and what is made of it.
struct SchedulerFileTests {
    /// Stable Diffusion 1.5's, as published, each value as it stands in the file.
    static let published = [
        "_class_name": "\"PNDMScheduler\"", "_diffusers_version": "\"0.6.0\"", "beta_end": "0.012",
        "beta_schedule": "\"scaled_linear\"", "beta_start": "0.00085", "num_train_timesteps": "1000",
        "set_alpha_to_one": "false", "skip_prk_steps": "true", "steps_offset": "1", "trained_betas": "null",
        "clip_sample": "false", "prediction_type": "\"epsilon\"",
    ]

    /// The published file with some values changed.
    func json(_ changes: [String: String] = [:]) -> String {
        let members = Self.published.merging(changes) { $1 }.sorted { $0.key < $1.key }
        return "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }

    func read(_ json: String) throws -> DiffusersScheduler {
        let folder = try TemporaryFolder()
        let path = folder.path + "/scheduler_config.json"
        try json.write(toFile: path, atomically: false, encoding: .utf8)
        return try DiffusersScheduler(path: path)
    }

    @Test func whatIsPublishedIsKnownForSingleFiles() throws {
        #expect(try read(json()) == .stableDiffusion1)
        let velocity = ["_class_name": "\"DDIMScheduler\"", "prediction_type": "\"v_prediction\""]
        #expect(try read(json(velocity)) == .stableDiffusion2)
        let xl = [
            "_class_name": "\"EulerDiscreteScheduler\"", "interpolation_type": "\"linear\"", "sample_max_value": "1.0",
            "timestep_spacing": "\"leading\"", "use_karras_sigmas": "false",
        ]
        #expect(try read(json(xl)) == .stableDiffusionXL)
    }

    @Test func theProcessIsTheFiles() throws {
        let diffusion = try DiffusionConfiguration(.stableDiffusion2)
        #expect(diffusion.prediction == .velocity && diffusion.steps == 1000 && diffusion.variance == .fixedSmall)
        #expect(try diffusion.noiseSchedule() == NoiseSchedule(.scaledLinear()))
        try diffusion.validate()
        let defaults = DiffusersScheduler.stableDiffusion2.samplingDefaults(guidanceScale: 7.5)
        #expect(defaults == SamplingDefaults(sampler: .ddim, steps: 50, guidanceScale: 7.5))

        let betas = (1...20).map { "0.\($0 + 10)" }.joined(separator: ", ")
        let own = try DiffusionConfiguration(
            read("{\"_class_name\": \"DDPMScheduler\", \"trained_betas\": [\(betas)], \"num_train_timesteps\": 20}"))
        #expect(try own.noiseSchedule().betas == (1...20).map { Double("0.\($0 + 10)") })
        try own.validate()
    }

    @Test func configurationsComeBackFromJSON() throws {
        for scheduler in [DiffusersScheduler.stableDiffusion1, .stableDiffusionXL, .latentDiffusion] {
            let diffusion = try DiffusionConfiguration(scheduler)
            let json = try JSONEncoder().encode(diffusion)
            #expect(try JSONDecoder().decode(DiffusionConfiguration.self, from: json) == diffusion)
        }
        // As it was before there were other keys.
        let old = #"{"prediction": "noise", "schedule": "squaredCosine", "steps": 1000, "variance": "learnedRange"}"#
        #expect(try JSONDecoder().decode(DiffusionConfiguration.self, from: Data(old.utf8)) == DiffusionConfiguration())
        let again = try JSONEncoder().encode(DiffusionConfiguration())
        #expect(try JSONDecoder().decode([String: JSONAny].self, from: again).keys.sorted()
            == ["prediction", "schedule", "steps", "variance"])
    }

    /// Decodes whatever is there.
    private struct JSONAny: Decodable { init(from decoder: any Decoder) {} }

    @Test func withoutASchedulerTheSamplersOwnSpacingHolds() throws {
        let diffusion = DiffusionConfiguration()
        let schedule = try diffusion.noiseSchedule()
        for name in SamplerName.allCases {
            let plan = try diffusion.plan(name, steps: 12)
            #expect(plan.trajectory == (try schedule.trajectory(name.spacing(steps: 12))))
            #expect(plan.variance == .learnedRange && plan.prediction == .noise && plan.clamp == .unit)
            #expect(plan.trajectory.levels.last == .clean)
        }
        let part = try diffusion.plan(.ddim, steps: 10, schedule: "trailing", strength: 0.35)
        #expect(part.trajectory == (try schedule.trajectory(.trailing(10)).starting(strength: 0.35)))
    }

    @Test func aPlanTellsHowManyStepsItsChainTakes() throws {
        for name in SamplerName.allCases {
            let plan = try DiffusionConfiguration().plan(name, steps: 6)
            let chain = try Chain(
                plan, plan.denoiser { $0.x }, start: .noise([1, 4, 2, 2]), noise: .seeded(1, count: 1))
            // PNDM takes its first one twice.
            #expect(plan.stepCount == (name == .pndm ? 7 : 6) && plan.stepCount == chain.trajectory.count, "\(name)")
        }
    }

    @Test func aSpacingThatIsAskedForHolds() throws {
        let scheduler = DiffusersScheduler.stableDiffusion1
        var changed = scheduler
        changed.usesKarrasSigmas = true
        for name in [SamplerName.euler, .heun, .dpmSolver2M, .dpmSolver2MSDE, .dpmSolverSDE, .unipc] {
            let asked = try scheduler.plan(name, steps: 10, schedule: "karras").trajectory
            #expect(asked == (try changed.plan(name, steps: 10).trajectory))
            #expect(asked == (try changed.plan(name, steps: 10, schedule: "karras").trajectory))
            #expect(try asked != scheduler.plan(name, steps: 10).trajectory)
        }
        changed.usesKarrasSigmas = nil
        changed.spacing = .trailing
        for name in SamplerName.allCases where name != .lcm {
            let asked = try scheduler.plan(name, steps: 10, schedule: "trailing").trajectory
            #expect(asked == (try changed.plan(name, steps: 10).trajectory))
        }
        // A spacing that diffusers' class has no key for.
        let schedule = try NoiseSchedule(.scaledLinear())
        for (name, text) in [(SamplerName.eulerAncestral, "karras"), (.ddim, "fast27"), (.lcm, "trailing")] {
            let plan = try scheduler.plan(name, steps: 27, schedule: text)
            #expect(plan.trajectory == (try schedule.trajectory(Spacing(parsing: text, steps: 27, standard: .all))))
        }
        #expect(throws: DiffusionError.self) { try scheduler.plan(.ddim, steps: 5, schedule: "karas") }
    }

    @Test func otherClassesOfTheSameProcessHaveStandIns() throws {
        let other = try read(json(["_class_name": "\"LMSDiscreteScheduler\""]))
        #expect(try other.ownSampler() == .euler)
        let standIn = try #require(other.standIn)
        #expect(standIn.sampler == .euler && standIn.scheduler == "LMSDiscreteScheduler")
        #expect(standIn.description.hasPrefix("euler draws instead of the model's own LMSDiscreteScheduler"))
        // This one does the same as a known one.
        #expect(try read(json(["_class_name": "\"DDIMParallelScheduler\""])).standIn == nil)
        #expect(DiffusersScheduler.stableDiffusion1.standIn == nil)
    }

    @Test func pythonsInfinityIsRead() throws {
        #expect(try read(json(["lambda_min_clipped": "-Infinity"])) == .stableDiffusion1)
        #expect(throws: TensorFileError.self) { try read(json(["lambda_min_clipped": "-Infinite"])) }
        #expect(throws: TensorFileError.self) { try read(json(["lambda_min_clipped": "NaN"])) }
        #expect(throws: CheckpointError.self) { try read(json(["beta_end": "Infinity"])) }
    }

    @Test(arguments: [
        ("_class_name", "\"FlowMatchEulerDiscreteScheduler\""), ("_class_name", "7"), ("_class_name", "null"),
        ("num_train_timesteps", "1"), ("num_train_timesteps", "1e300"), ("num_train_timesteps", "10.5"),
        ("num_train_timesteps", "\"1000\""), ("beta_schedule", "\"sigmoid\""),
        ("prediction_type", "\"flow_prediction\""),
        ("use_flow_sigmas", "true"), ("timestep_type", "\"continuous\""), ("solver_order", "4"),
        ("thresholding", "1"), ("solver_p", "{}"), ("trained_betas", "[0.1, null]"), ("timestep_spacing", "\"even\""),
        ("disable_corrector", "[-1]"), ("steps_offset", "-1"),
    ]) func whatCannotBeHonouredIsNamed(key: String, value: String) throws {
        let own = ["_class_name": "\"DPMSolverMultistepScheduler\""]
        let text = json(own.merging([key: value]) { $1 })
        let error = try #require(throws: CheckpointError.self) { try read(text) }
        #expect(error.description.contains(key) && error.file.hasSuffix("scheduler_config.json"), "\(error)")
    }

    @Test func aClassRefusesWhatItAloneCannotDo() throws {
        var scheduler = DiffusersScheduler.stableDiffusion1
        scheduler.usesBetaSigmas = true
        scheduler.solverOrder = 3
        scheduler.skipsRungeKutta = nil
        _ = try scheduler.plan(.ddim, steps: 4)
        _ = try scheduler.plan(.pndm, steps: 4)
        for (name, key) in [(SamplerName.euler, "use_beta_sigmas"), (.dpmSolver2M, "use_beta_sigmas")] {
            let error = try #require(throws: ConfigurationError.self) { try scheduler.plan(name, steps: 4) }
            #expect(error.description.contains(key))
        }
        scheduler.usesBetaSigmas = nil
        let order = try #require(throws: ConfigurationError.self) { try scheduler.plan(.dpmSolver2M, steps: 4) }
        #expect(order.description.contains("solver_order"))
        _ = try scheduler.plan(.unipc, steps: 4)
        let own = try #require(throws: ConfigurationError.self) { try scheduler.ownSampler() }
        #expect(own.description.contains("skip_prk_steps"))
    }

    /// What the file's own class would do that is not known here keeps no other sampler from drawing.
    @Test(arguments: [
        ["skip_prk_steps": "false"],
        ["_class_name": "\"DPMSolverMultistepScheduler\"", "algorithm_type": "\"dpmsolver\""],
        ["_class_name": "\"DPMSolverMultistepScheduler\"", "algorithm_type": "\"sde-dpmsolver\""],
        ["_class_name": "\"DPMSolverMultistepScheduler\"", "solver_order": "3"],
        ["_class_name": "\"EulerDiscreteScheduler\"", "use_beta_sigmas": "true"],
    ]) func anotherSamplerStandsIn(changes: [String: String]) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/sd1"
        try FileManager.default.copyItem(atPath: PublishedModelTests.folder + "/sd1", toPath: path)
        try json(changes).write(toFile: path + "/scheduler/scheduler_config.json", atomically: true, encoding: .utf8)
        let configuration = try PublishedModel(path).configuration
        #expect(configuration.sampling.sampler == .ddim && configuration.sampling.steps == 50)
        let expected = try DiffusersScheduler.stableDiffusion1.plan(.ddim, steps: 4)
        let plan = try configuration.diffusion.plan(.ddim, steps: 4)
        #expect(plan.trajectory == expected.trajectory && plan.schedule == expected.schedule)

        // It is told whose place it takes, and why.
        let standIn = try #require(configuration.samplerStandIn)
        #expect(standIn.sampler == .ddim)
        #expect("\"\(standIn.scheduler)\"" == changes["_class_name"] ?? "\"PNDMScheduler\"")
        let key = try #require(changes.keys.first { $0 != "_class_name" })
        #expect(standIn.reason.contains(key))
        // Not where a run's file says how the model is sampled.
        try #"{"guidanceScale": 2, "sampler": "euler-a", "steps": 20}"#
            .write(toFile: path + "/sampling.json", atomically: true, encoding: .utf8)
        let run = try PublishedModel(path).configuration
        #expect(run.sampling.sampler == .eulerAncestral && run.samplerStandIn == nil)
        // Nor where it chooses the very sampler that would stand in.
        try #"{"guidanceScale": 2, "sampler": "ddim", "steps": 20}"#
            .write(toFile: path + "/sampling.json", atomically: true, encoding: .utf8)
        let chosen = try PublishedModel(path).configuration
        #expect(chosen.sampling.sampler == .ddim && chosen.samplerStandIn == nil)
    }

    /// As diffusers corrects the file when it loads that class.
    @Test func inpaintingTakesNoRungeKuttaSteps() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/sd1"
        try FileManager.default.copyItem(atPath: PublishedModelTests.folder + "/sd1", toPath: path)
        let index = try String(contentsOfFile: path + "/model_index.json", encoding: .utf8)
        try index.replacingOccurrences(of: "StableDiffusionPipeline", with: "StableDiffusionInpaintPipeline")
            .write(toFile: path + "/model_index.json", atomically: true, encoding: .utf8)
        try json(["skip_prk_steps": "false"])
            .write(toFile: path + "/scheduler/scheduler_config.json", atomically: true, encoding: .utf8)
        #expect(try PublishedModel(path).configuration.sampling.sampler == .pndm)
    }

    @Test func stepsOutOfRangeAreRefused() throws {
        let scheduler = DiffusersScheduler.stableDiffusion1
        for name in SamplerName.allCases {
            for steps in [-1, 0, 1001, Int.max] {
                #expect(throws: (any Error).self, "\(name), \(steps)") { try scheduler.plan(name, steps: steps) }
            }
            for strength in [0, -1, 1.1, .nan] {
                #expect(throws: (any Error).self) { try scheduler.plan(name, steps: 5, strength: strength) }
            }
        }
        // The offset would lead past the last step.
        #expect(throws: ConfigurationError.self) { try scheduler.plan(.ddim, steps: 1000) }
    }

    @Test func predictingNoiseFromNoiseAloneIsRefused() throws {
        var scheduler = DiffusersScheduler.stableDiffusion1
        scheduler.rescalesToZeroSNR = true
        scheduler.spacing = .trailing
        let plan = try scheduler.plan(.ddim, steps: 3)
        #expect(plan.trajectory.steps[0].from.sigma == .infinity)
        var chain = try Chain(
            plan, plan.denoiser { $0.x }, start: .noise([1, 4, 2, 2]), noise: .seeded(1, count: 1))
        #expect(throws: DiffusionError.self) { try chain.next() }
        #expect(throws: DiffusionError.self) {
            try Chain(
                Euler(), plan.trajectory, plan.denoiser { $0.x }, start: .noise([1, 4, 2, 2]),
                noise: .seeded(1, count: 1))
        }
    }

    /// Damaged files give an error or a plan, never a crash.
    @Test func mutationsAreSurvived() throws {
        var generator = SystemRandomNumberGenerator()
        let folder = try TemporaryFolder()
        let path = folder.path + "/scheduler_config.json"
        let published = json()
        let pieces = [
            "-1", "1e308", "null", "[]", "{}", "\"\"", "true", "0", "99999999999999999999", "-Infinity", "NaN", "0.5",
        ]
        let values = published.matches(of: /: ([^,}]+)/).map(\.output.1)
        for round in 0..<1000 {
            var json = published
            if round.isMultiple(of: 2) {
                var bytes = Array(json.utf8)
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
                json = String(decoding: bytes, as: UTF8.self)
            } else if let value = values.randomElement(using: &generator),
                let piece = pieces.randomElement(using: &generator)
            {
                json.replaceSubrange(value.startIndex..<value.endIndex, with: piece)
            }
            try json.write(toFile: path, atomically: false, encoding: .utf8)
            guard let scheduler = try? DiffusersScheduler(path: path) else { continue }
            for name in SamplerName.allCases { _ = try? scheduler.plan(name, steps: 7, strength: 0.5) }
        }
    }
}
