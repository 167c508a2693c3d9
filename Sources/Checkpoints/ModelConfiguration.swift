public import Diffusion
public import Models

/// Everything about a text-to-picture model that its weights do not say: written beside them, and read with them.
public struct ModelConfiguration: Codable, Sendable, Equatable {
    /// What the model is called; shown, never interpreted.
    public var name: String
    public var network: GLIDEConfiguration
    public var diffusion: DiffusionConfiguration
    public var text: TextConfiguration
    /// The side of the pictures it was trained on, in pixels.
    public var imageSize: Int
    public var sampling: SamplingDefaults
    /// Of an upsampler: how many times larger a side of its pictures is than of those it sees; nil is GLIDE's 4.
    public var upscaling: Int?

    /// `upscaling` with its default.
    public var upscalingFactor: Int { upscaling ?? 4 }

    public init(
        name: String, network: GLIDEConfiguration, diffusion: DiffusionConfiguration, text: TextConfiguration,
        imageSize: Int, sampling: SamplingDefaults, upscaling: Int? = nil
    ) {
        self.name = name
        self.network = network
        self.diffusion = diffusion
        self.text = text
        self.imageSize = imageSize
        self.sampling = sampling
        self.upscaling = upscaling
    }

    /// - Throws: `ConfigurationError` where parts do not fit together or no network can be built.
    public func validate() throws {
        try network.validate()
        try diffusion.validate()
        guard (1...65_536).contains(imageSize), imageSize % network.unet.sizeMultiple == 0 else {
            throw ConfigurationError(
                "imageSize \(imageSize) does not divide by \(network.unet.sizeMultiple), as the U-Net needs")
        }
        guard (1...64).contains(upscaling ?? 1) else {
            throw ConfigurationError("an upsampler cannot enlarge \(upscaling ?? 1) times")
        }
        guard network.unet.outputChannels == 3 * (diffusion.variance == .learnedRange ? 2 : 1) else {
            throw ConfigurationError(
                "\(network.unet.outputChannels) output channels do not fit the variance \(diffusion.variance.rawValue)")
        }
        try text.validate()
        guard text.context == network.text.context else {
            throw ConfigurationError(
                "prompts of \(text.context) tokens for a network that reads \(network.text.context)")
        }
        try sampling.validate(of: diffusion.steps)
        let needed = try text.vocabularyCount
        guard needed == network.text.vocabulary else {
            throw ConfigurationError(
                "the token table has \(network.text.vocabulary) rows, the vocabulary \(needed) tokens")
        }
    }
}

/// How a model is sampled unless a request says otherwise.
public struct SamplingDefaults: Codable, Sendable, Equatable {
    public var sampler: SamplerName
    /// Respacing or spacing by name; nil is the sampler's own.
    public var schedule: String?
    public var steps: Int
    public var guidanceScale: Double
    /// The σ at which to guide; nil is all.
    public var guidanceInterval: ClosedRange<Double>?

    public init(
        sampler: SamplerName, schedule: String? = nil, steps: Int, guidanceScale: Double,
        guidanceInterval: ClosedRange<Double>? = nil
    ) {
        self.sampler = sampler
        self.schedule = schedule
        self.steps = steps
        self.guidanceScale = guidanceScale
        self.guidanceInterval = guidanceInterval
    }

    /// In a few words.
    package var described: String {
        "\(sampler.rawValue), \(steps) steps" + (schedule.map { " (\($0))" } ?? "") + ", guidance \(guidanceScale)"
            + (guidanceInterval.map { " from σ \($0.lowerBound) to \($0.upperBound)" } ?? "")
    }

    /// - Parameter count: steps of the whole process.
    func validate(of count: Int) throws {
        guard (1...count).contains(steps) else {
            throw ConfigurationError("\(steps) sampling steps of a process of \(count)")
        }
        guard guidanceScale.isFinite else { throw ConfigurationError("a guidance scale of \(guidanceScale)") }
        if let interval = guidanceInterval, interval.lowerBound < 0 || !interval.upperBound.isFinite {
            throw ConfigurationError("guidance from σ \(interval.lowerBound) to \(interval.upperBound)")
        }
        guard let schedule else { return }
        do { _ = try Spacing(parsing: schedule, steps: steps, standard: .all) } catch {
            throw ConfigurationError("\(error)")
        }
    }
}
