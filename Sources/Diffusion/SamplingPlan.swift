/// A decided way to sample: which sampler, through which levels, and how the network is to be read.
///
/// ```swift
/// let plan = try configuration.diffusion.plan(.dpmSolver2M, steps: 25)
/// var chain = try Chain(plan, plan.denoiser(network), start: .noise([1, 4, 64, 64]), noise: .seeded(7, count: 1))
/// ```
public struct SamplingPlan: Sendable {
    public var sampler: any Sampler
    public var trajectory: Trajectory
    /// The process the network was trained for, not respaced.
    public var schedule: NoiseSchedule
    public var prediction: Prediction
    public var variance: Variance
    /// How predicted pictures are kept in range, unless a request says otherwise.
    public var clamp: SampleTreatment.Clamp

    public init(
        sampler: any Sampler, trajectory: Trajectory, schedule: NoiseSchedule, prediction: Prediction,
        variance: Variance = .fixedSmall, clamp: SampleTreatment.Clamp = .none
    ) {
        self.sampler = sampler
        self.trajectory = trajectory
        self.schedule = schedule
        self.prediction = prediction
        self.variance = variance
        self.clamp = clamp
    }

    /// How many steps a chain along it takes.
    public var stepCount: Int { sampler.adapted(trajectory).count }

    /// What the sampler asks.
    ///
    /// - Parameter treatment: instead of the plan's own clamp.
    public func denoiser(
        treatment: SampleTreatment? = nil, gradient: ScoreGradient? = nil, _ network: @escaping Network
    ) -> Denoiser {
        Denoiser(
            schedule: schedule, prediction: prediction, variance: variance,
            treatment: treatment ?? SampleTreatment(clamp: clamp), gradient: gradient, network: network)
    }
}

extension Chain {
    /// A chain along a plan's way.
    public init(
        _ plan: SamplingPlan, _ denoiser: Denoiser, start: Start, noise: NoiseSource, keeping kept: KeptRegion? = nil,
        isCancelled: @escaping () -> Bool = { Task.isCancelled }
    ) throws {
        try self.init(
            plan.sampler, plan.trajectory, denoiser, start: start, noise: noise, keeping: kept, isCancelled: isCancelled)
    }
}
