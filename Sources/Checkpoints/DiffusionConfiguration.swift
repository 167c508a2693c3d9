public import Diffusion
internal import Models

/// The diffusion process a network was trained for.
public struct DiffusionConfiguration: Codable, Sendable, Equatable {
    /// Names of noise schedules.
    public enum Schedule: String, Codable, Sendable, CaseIterable {
        case linear, scaledLinear, squaredCosine
    }

    /// β of the first and the last step.
    public struct BetaRange: Codable, Sendable, Equatable {
        public var from: Double
        public var to: Double

        public init(from: Double, to: Double) {
            self.from = from
            self.to = to
        }
    }

    public var schedule: Schedule
    /// Steps of the whole process.
    public var steps: Int
    public var prediction: Prediction
    public var variance: Variance
    /// nil: what the schedule's paper has, for a linear one stretched to the number of steps.
    public var betas: BetaRange?
    /// β of each step, instead of a schedule.
    public var trainedBetas: [Double]?
    /// Whether the schedule is stretched so that its last step leaves nothing of the picture; nil is no.
    public var zeroTerminalSNR: Bool?
    /// What the model's diffusers configuration says of sampling, where it came with one; samplers then do as
    /// diffusers'.
    public var scheduler: DiffusersScheduler?

    public init(
        schedule: Schedule = .squaredCosine, steps: Int = 1000, prediction: Prediction = .noise,
        variance: Variance = .learnedRange, betas: BetaRange? = nil, trainedBetas: [Double]? = nil,
        zeroTerminalSNR: Bool? = nil
    ) {
        self.schedule = schedule
        self.steps = steps
        self.prediction = prediction
        self.variance = variance
        self.betas = betas
        self.trainedBetas = trainedBetas
        self.zeroTerminalSNR = zeroTerminalSNR
    }

    /// The process that a diffusers scheduler's own class has, or DDIM where that class asks for what is not honoured here.
    /// - Throws: `ConfigurationError` naming the key that cannot be honoured.
    public init(_ scheduler: DiffusersScheduler) throws {
        let settings = try scheduler.settings()
        self.init(
            schedule: settings.betaSchedule, steps: settings.count, prediction: settings.prediction,
            variance: settings.variance, zeroTerminalSNR: settings.rescalesToZeroSNR ? true : nil)
        switch settings.beta {
        case .linear(let from, let to), .scaledLinear(let from, let to): betas = BetaRange(from: from, to: to)
        case .betas(let values): trainedBetas = values
        case .squaredCosine: break
        }
        self.scheduler = scheduler
    }

    /// The β of the process, not respaced.
    public func noiseSchedule() throws -> NoiseSchedule {
        let kind: NoiseSchedule.Kind =
            switch (trainedBetas, schedule, betas) {
            case (let values?, _, _): .betas(values)
            case (nil, .linear, let betas?): .linear(from: betas.from, to: betas.to)
            case (nil, .linear, nil): .linear(steps: steps)
            case (nil, .scaledLinear, let betas?): .scaledLinear(from: betas.from, to: betas.to)
            case (nil, .scaledLinear, nil): .scaledLinear()
            case (nil, .squaredCosine, _): .squaredCosine()
            }
        let whole = try NoiseSchedule(kind, steps: steps)
        return zeroTerminalSNR == true ? try whole.rescaledToZeroTerminalSNR() : whole
    }

    /// How a request is to be sampled: as diffusers would where the model came with its configuration, else with the
    /// sampler's own spacing.
    ///
    /// - Parameters:
    ///   - schedule: "default", or a spacing's name; see `Spacing`.
    ///   - strength: for starting from a picture; nil starts from noise.
    /// - Throws: `ConfigurationError` or `DiffusionError`.
    public func plan(
        _ sampler: SamplerName, steps: Int, schedule: String = "default", strength: Double? = nil
    ) throws -> SamplingPlan {
        if let scheduler {
            return try scheduler.plan(sampler, steps: steps, schedule: schedule, strength: strength)
        }
        let noise = try noiseSchedule()
        let whole = try noise.trajectory(
            Spacing(parsing: schedule, steps: steps, standard: sampler.spacing(steps: steps)))
        return SamplingPlan(
            sampler: sampler.sampler, trajectory: try strength.map(whole.starting) ?? whole, schedule: noise,
            prediction: prediction, variance: variance, clamp: .unit)
    }

    public func validate() throws {
        guard (2...100_000).contains(steps) else {
            throw ConfigurationError("a diffusion process of \(steps) steps; expected 2 to 100,000")
        }
        if let trainedBetas, trainedBetas.count != steps {
            throw ConfigurationError("\(trainedBetas.count) trained betas for a process of \(steps) steps")
        }
        do { _ = try noiseSchedule() } catch { throw ConfigurationError("\(error)") }
        try scheduler?.validate()
    }
}
