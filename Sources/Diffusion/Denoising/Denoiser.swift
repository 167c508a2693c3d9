public import Tensors

/// What a network, asked about x_t, says of the picture beneath.
public struct Estimate {
    /// The predicted picture, after its treatment.
    public let x0: Tensor
    /// Where the variance is learned: the network's v, of x₀'s shape.
    public let varianceRange: Tensor?
    let xt: Tensor
    let scales: Scales

    /// ε as it follows from x_t and the treated x₀.
    public func noise() throws -> Tensor { try scales.noise(sample: x0, xt: xt) }
}

/// A network together with all that is needed to read its answers: what samplers ask.
///
/// ```swift
/// let denoiser = Denoiser(schedule: schedule, prediction: .noise, variance: .learnedRange) { query in
///     try unet(query.x, query.timesteps(), states)
/// }
/// ```
public struct Denoiser {
    /// The schedule the network was trained with, not respaced; maps σ to the step numbers it knows.
    public var schedule: NoiseSchedule
    public var prediction: Prediction
    public var variance: Variance
    public var treatment: SampleTreatment
    /// Asks the network at whole steps only, the nearest in log σ.
    public var roundsTimesteps: Bool
    /// Guidance by another model's gradient, where there is any.
    public var gradient: ScoreGradient?
    public var network: Network

    public init(
        schedule: NoiseSchedule, prediction: Prediction, variance: Variance = .fixedSmall,
        treatment: SampleTreatment = SampleTreatment(), roundsTimesteps: Bool = false, gradient: ScoreGradient? = nil,
        network: @escaping Network
    ) {
        self.schedule = schedule
        self.prediction = prediction
        self.variance = variance
        self.treatment = treatment
        self.roundsTimesteps = roundsTimesteps
        self.gradient = gradient
        self.network = network
    }

    /// - Parameter xt: [N, C, …], √ᾱ · x₀ + √(1 − ᾱ) · ε.
    public func estimate(_ xt: Tensor, at level: NoiseLevel) throws -> Estimate {
        let output = try network(query(xt, level)).to(like: xt)
        let (predicted, range) = try variance.split(output, like: xt)
        let scales = Scales(level)
        let x0 = try treatment(prediction.sample(predicted, xt: xt, scales), at: level)
        return Estimate(x0: x0, varianceRange: range, xt: xt, scales: scales)
    }

    /// The estimate, its noise shifted by −√(1 − ᾱ) · gradient where there is a gradient to follow (Song et al. 2021;
    /// guided-diffusion's `condition_score`). x₀ follows the shift and is not treated again.
    public func guidedEstimate(_ xt: Tensor, at level: NoiseLevel) throws -> Estimate {
        let plain = try estimate(xt, at: level)
        guard let gradient = try scoreGradient(xt, at: level) else { return plain }
        let noise = try plain.noise() - plain.scales.noise * gradient
        let x0 = try plain.scales.sample(noise: noise, xt: xt)
        return Estimate(x0: x0, varianceRange: plain.varianceRange, xt: xt, scales: plain.scales)
    }

    /// D(x, σ) of Karras et al. 2022: the picture beneath x = x₀ + σ · ε. k-diffusion's `DiscreteEpsDDPMDenoiser` and
    /// its kin, for all predictions.
    public func denoised(_ x: Tensor, at level: NoiseLevel) throws -> Tensor {
        try guidedEstimate(Scales(level).signal * x, at: level).x0
    }

    /// The level of any σ, as this network is told of it.
    public func level(sigma: Double) -> NoiseLevel { schedule.level(sigma: sigma, rounding: roundsTimesteps) }

    func scoreGradient(_ xt: Tensor, at level: NoiseLevel) throws -> Tensor? {
        guard let gradient else { return nil }
        let value = try gradient(query(xt, level)).to(like: xt)
        guard value.shape == xt.shape else {
            throw DiffusionError.shape(what: "the guiding gradient", expected: xt.shape, actual: value.shape)
        }
        return value
    }

    private func query(_ xt: Tensor, _ level: NoiseLevel) -> Query {
        guard roundsTimesteps, level.timestep != level.timestep.rounded() else { return Query(x: xt, level: level) }
        let step = schedule.timestep(sigma: level.sigma, rounding: true)
        return Query(x: xt, level: level.told(step))
    }
}
