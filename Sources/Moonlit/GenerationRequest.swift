public import Diffusion

/// What is to be drawn, and how. A plain value: the same request and model give the same pictures.
public struct GenerationRequest: Sendable, Hashable, Codable {
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
    public var steps: Int?
    /// How the steps lie: a spacing's name ("trailing", "karras" …), or respacing ("fast27", "10,10,5"); nil is the
    /// sampler's own.
    public var schedule: String?
    /// Classifier-free guidance; 1 is off. nil is the model's own.
    public var guidanceScale: Double?
    /// Pixels; nil is what the model was trained on.
    public var width: Int?
    public var height: Int?
    public var clamp: Clamp

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
        width: Int? = nil, height: Int? = nil, clamp: Clamp = .unit
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
        self.width = width
        self.height = height
        self.clamp = clamp
    }
}

/// A request that cannot be met.
public enum GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalid(option: String, value: String, expected: String)
    /// There is no embedded model of that name.
    case unknownModel(String, known: [String])

    public var description: String {
        switch self {
        case .invalid(let option, let value, let expected): "\(option) is \(value); expected \(expected)"
        case .unknownModel(let name, let known):
            "there is no model “\(name)”: no file of that name, and the embedded models are "
                + (known.isEmpty ? "none" : known.joined(separator: ", "))
        }
    }
}
