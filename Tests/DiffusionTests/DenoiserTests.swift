import Diffusion
import Tensors
import Testing

/// A discrete-time network as D(x, σ), as k-diffusion's adapters have it.
@Suite struct DenoiserTests {
    let fixture: Fixture
    let schedule: NoiseSchedule

    init() throws {
        fixture = try Fixture("denoisers/k_diffusion")
        schedule = try NoiseSchedule(.scaledLinear())
    }

    @Test(arguments: [Prediction.noise, .velocity], [true, false])
    func adaptersAgree(prediction: Prediction, rounding: Bool) throws {
        let denoiser = Denoiser(
            schedule: schedule, prediction: prediction, treatment: SampleTreatment(clamp: .none),
            roundsTimesteps: rounding
        ) { query in
            let x = try query.x * 1.3 + 0.2
            // A time in double precision; `query.timesteps()` has float32's.
            return try x.tanh() * 0.7 + Tensor(query.level.timestep / 50, dtype: .float64).sin() * 0.3
        }
        let key = "\(prediction).\(rounding ? "rounded" : "interpolated")"
        let (x, denoised) = (try fixture["x"], try fixture["\(key).denoised"])
        let times = try fixture["\(key).sigma_to_t"].doubles()
        for (row, sigma) in try fixture["sigma"].doubles().enumerated() {
            let level = denoiser.level(sigma: sigma)
            #expect(abs(level.timestep - times[row]) < 1e-9, "σ = \(sigma)")
            let rows = row..<row + 1
            #expect(try difference(denoiser.denoised(x.rows(rows), at: level), denoised.rows(rows)) < 1e-9)
            // A level that was made without rounding is asked about at a whole step all the same.
            let unrounded = schedule.level(sigma: sigma)
            #expect(try difference(denoiser.denoised(x.rows(rows), at: unrounded), denoised.rows(rows)) < 1e-9)
        }
    }

    @Test func levelsAgree() throws {
        let sigmas = try fixture["times"].doubles().map { try schedule.level(timestep: $0).sigma }
        #expect(agree(sigmas, try fixture["t_to_sigma"].doubles(), relative: 1e-10))
        for count in [1, 2, 10, 33] {
            let sigmas = try schedule.trajectory(.interpolated(count)).levels.map(\.sigma)
            #expect(agree(sigmas, try fixture["get_sigmas.\(count)"].doubles(), relative: 1e-10))
        }
    }

    /// A gradient shifts the picture by σ² times the gradient with respect to x = x₀ + σ ε.
    @Test func gradientsShiftThePicture() throws {
        let level = try schedule.level(timestep: 600)
        let x = try normal([1, 2, 3, 3]) * (1 + level.sigma * level.sigma).squareRoot()
        let target = try normal([1, 2, 3, 3], seed: 8)
        var denoiser = Denoiser(
            schedule: schedule, prediction: .noise, treatment: SampleTreatment(clamp: .none)
        ) { try $0.x.tanh() }
        let plain = try denoiser.denoised(x, at: level)
        denoiser.gradient = .noisy { try target - $0.x }
        let guided = try denoiser.denoised(x, at: level)
        let signal = level.alphaBar.squareRoot()
        let shift = try (target - x * signal) * (signal * level.sigma * level.sigma)
        #expect(try difference(guided, plain + shift) < 1e-12)
        denoiser.gradient = .noisy { try $0.x.narrow(1, start: 0, length: 1) }
        #expect(throws: DiffusionError.self) { try denoiser.denoised(x, at: level) }
    }
}
