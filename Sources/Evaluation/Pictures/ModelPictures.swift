public import Checkpoints
public import Diffusion
public import Images
public import Models
internal import Tensors

/// A model's own pictures: many prompts in one batch, each from its seed's own noise.
///
/// Picture and seed are those of `moonlit generate` with the same settings.
public struct ModelPictures: PictureMaker {
    /// How is drawn.
    public struct Settings: Sendable, Hashable, Codable {
        public var sampler: SamplerName
        public var steps: Int
        /// As `--schedule` has it; see `DiffusionConfiguration.plan`.
        public var schedule: String
        public var guidance: ClassifierFreeGuidance
        /// Of the CLIP, where there is one; 0 is off.
        public var clipGuidance: Double

        public init(
            sampler: SamplerName, steps: Int, schedule: String, guidance: ClassifierFreeGuidance, clipGuidance: Double = 0
        ) {
            self.sampler = sampler
            self.steps = steps
            self.schedule = schedule
            self.guidance = guidance
            self.clipGuidance = clipGuidance
        }
    }

    private let model: any DrawingModel
    private let settings: Settings
    private let plan: SamplingPlan
    private let clip: (any PictureTextModel)?

    /// - Parameter clip: that guides, where the settings say so.
    /// - Throws: `EvaluationError.request` for a model that needs more than a prompt; `DiffusionError` for settings that
    ///   its process does not allow.
    public init(_ model: any DrawingModel, _ settings: Settings, clip: (any PictureTextModel)? = nil) throws {
        guard clip != nil || settings.clipGuidance == 0 else {
            throw EvaluationError.request("guidance by CLIP without a CLIP")
        }
        self.clip = clip
        guard model.drawing.sees == .text else {
            throw EvaluationError.request(
                "\(model.drawing.name) does not draw from a text alone; expected a model that does")
        }
        self.model = model
        self.settings = settings
        plan = try model.drawing.diffusion.plan(
            settings.sampler, steps: settings.steps, schedule: settings.schedule, strength: nil)
    }

    public func pictures(of prompts: [String], seeds: [UInt64]) throws -> [Picture] {
        guard !prompts.isEmpty else { return [] }
        let side = model.drawing.imageSize
        let small = side / model.drawing.latentFactor
        let source = NoiseSource.perImage(try seeds.map { try RandomGenerator(seed: $0) })
        let noise = try source([seeds.count, model.drawing.latentChannels, small, small], device: model.device)
        let isUnconditional = prompts.allSatisfy(\.isEmpty)
        let network = try model.network(
            DrawingRequest(prompts: prompts, negativePrompts: prompts.map { _ in "" }, height: side, width: side),
            guidance: isUnconditional ? nil : settings.guidance)
        let treatment = SampleTreatment(clamp: model.drawing.drawsPixels ? .unit : plan.clamp)
        // What has no prompt has nothing to be like.
        let likeness = isUnconditional || settings.clipGuidance == 0 ? nil : clip
        let guidance = try likeness.map { clip in
            try CLIPGuidance(
                clip, of: model, prompts: prompts, scale: settings.clipGuidance, sampler: plan.sampler, height: side,
                width: side)
        }
        var chain = try Chain(
            plan, plan.denoiser(treatment: treatment, gradient: guidance?.gradient, network), start: .given(noise),
            noise: source)
        let pixels = try withoutGradients { try model.decode(chain.run(), tiling: .auto) }
        let (height, width) = (pixels.shape[2], pixels.shape[3])
        let values = try pixels.to(.float32, device: .cpu).floats()
        let area = 3 * height * width
        return try prompts.indices.map { index in
            try Picture(planes: Array(values[index * area..<(index + 1) * area]), width: width, height: height)
        }
    }
}
