import Diffusion
import Tensors
import Testing

/// Whole trajectories of the reference implementations, in double precision.
@Suite struct TrajectoryTests {
    static let bound = 1e-9

    @Test func glideAgrees() throws {
        let fixture = try Fixture("samplers/glide")
        let names = fixture.metadata.keys.filter { $0.hasPrefix("ddpm.") || $0.hasPrefix("ddim.") }.sorted()
        #expect(names.count >= 21)
        for name in names {
            let options = try fixture.options(name)
            let kind: NoiseSchedule.Kind =
                options["schedule"] as? String == "linear" ? .linear(steps: 1000) : .squaredCosine()
            let schedule = try NoiseSchedule(kind)
            let trajectory = try schedule.trajectory(
                .respaced(Respacing(parsing: try #require(options["respacing"] as? String))))
            #expect(
                try trajectory.levels.dropLast().map { Int($0.timestep) } == fixture["\(name).timesteps"].ints(),
                "\(name)")

            let sampler: any Sampler =
                options["sampler"] as? String == "ddpm" ? DDPM() : DDIM(eta: try #require(options["eta"] as? Double))
            let steps = trajectory.count
            var chain = try Chain(
                sampler, trajectory, glideDenoiser(fixture, options, schedule),
                start: .given(fixture["initial_noise"]), noise: recorded(fixture["noise.\(steps)"]))
            let (samples, previews) = (try fixture["\(name).samples"], try fixture["\(name).pred_xstart"])
            while let step = try chain.next() {
                #expect(try difference(step.x, samples.at(step.index)) < Self.bound, "\(name) at \(step.index)")
                #expect(try difference(step.x0, previews.at(step.index)) < Self.bound, "\(name) at \(step.index)")
            }
            #expect(chain.index == steps)
        }
    }

    /// The fixture's formula for a network.
    func glideDenoiser(_ fixture: Fixture, _ options: [String: Any], _ schedule: NoiseSchedule) throws -> Denoiser {
        let coefficient = { (name: String) in try fixture["coefficients.\(name)"] }
        let (a, b, c) = (try coefficient("a"), try coefficient("b"), try coefficient("c"))
        let predictions: [String: Prediction] = ["noise": .noise, "x0": .sample, "v": .velocity]
        let variances: [String: Variance] = ["small": .fixedSmall, "large": .fixedLarge, "learned": .learnedRange]
        let prediction = try #require(predictions[options["prediction"] as? String ?? ""])
        let variance = try #require(variances[options["variance"] as? String ?? ""])

        let clamp: SampleTreatment.Clamp = options["clip_denoised"] as? Bool == true ? .unit : .none
        var treatment = SampleTreatment(clamp: clamp)
        if options["inpaint"] as? Bool == true {
            treatment = .keeping(try coefficient("known"), where: try coefficient("mask"), clamp: clamp)
        }
        let target = try coefficient("target")
        let gradient: ScoreGradient? =
            options["gradient"] as? Bool == true ? .noisy { query in try target - query.x } : nil

        return Denoiser(
            schedule: schedule, prediction: prediction, variance: variance, treatment: treatment, gradient: gradient
        ) { query in
            let t = try query.timesteps().to(.float64).reshape([-1, 1, 1, 1])
            let m = try (a * query.x + b).tanh() * 0.8 + (t / 100 + c).sin() * 0.2
            guard variance == .learnedRange else { return m }
            let v = try (query.x * 0.5 + c).tanh() * (t / 200).cos()
            return try .concatenate([m, v], dim: 1)
        }
    }

    @Test func kDiffusionAgrees() throws {
        let fixture = try Fixture("samplers/k_diffusion")
        let churn = Churn(amount: 4, range: 0.05...50, deviation: 1.003)
        let cases: [String: any Sampler] = [
            "euler": Euler(), "euler.churn": Euler(churn: churn), "heun": Heun(), "heun.churn": Heun(churn: churn),
            "euler_ancestral": EulerAncestral(), "euler_ancestral.eta0.5": EulerAncestral(eta: 0.5, deviation: 1.1),
            "dpmpp_2m": DPMSolver2M(), "dpmpp_sde": DPMSolverSDE(), "dpmpp_2m_sde.midpoint": DPMSolver2MSDE(),
            "dpmpp_2m_sde.heun": DPMSolver2MSDE(correction: .heun), "dpmpp_2m_sde.eta0.5": DPMSolver2MSDE(eta: 0.5),
        ]
        let sigmas = try fixture["sigmas"].doubles()
        let schedule = try NoiseSchedule(.scaledLinear())
        let trajectory = try schedule.trajectory(.sigmas(sigmas))
        let (a, b) = (try fixture["coefficients.a"], try fixture["coefficients.b"])
        // D(x, σ), asked as a network that predicts x₀ from x / √(1 + σ²).
        let denoiser = Denoiser(
            schedule: schedule, prediction: .sample, treatment: SampleTreatment(clamp: .none)
        ) { query in
            let variance = query.level.sigma * query.level.sigma
            let x = try query.x * (1 + variance).squareRoot()
            return try (x + (a * x + b).tanh() * variance) / (1 + variance)
        }
        for (name, sampler) in cases {
            var chain = try Chain(
                sampler, trajectory, denoiser, start: .given(fixture["initial_noise"]),
                noise: sampler is DPMSolverSDE
                    ? separated(fixture["noise"], trajectory) : recorded(fixture["noise"]))
            let (states, previews) = (try fixture["\(name).x"], try fixture["\(name).denoised"])
            while let step = try chain.next() {
                #expect(try difference(step.x0, previews.at(step.index)) < Self.bound, "\(name) at \(step.index)")
                // The fixture's x is where a step begins, after its churn.
                if !name.hasSuffix("churn"), !step.isLast {
                    let exploding = try step.x * (1 + step.to.sigma * step.to.sigma).squareRoot()
                    #expect(try difference(exploding, states.at(step.index + 1)) < Self.bound, "\(name)")
                }
                if step.isLast { #expect(try difference(step.x, fixture["\(name).output"]) < Self.bound, "\(name)") }
            }
            #expect(chain.index == trajectory.count)
        }
    }
}

/// The noise of a fixture for DPM-Solver SDE, whose whole steps had draws of their own there: what is drawn for a
/// step's second piece, so that both pieces together are that draw.
func separated(_ noise: Tensor, _ trajectory: Trajectory) throws -> NoiseSource {
    var index = 0
    return NoiseSource { _, _, _ in
        defer { index += 1 }
        let drawn = try noise.at(index)
        guard !index.isMultiple(of: 2) else { return drawn }
        let step = trajectory.steps[index / 2]
        let (from, to) = (step.from.sigma, step.to.sigma)
        let share = (from - (from * to).squareRoot()) / (from - to)
        return try (drawn - noise.at(index - 1) * share.squareRoot()) / (1 - share).squareRoot()
    }
}

/// The noise of a fixture, [draws, N, …], one draw after the other.
func recorded(_ noise: Tensor) throws -> NoiseSource {
    var index = 0
    return NoiseSource { _, _, _ in
        defer { index += 1 }
        return try noise.at(index)
    }
}
