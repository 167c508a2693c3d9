public import Tensors

/// What a network, asked about x_t, says of the picture beneath.
public struct Estimate {
    /// The predicted picture, after its treatment.
    public let x0: Tensor
    /// Where the variance is learned: the network's v, of x₀'s shape.
    public let varianceRange: Tensor?
    /// What the network predicted, be it ε, x₀ or v; where x₀ was guided by a gradient, what it should have.
    let predicted: Tensor
    let prediction: Prediction
    /// Whether x₀ is what was predicted, untreated.
    let isPlain: Bool
    let xt: Tensor
    let scales: Scales

    /// ε as it follows from x_t and the treated x₀.
    public func noise() throws -> Tensor { try scales.noise(sample: x0, xt: xt) }

    /// ε as it was predicted, before x₀ was treated.
    public func predictedNoise() throws -> Tensor { try prediction.noise(predicted, xt: xt, scales) }

    /// The same without the graph it was computed in.
    func detached(xt: Tensor) throws -> Estimate {
        Estimate(
            x0: try x0.detach(), varianceRange: try varianceRange?.detach(), predicted: try predicted.detach(),
            prediction: prediction, isPlain: isPlain, xt: xt, scales: scales)
    }

    /// The treated x₀ in the terms of the network's own prediction.
    func restated() throws -> Tensor {
        isPlain ? predicted : try prediction.target(x0: x0, noise: noise(), scales)
    }
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
    /// - Throws: `DiffusionError.setting` for a network that predicts the noise where there is nothing else.
    public func estimate(_ xt: Tensor, at level: NoiseLevel) throws -> Estimate {
        guard level.alphaBar > 0 || prediction != .noise else {
            throw DiffusionError.setting(
                name: "the network's prediction", value: "noise",
                expected: "x₀ or v, for a process that begins with nothing but noise (zero terminal SNR)")
        }
        let output = try network(query(xt, level)).to(like: xt)
        let (predicted, range) = try variance.split(output, like: xt)
        let scales = Scales(level)
        let x0 = try treatment(prediction.sample(predicted, xt: xt, scales), at: level)
        return Estimate(
            x0: x0, varianceRange: range, predicted: predicted, prediction: prediction,
            isPlain: treatment.isNone, xt: xt, scales: scales)
    }

    /// The estimate, its noise shifted by −√(1 − ᾱ) · gradient where there is a gradient to follow (Song et al. 2021;
    /// guided-diffusion's `condition_score`). x₀ follows the shift and is not treated again.
    public func guidedEstimate(_ xt: Tensor, at level: NoiseLevel) throws -> Estimate {
        let (plain, gradient) = try estimateWithGradient(xt, at: level)
        guard let gradient else { return plain }
        let noise = try plain.noise() - plain.scales.noise * gradient
        let x0 = try plain.scales.sample(noise: noise, xt: xt)
        return Estimate(
            x0: x0, varianceRange: plain.varianceRange,
            predicted: try prediction.target(x0: x0, noise: noise, plain.scales), prediction: prediction, isPlain: true,
            xt: xt, scales: plain.scales)
    }

    /// D(x, σ) of Karras et al. 2022: the picture beneath x = x₀ + σ · ε. k-diffusion's `DiscreteEpsDDPMDenoiser` and
    /// its kin, for all predictions.
    public func denoised(_ x: Tensor, at level: NoiseLevel) throws -> Tensor {
        try guidedEstimate(Scales(level).signal * x, at: level).x0
    }

    /// The level of any σ, as this network is told of it.
    public func level(sigma: Double) -> NoiseLevel { schedule.level(sigma: sigma, rounding: roundsTimesteps) }

    /// The estimate, not shifted, and the gradient to follow, of x_t's shape: nil where there is none, and where nothing
    /// is left of the picture to guide.
    func estimateWithGradient(
        _ xt: Tensor, at level: NoiseLevel
    ) throws -> (estimate: Estimate, gradient: Tensor?) {
        guard level.alphaBar > 0, let gradient = gradient?.at(level) else { return (try estimate(xt, at: level), nil) }
        switch gradient {
        case .within: return (try estimate(xt, at: level), nil)  // `at` has taken it off
        case .noisy(let gradient):
            let estimate = try estimate(xt, at: level)
            let value = try gradient(query(xt, level)).to(like: xt)
            guard value.shape == xt.shape else {
                throw DiffusionError.shape(what: "the guiding gradient", expected: xt.shape, actual: value.shape)
            }
            return (estimate, value)
        case .predicted(let likeness):
            // One call of the network gives both.
            let (value, recorded) = try xt.gradient { (x) -> (value: Tensor, byproduct: Estimate) in
                let recorded = try estimate(x, at: level)
                return (try likeness(recorded.x0, level), recorded)
            }
            return (try recorded.detached(xt: xt), value)
        }
    }

    private func query(_ xt: Tensor, _ level: NoiseLevel) -> Query {
        guard roundsTimesteps, level.timestep != level.timestep.rounded() else { return Query(x: xt, level: level) }
        let step = schedule.timestep(sigma: level.sigma, rounding: true)
        return Query(x: xt, level: level.told(step))
    }
}
