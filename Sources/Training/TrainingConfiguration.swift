public import Checkpoints
public import Datasets
public import Diffusion
internal import Images
public import Layers
public import Models
public import Scenes
internal import Tensors

/// Everything that decides what a training run computes, and how often it says so: `config.yaml`.
///
/// A file need only name what differs from a preset (`preset: emoji-64`); keys that nobody reads are refused.
public struct TrainingConfiguration: Codable, Sendable, Equatable {
    /// Of the model, shown by `moonlit inspect`.
    public var name: String
    public var kind: Kind
    /// The side of the pictures, in pixels.
    public var imageSize: Int
    public var network: NetworkShape
    public var conditioning: ConditioningShape
    public var diffusion: DiffusionConfiguration
    public var contrastive: ContrastiveShape
    public var loss: LossShape
    public var textPretraining: TextPretrainingShape
    public var data: DataShape
    /// In a contrastive run, `weightDecay` leaves gains, biases and the logit's scale.
    public var optimizer: AdamW.Options
    public var rate: LearningRate
    /// The largest norm of all gradients together; 0 leaves them.
    public var gradientClip: Double
    /// Of the averaged weights, which are what a run is for.
    public var emaDecay: Double
    /// How often a caption is replaced by the empty one, so that one network is also the unconditional one.
    public var captionDropout: Double
    public var steps: Int
    /// Pictures a step.
    public var batchSize: Int
    /// A batch is computed in this many equal parts, each forward and backward on its own; their gradients are averaged
    /// in order. Parts run side by side on up to `workers` threads, or one after another where memory is short
    /// (gradient accumulation). Results depend on `parts`, never on `workers`.
    public var parts: Int
    /// Threads that compute parts on the CPU; 0 for as many as there are cores.
    public var workers: Int
    public var dtype: Precision
    public var seed: UInt64
    public var autoencoder: AutoencoderShape
    public var latent: LatentShape
    public var intervals: Intervals
    public var samples: SampleShape

    /// What is trained.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Pictures to few numbers and back.
        case autoencoder
        /// A network that names the noise in an autoencoder's latents.
        case latent
        /// A network that names the noise.
        case diffusion
        /// Two towers that tell which caption belongs to which picture.
        case contrastive
    }

    /// The sizes of the network; what follows from the data (the vocabulary's size) is not said twice.
    public struct NetworkShape: Codable, Sendable, Equatable {
        public var input: GLIDEInput
        public var modelChannels: Int
        public var levels: [UNetConfiguration.Level]
        public var headWidth: Int
        public var patchSize: Int
        /// The width of a residual block at the picture's own resolution, which joins unfolded blocks; 0 for none.
        public var pixelChannels: Int
        public var normGroups: Int
        public var dropout: Double
        public var text: TextShape
        /// Whether an upsampler predicts what its small picture lacks; see `GLIDEConfiguration.residual`.
        public var residual = false
    }

    public struct TextShape: Codable, Sendable, Equatable {
        public var vocabulary: TextConfiguration.Vocabulary
        /// Keeps only the tokens that the data's captions have.
        public var prune: Bool
        public var context: Int
        public var width: Int
        public var layers: Int
        public var heads: Int

        public init(
            vocabulary: TextConfiguration.Vocabulary, prune: Bool, context: Int, width: Int, layers: Int, heads: Int
        ) {
            self.vocabulary = vocabulary
            self.prune = prune
            self.context = context
            self.width = width
            self.layers = layers
            self.heads = heads
        }
    }

    public struct LossShape: Codable, Sendable, Equatable {
        public enum Weighting: String, Codable, Sendable, CaseIterable {
            /// Each example counts the same, whatever the network predicts.
            case uniform
            /// By the smaller of the signal-to-noise ratio and `limit`.
            case minSNR
            /// By the smaller of the noise's inverse variance and `limit`.
            case inverseVariance
        }
        public var weighting: Weighting
        /// Of `minSNR` (γ) and `inverseVariance`.
        public var limit: Double
        /// Of the variational term, where the variance is learned.
        public var variationalWeight: Double
        public var times: TimeDraw
        /// The share of an example's error that is its mean over the caption's subjects alone, where the set knows where
        /// they stand, so that small ones count as much as large ones; the rest is the mean over the whole picture.
        public var subjectShare = 0.0
    }

    /// Contrastive training of the text transformer before the first step; see `TextPretraining`.
    public struct TextPretrainingShape: Codable, Sendable, Equatable {
        /// 0 leaves it out.
        public var steps: Int
        public var batchSize: Int
        /// The highest learning rate.
        public var rate: Double

        public init(steps: Int = 0, batchSize: Int = 128, rate: Double = 1e-3) {
            self.steps = steps
            self.batchSize = batchSize
            self.rate = rate
        }
    }

    /// What it learns from.
    public struct DataShape: Codable, Sendable, Equatable {
        public struct Part: Codable, Sendable, Equatable {
            /// A built-in set's name, or a path.
            public var set: String
            public var weight: Double
            /// What `scenes` are composed of; other sets have none.
            public var scenes: SceneConfiguration?

            public init(set: String, weight: Double = 1, scenes: SceneConfiguration? = nil) {
                self.set = set
                self.weight = weight
                self.scenes = scenes
            }

            /// `weight` may be left out.
            public init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                set = try values.decode(String.self, forKey: .set)
                weight = try values.decodeIfPresent(Double.self, forKey: .weight) ?? 1
                scenes = try values.decodeIfPresent(SceneConfiguration.self, forKey: .scenes)
            }
        }
        public var sets: [Part]
        /// How many examples that stand in a row in the set come in a row.
        public var together: Int
        public var crop: Preparation.Crop
        public var smallestCrop: Double
        /// How often a picture is mirrored.
        public var flip: Double
        public var ground: Preparation.Ground
        public var filter: String
        /// The share of pictures that may be unreadable before the run stops.
        public var tolerance: Double
    }

    /// In steps.
    public struct Intervals: Codable, Sendable, Equatable {
        public var log: Int
        public var sample: Int
        public var checkpoint: Int
        /// Checkpoints that stay; older ones are deleted.
        public var keep: Int
    }

    /// The pictures drawn at intervals, always of the same noise.
    public struct SampleShape: Codable, Sendable, Equatable {
        public var prompts: [String]
        public var sampler: SamplerName
        public var steps: Int
        public var guidanceScale: Double
        public var seed: UInt64
    }
}

extension TrainingConfiguration {
    public var preparation: Preparation {
        Preparation(
            size: imageSize, filter: ResamplingFilter(rawValue: data.filter) ?? .lanczos, crop: data.crop,
            smallestCrop: data.smallestCrop, flip: data.flip, ground: data.ground)
    }

    public var lossFunction: DiffusionLoss {
        let weighting: LossWeighting =
            switch loss.weighting {
            case .uniform: .uniform
            case .minSNR: .minSNR(gamma: loss.limit)
            case .inverseVariance: .inverseVariance(limit: loss.limit)
            }
        return DiffusionLoss(
            diffusion.prediction, variance: diffusion.variance, weighting: weighting,
            variationalWeight: loss.variationalWeight)
    }

    /// What is written beside the weights.
    /// - Parameter kept: the tokens of a pruned vocabulary.
    public func model(kept: [Int]?) throws -> ModelConfiguration {
        let text = TextConfiguration(vocabulary: network.text.vocabulary, context: network.text.context, kept: kept)
        let unet = UNetConfiguration(
            inputChannels: network.input.channels, outputChannels: diffusion.variance.outputChannels(3),
            modelChannels: network.modelChannels, levels: network.levels, headWidth: network.headWidth,
            dropout: network.dropout, text: .joint(width: network.text.width), patchSize: network.patchSize,
            pixelChannels: network.pixelChannels > 0 ? network.pixelChannels : nil, normGroups: network.normGroups)
        let transformer = TextTransformerConfiguration(
            vocabulary: try text.vocabularyCount, context: network.text.context, width: network.text.width,
            layers: network.text.layers, heads: network.text.heads)
        let model = ModelConfiguration(
            name: name, network: GLIDEConfiguration(
                input: network.input, unet: unet, text: transformer, residual: network.residual ? true : nil),
            diffusion: diffusion, text: text, imageSize: imageSize,
            sampling: SamplingDefaults(
                sampler: samples.sampler, steps: samples.steps, guidanceScale: samples.guidanceScale),
            upscaling: network.input.seesLowResolution ? conditioning.factor : nil)
        try model.validate()
        return model
    }

    /// - Throws: `TrainingError.configuration` naming the first value that is out of range.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ problem: @autoclosure () -> String) throws {
            if !holds { throw TrainingError.configuration(key: key, problem: problem()) }
        }
        for (key, value, range) in [
            ("steps", steps, 1...1_000_000_000), ("batchSize", batchSize, 1...65_536), ("parts", parts, 1...4096),
            ("workers", workers, 0...1024), ("intervals.log", intervals.log, 1...1_000_000_000),
            ("intervals.sample", intervals.sample, 0...1_000_000_000),
            ("intervals.checkpoint", intervals.checkpoint, 1...1_000_000_000),
            ("intervals.keep", intervals.keep, 1...1_000_000), ("samples.steps", samples.steps, 1...100_000),
            ("rate.warmup", rate.warmup, 0...1_000_000_000),
            ("data.together", data.together, 1...1_000_000_000),
            ("textPretraining.steps", textPretraining.steps, 0...1_000_000_000),
            ("textPretraining.batchSize", textPretraining.batchSize, 2...65_536),
        ] {
            try require(
                range.contains(value), key, "\(value) is not within \(range.lowerBound) to \(range.upperBound)")
        }
        try require(batchSize % parts == 0, "parts", "a batch of \(batchSize) does not divide into \(parts) parts")
        for (key, value, range) in [
            ("captionDropout", captionDropout, 0...1), ("emaDecay", emaDecay, 0...0.999_999_9),
            ("rate.floor", rate.floor, 0...1), ("data.tolerance", data.tolerance, 0...1),
            ("data.flip", data.flip, 0...1), ("loss.subjectShare", loss.subjectShare, 0...1), ("optimizer.beta1", optimizer.beta1, 0...0.999_999_9),
            ("optimizer.beta2", optimizer.beta2, 0...0.999_999_9),
            ("optimizer.weightDecay", optimizer.weightDecay, 0...1), ("gradientClip", gradientClip, 0...1e9),
            ("rate.peak", rate.peak, 1e-12...10), ("textPretraining.rate", textPretraining.rate, 1e-12...10), ("optimizer.epsilon", optimizer.epsilon, 1e-30...1),
            ("loss.limit", loss.limit, 1e-6...1e9), ("loss.variationalWeight", loss.variationalWeight, 0...1e6),
            ("samples.guidanceScale", samples.guidanceScale, 0...1000),
        ] {
            try require(
                range.contains(value), key, "\(value) is not within \(range.lowerBound) to \(range.upperBound)")
        }
        try validateConditioning()
        try require(
            !network.residual || network.input.seesLowResolution && diffusion.prediction == .sample, "network.residual",
            "a residual is predicted by upsamplers whose diffusion.prediction is sample")
        try require(
            kind != .diffusion || diffusion.variance != .learnedRange || loss.times == .uniform, "loss.times",
            "\(loss.times.rawValue) times fall between steps, where a learned variance has no bound; use uniform")
        try require(
            loss.subjectShare == 0 || kind == .latent || kind == .diffusion && conditioning.crop == 0, "loss.subjectShare",
            "subjects have their share in diffusion of whole pictures or their latents only")
        let namesNoise = [.diffusion, .latent].contains(kind) && diffusion.prediction == .noise
        try require(
            !namesNoise || diffusion.zeroTerminalSNR != true, "diffusion.prediction",
            "noise says nothing of a picture where nothing else is left (zeroTerminalSNR); use velocity or sample")
        try require(!data.sets.isEmpty, "data.sets", "there is nothing to learn from")
        for part in data.sets {
            try require(
                part.weight > 0 && part.weight.isFinite, "data.sets", "\(part.set) has the weight \(part.weight)")
            try require(
                part.scenes == nil || part.set == "scenes", "data.sets",
                "\(part.set) is not composed of scenes; only the set scenes is")
        }
        try require(
            ResamplingFilter(rawValue: data.filter) != nil, "data.filter",
            "\(data.filter) is none of " + ResamplingFilter.allCases.map(\.rawValue).joined(separator: ", "))
        if kind == .autoencoder { return try validateAutoencoder() }
        if kind == .latent { return try validateLatent() }
        do {
            try preparation.validate()
            guard kind == .diffusion else { return try validateContrastive() }
            let model = try model(kept: network.text.prune ? [0] : nil)
            let multiple = model.network.unet.sizeMultiple
            try require(
                trainedSide % multiple == 0, "conditioning.crop",
                "\(trainedSide) does not divide by \(multiple), as the U-Net needs")
        } catch let error as DatasetError {
            throw TrainingError.configuration(key: "data", problem: error.description)
        } catch let error as ConfigurationError {
            throw TrainingError.configuration(key: "network", problem: error.description)
        }
    }
}
