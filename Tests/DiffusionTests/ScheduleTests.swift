import Diffusion
import Tensors
import Testing

@Suite struct ScheduleTests {
    static let kinds: [String: @Sendable (Int) -> NoiseSchedule.Kind] = [
        "linear": { .linear(steps: $0) }, "scaled_linear": { _ in .scaledLinear() },
        "squared_cosine": { _ in .squaredCosine() },
    ]

    func expectTables(_ schedule: NoiseSchedule, _ fixture: Fixture, _ prefix: String) throws {
        let ofPosteriors = { (value: (Posterior) -> Double) in schedule.posteriors.map(value) }
        let tables: [String: [Double]] = [
            "betas": schedule.betas, "alphas_cumprod": schedule.alphaBar,
            "alphas_cumprod_prev": schedule.alphaBarPrevious,
            "sqrt_recipm1_alphas_cumprod": schedule.sigmas,
            "posterior_variance": ofPosteriors(\.variance),
            "posterior_log_variance_clipped": ofPosteriors(\.logVariance),
            "posterior_mean_coef1": ofPosteriors(\.x0Factor), "posterior_mean_coef2": ofPosteriors(\.xtFactor),
            "log_betas": ofPosteriors(\.logBeta),
        ]
        for (name, values) in tables {
            let expected = try fixture["\(prefix).\(name)"].doubles()
            #expect(agree(values, expected), "\(prefix).\(name)")
        }
    }

    @Test(arguments: ["linear", "scaled_linear", "squared_cosine"], [1000, 100])
    func tablesAgree(name: String, steps: Int) throws {
        let kind = try #require(Self.kinds[name])
        try expectTables(NoiseSchedule(kind(steps), steps: steps), Fixture("schedules/\(name)"), "\(steps)")
    }

    @Test(arguments: ["linear", "scaled_linear", "squared_cosine"])
    func respacedTablesAgree(name: String) throws {
        let kind = try #require(Self.kinds[name])
        let schedule = try NoiseSchedule(kind(1000))
        let fixture = try Fixture("schedules/\(name).respaced")
        let suffix = ".timestep_map"
        let specs = fixture.keys.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
        #expect(specs.count >= 11)
        for spec in specs {
            let respaced = try schedule.respaced(Respacing(parsing: spec))
            #expect(try respaced.timesteps == fixture[spec + suffix].ints(), "\(spec)")
            #expect(respaced.originalCount == 1000)
            try expectTables(respaced, fixture, spec)
        }
    }

    /// The trajectory's posteriors, made from its levels alone, are the respaced process's.
    @Test func trajectoriesKnowTheirPosteriors() throws {
        let schedule = try NoiseSchedule(.squaredCosine())
        let fixture = try Fixture("schedules/squared_cosine.respaced")
        for spec in ["27", "fast27", "ddim25"] {
            let posteriors = try schedule.trajectory(.respaced(Respacing(parsing: spec))).posteriors.reversed()
            let expected = { (table: String) in try fixture["\(spec).\(table)"].doubles() }
            #expect(agree(posteriors.map(\.logVariance), try expected("posterior_log_variance_clipped")))
            #expect(agree(posteriors.map(\.logBeta), try expected("log_betas")))
            #expect(agree(posteriors.map(\.x0Factor), try expected("posterior_mean_coef1")))
            #expect(agree(posteriors.map(\.xtFactor), try expected("posterior_mean_coef2")))
        }
    }

    @Test func sigmasAgree() throws {
        let fixture = try Fixture("schedules/sigmas")
        for count in [1, 2, 5, 10, 25, 40] {
            for (low, high) in [(0.0292, 14.6146), (0.002, 80.0)] {
                let karras = try Sigmas.karras(count, min: low, max: high) + [0]
                #expect(agree(karras, try fixture["karras.\(count).\(low).\(high)"].doubles()))
                let exponential = try Sigmas.exponential(count, min: low, max: high) + [0]
                #expect(agree(exponential, try fixture["exponential.\(count).\(low).\(high)"].doubles()))
            }
        }
        let rho5 = try Sigmas.karras(10, min: 0.0292, max: 14.6146, rho: 5) + [0]
        #expect(agree(rho5, try fixture["karras.rho5.10.0.0292.14.6146"].doubles()))
        let half = try Sigmas.polyexponential(10, min: 0.0292, max: 14.6146, rho: 0.5) + [0]
        #expect(agree(half, try fixture["polyexponential.rho0.5.10.0.0292.14.6146"].doubles()))
    }

    @Test func diffusersAgrees() throws {
        let fixture = try Fixture("schedules/diffusers")
        let unscaled: [String: NoiseSchedule.Kind] = [
            "linear": .linear(), "scaled_linear": .scaledLinear(), "squared_cosine": .squaredCosine(),
        ]
        for (name, kind) in unscaled {
            let schedule = try NoiseSchedule(kind)
            let alphaBar = try fixture["\(name).alphas_cumprod"].doubles()
            #expect(agree(schedule.alphaBar, alphaBar, relative: 2e-4, absolute: 1e-6), "\(name)")  // float32 there
        }
        let schedule = try NoiseSchedule(.scaledLinear())
        for count in [4, 10, 27, 50] {
            let spacings: [String: Spacing] = [
                "leading.\(count)": .leading(count), "leading.\(count).offset1": .leading(count, offset: 1),
                "trailing.\(count)": .trailing(count), "linspace.\(count)": .linspace(count),
            ]
            for (name, spacing) in spacings {
                let timesteps = try schedule.trajectory(spacing).levels.dropLast().map { Int($0.timestep) }
                #expect(try timesteps == fixture["timesteps.\(name)"].ints(), "\(name)")
            }
        }
        for count in [10, 30] {
            let spaced = try schedule.trajectory(.trailing(count)).levels
            #expect(agree(spaced.map(\.sigma), try fixture["euler.trailing.\(count).sigmas"].doubles(), relative: 1e-5))
            let range = spaced[count - 1].sigma...spaced[0].sigma
            let karras = try schedule.trajectory(.karras(count, range: range)).levels
            let name = "euler.trailing.karras.\(count)"
            #expect(agree(karras.map(\.sigma), try fixture["\(name).sigmas"].doubles(), relative: 1e-5))
            let timesteps = karras.dropLast().map(\.timestep)
            #expect(agree(timesteps, try fixture["\(name).timesteps"].doubles(), relative: 1e-5, absolute: 1e-2))
        }
    }

    @Test func aScheduleCanEndInNoiseAlone() throws {
        let schedule = try NoiseSchedule(.scaledLinear())
        let rescaled = try schedule.rescaledToZeroTerminalSNR()
        #expect(rescaled.alphaBar.last == 0 && rescaled.sigmas.last == .infinity && rescaled.betas.last == 1)
        #expect(abs(rescaled.alphaBar[0] - schedule.alphaBar[0]) < 1e-14)
        #expect(zip(rescaled.alphaBar, schedule.alphaBar).dropFirst().allSatisfy { $0 < $1 })
        // √ᾱ was shifted and stretched: its differences keep their proportions.
        let roots = [schedule, rescaled].map { $0.alphaBar.map { $0.squareRoot() } }
        let stretch = (roots[1][0] - roots[1][500]) / (roots[0][0] - roots[0][500])
        #expect(abs((roots[1][300] - roots[1][700]) / (roots[0][300] - roots[0][700]) - stretch) < 1e-12)

        let finite = try schedule.rescaledToZeroTerminalSNR(floor: 0x1p-24)
        #expect(finite.sigmas.last == (0x1p24 - 1.0).squareRoot())
        #expect(finite.alphaBar.dropLast() == rescaled.alphaBar.dropLast())
        #expect(try rescaled.respaced(.sections([10])).alphaBar.last == 0)
        #expect(try rescaled.trajectory(.trailing(5)).steps[0].from.sigma == .infinity)
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.betas([0.5])).rescaledToZeroTerminalSNR() }
    }

    /// Up to its last step, √ᾱ falls evenly, and times are found again.
    @Test func noiseAloneIsComeToEvenly() throws {
        let schedule = try NoiseSchedule(.scaledLinear()).rescaledToZeroTerminalSNR()
        let root = schedule.alphaBar[998].squareRoot()
        for share in [0.75, 0.5, 0.125] {
            let level = try schedule.level(timestep: 999 - share)
            #expect(abs(level.alphaBar.squareRoot() / root - share) < 1e-12)
            #expect(abs(schedule.timestep(sigma: level.sigma) - (999 - share)) < 1e-9)
        }
        #expect(abs(schedule.timestep(sigma: schedule.sigmas[998]) - 998) < 1e-9)
        #expect(schedule.timestep(sigma: .infinity) == 999)
    }

    @Test func impossibleSchedulesAreRefused() {
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.linear(), steps: 0) }
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.betas([])) }
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.betas([0.1, 1])) }
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.betas([0.1, .nan])) }
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.linear(from: -1, to: 0.5)) }
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.linear(from: 0.9, to: 0.99), steps: 1000) }
        #expect(throws: DiffusionError.self) { try NoiseSchedule(.squaredCosine(), steps: Int.max) }
    }
}

@Suite struct RespacingTests {
    @Test func fast27VisitsWhatGLIDEVisits() throws {
        #expect(
            try Respacing.fast27.steps(of: 1000) == [
                0, 22, 44, 66, 88, 111, 133, 155, 177, 199, 200, 222, 244, 266, 288, 311, 333, 355, 377, 399, 400, 500,
                599, 600, 799, 800, 997,
            ])
    }

    @Test func mapsAgree() throws {
        let fixture = try Fixture("schedules/timestep_maps")
        #expect(fixture.keys.count >= 7)
        for key in fixture.keys {
            let parts = key.split(separator: ".", maxSplits: 1)
            let count = try #require(Int(parts[0]))
            let steps = try Respacing(parsing: String(parts[1])).steps(of: count)
            #expect(try steps == fixture[key].ints(), "\(key)")
        }
    }

    @Test(arguments: ["", "a", "10,", ",", "-1", "ddim", "ddim0", "fast28", "10;5", "99999999999999999999"])
    func badTextIsRefused(text: String) {
        #expect(throws: DiffusionError.self) { try Respacing(parsing: text) }
    }

    @Test func impossibleCountsAreRefused() {
        for (text, count) in [("11", 10), ("0", 10), ("ddim7", 10), ("fast27", 10), ("3,3", 5), ("1", 0)] {
            #expect(throws: DiffusionError.self, "\(text) of \(count)") {
                try Respacing(parsing: text).steps(of: count)
            }
        }
    }
}

@Suite struct SpacingTests {
    let schedule: NoiseSchedule

    init() throws { schedule = try NoiseSchedule(.squaredCosine()) }

    @Test func levelsAndTimesGoBothWays() throws {
        for time in [0, 0.25, 1, 17.5, 500, 998.75, 999] {
            let level = try schedule.level(timestep: time)
            #expect(abs(schedule.timestep(sigma: level.sigma) - time) < 1e-9)
            #expect(abs(level.alphaBar - 1 / (1 + level.sigma * level.sigma)) < 1e-14)
        }
        #expect(schedule.timestep(sigma: 1e-9) == 0)
        #expect(schedule.timestep(sigma: 0) == 0)
        #expect(schedule.timestep(sigma: 1e9) == 999)
        let between = try schedule.level(timestep: 17.4).sigma
        #expect(schedule.timestep(sigma: between, rounding: true) == 17)
        for time in [-1, 999.5, .nan, .infinity] {
            #expect(throws: DiffusionError.self) { try schedule.level(timestep: time) }
        }
    }

    @Test func interpolatedStepsAreEven() throws {
        let times = try schedule.trajectory(.interpolated(5)).levels.dropLast().map(\.timestep)
        #expect(times == [999, 749.25, 499.5, 249.75, 0])
        #expect(try schedule.trajectory(.interpolated(1)).levels.map(\.timestep) == [999, 0])
    }

    @Test func strengthKeepsTheEnd() throws {
        let whole = try schedule.trajectory(.trailing(10))
        let part = try whole.starting(strength: 0.35)
        #expect(part.count == 3)
        #expect(part.levels == Array(whole.levels.suffix(4)))
        #expect(try whole.starting(strength: 0.01).count == 1)
        #expect(try whole.starting(strength: 1) == whole)
        for strength in [0, -1, 1.1, .nan] {
            #expect(throws: DiffusionError.self) { try whole.starting(strength: strength) }
        }
    }

    @Test func impossibleStepsAreRefused() {
        let bad: [Spacing] = [
            .leading(0), .leading(1001), .leading(10, offset: 200), .leading(10, offset: .max), .trailing(-1),
            .linspace(2000), .interpolated(0), .exponential(0), .karras(0), .karras(.max),
            .karras(5, range: 3...3), .karras(5, rho: 0), .sigmas([]), .sigmas([1, 2]), .sigmas([.nan]),
            .sigmas([.infinity]), .timesteps([1000]), .timesteps([3, 3]),
        ]
        for spacing in bad {
            #expect(throws: DiffusionError.self, "\(spacing)") { try schedule.trajectory(spacing) }
        }
    }

    @Test func namesParse() throws {
        #expect(try Spacing(parsing: "karras", steps: 9, standard: .all) == .karras(9))
        #expect(try Spacing(parsing: "default", steps: 9, standard: .trailing(9)) == .trailing(9))
        #expect(try Spacing(parsing: "fast27", steps: 9, standard: .all) == .respaced(.fast27))
        #expect(throws: DiffusionError.self) { try Spacing(parsing: "karas", steps: 9, standard: .all) }
        for name in [
            "ddpm", "ddim", "pndm", "euler", "euler-a", "heun", "dpm++2m", "dpm++2m-sde", "dpm++sde", "unipc", "lcm",
        ] {
            #expect(try SamplerName(parsing: name).rawValue == name)
        }
        #expect(throws: DiffusionError.self) { try SamplerName(parsing: "dpm") }
    }
}
