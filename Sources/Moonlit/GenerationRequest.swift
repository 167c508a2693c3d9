public import Checkpoints
public import Diffusion
public import Tokenizers

/// What is to be drawn, and how. A plain value: the same request and model give the same pictures.
public struct GenerationRequest: Sendable, Hashable, Codable {
    /// What to draw; empty draws whatever the model likes.
    public var prompt: String
    /// What the picture should not be; empty is plain classifier-free guidance.
    public var negativePrompt: String
    /// Picture k is drawn from seed + k, and equals the one drawn alone from that seed.
    public var seed: UInt64
    /// How many pictures.
    public var count: Int
    /// How many are computed at once.
    public var batchSize: Int
    /// nil is the model's own.
    public var sampler: SamplerName?
    /// Steps from noise to picture; nil is the model's own number.
    public var steps: Int?
    /// How the steps lie: a spacing's name ("trailing", "karras" …), or respacing ("fast27", "10,10,5"); nil is the
    /// sampler's own.
    public var schedule: String?
    /// Classifier-free guidance; 1 is off. nil is the model's own.
    public var guidanceScale: Double?
    /// The σ at which classifier-free guidance acts (Kynkäänniemi et al. 2024); nil is the model's own, `everySigma` all.
    public var guidanceInterval: ClosedRange<Double>?
    /// φ, 0 to 1: how far guided predictions are brought back to the deviation of those of the text alone (Lin et al.
    /// 2023, section 3.4).
    public var guidanceRescale: Double
    /// Pixels; nil is the canvas's, the init image's, or what the model was trained on.
    public var width: Int?
    /// As `width`; both must divide by the model's `sizeMultiple`.
    public var height: Int?
    /// nil is the model's own.
    public var clamp: Clamp?
    /// Noise of unit deviation to begin with, [count, channels, height, width] of what the sampler works on, instead of
    /// what the seeds give.
    public var initialNoise: Latents?
    /// A picture to begin with, or to paint holes of.
    public var initImage: InputPicture?
    /// How much of the way from noise is taken from the picture: near 0 leaves it, 1 begins anew. nil is 0.8, or 1 with a
    /// mask or a canvas.
    public var strength: Double?
    /// Of the picture's size; white is painted anew.
    public var mask: InputPicture?
    /// Lays the picture on a larger ground, which is painted.
    public var canvas: Canvas?
    /// Small pictures to enlarge, for an upsampler: `count` of them.
    public var lowResolution: [InputPicture]?
    /// How the prompts' text is read.
    public var reading: PromptReading
    /// 1 reads the text towers' layer that the model was trained with, 2 the one before it, and so on.
    public var clipSkip: Int
    /// When the autoencoder works in tiles.
    public var tiling: TilingChoice
    /// Guidance by the CLIP that was loaded beside the model; 0 is off, and glide-text2im's scale 3. With classifier-free
    /// guidance or, at a `guidanceScale` of 1, alone.
    ///
    /// A noised CLIP adds its own time to each step of a model of its pictures' size. Any other CLIP, and every CLIP for
    /// latents, looks at each predicted picture, decoded: a step then costs some three times as much, and the memory of
    /// all that network and decoder compute for a batch, some gigabytes a picture of Stable Diffusion's size.
    public var clipGuidanceScale: Double
    /// Draws so many, from seeds of their own, and keeps the `count` that are most like the prompt by the CLIP that was
    /// loaded beside the model; nil keeps all `count` that are drawn.
    public var candidates: Int?

    /// Guidance from the first step to the last.
    public static let everySigma = 0...Double.greatestFiniteMagnitude

    /// How many pictures are drawn.
    public var drawn: Int { candidates ?? count }

    /// - Parameter row: of all that are drawn, from 0.
    func seed(of row: Int) -> UInt64 { seed &+ UInt64(row) }

    /// How each predicted picture is kept within range.
    public enum Clamp: String, Sendable, Hashable, Codable, CaseIterable {
        case none
        /// To black and white.
        case unit
        /// Imagen's dynamic thresholding at the 99.5th percentile.
        case dynamic

        var treatment: SampleTreatment.Clamp {
            switch self {
            case .none: .none
            case .unit: .unit
            case .dynamic: .dynamic()
            }
        }
    }

    public init(
        prompt: String, negativePrompt: String = "", seed: UInt64 = 0, count: Int = 1, batchSize: Int = 8,
        sampler: SamplerName? = nil, steps: Int? = nil, schedule: String? = nil, guidanceScale: Double? = nil,
        guidanceInterval: ClosedRange<Double>? = nil, guidanceRescale: Double = 0, width: Int? = nil, height: Int? = nil, clamp: Clamp? = nil, initialNoise: Latents? = nil,
        initImage: InputPicture? = nil, strength: Double? = nil, mask: InputPicture? = nil, canvas: Canvas? = nil,
        lowResolution: [InputPicture]? = nil, reading: PromptReading = .webUI, clipSkip: Int = 1,
        tiling: TilingChoice = .auto, clipGuidanceScale: Double = 0, candidates: Int? = nil
    ) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.seed = seed
        self.count = count
        self.batchSize = batchSize
        self.sampler = sampler
        self.steps = steps
        self.schedule = schedule
        self.guidanceScale = guidanceScale
        self.guidanceInterval = guidanceInterval
        self.guidanceRescale = guidanceRescale
        self.width = width
        self.height = height
        self.clamp = clamp
        self.initialNoise = initialNoise
        self.initImage = initImage
        self.strength = strength
        self.mask = mask
        self.canvas = canvas
        self.lowResolution = lowResolution
        self.reading = reading
        self.clipSkip = clipSkip
        self.tiling = tiling
        self.clipGuidanceScale = clipGuidanceScale
        self.candidates = candidates
    }
}

/// A request that cannot be met.
public enum GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalid(option: String, value: String, expected: String)
    /// There is no embedded model of that name.
    case unknownModel(String, known: [String])
    /// The file does not say how its picture was made.
    case noSettings(file: String, reason: String)

    public var description: String {
        switch self {
        case .invalid(let option, let value, let expected): "\(option) is \(value); expected \(expected)"
        case .noSettings(let file, let reason):
            "\(file): \(reason); expected a PNG file as moonlit generate writes it"
        case .unknownModel(let name, let known):
            "there is no model “\(name)”: no file of that name, and the embedded models are "
                + (known.isEmpty ? "none" : known.joined(separator: ", "))
        }
    }
}
