public import Checkpoints
public import Diffusion
import Foundation
import Images
import Models
public import Tokenizers

/// A request with everything filled in that the model decides: enough, with the model, to draw the picture again.
///
/// Written into every PNG.
public struct Settings: Sendable, Hashable, Codable {
    public var prompt: String
    public var negativePrompt: String
    public var seed: UInt64
    public var sampler: SamplerName
    public var steps: Int
    public var schedule: String
    public var guidanceScale: Double
    public var width: Int
    public var height: Int
    /// nil: as the model's own process has it.
    public var clamp: GenerationRequest.Clamp?
    /// The model's name.
    public var model: String
    /// Whether the picture began from noise that was given, and is not told by its seed alone.
    public var hasGivenNoise: Bool
    /// What follows is absent in pictures drawn before there was such a thing.
    public var initImage: InputPicture.Record?
    public var strength: Double?
    public var mask: InputPicture.Record?
    public var canvas: Canvas?
    public var reading: PromptReading?
    public var clipSkip: Int?
    public var tiling: TilingChoice?
    /// What was changed of the model when it was loaded.
    public var additions: LatentModel.Additions?
    public var prediction: Prediction?
    /// The second stage, where there was one.
    public var upscale: Upscale?

    public struct Upscale: Sendable, Hashable, Codable {
        /// The upsampler's name, and where it was.
        public var model: String
        public var path: String
        public var width: Int
        public var height: Int

        public init(model: String, path: String, width: Int, height: Int) {
            self.model = model
            self.path = path
            self.width = width
            self.height = height
        }
    }

    /// - Throws: `GenerationError.invalid` naming the option that cannot be met.
    public init(_ request: GenerationRequest, model: any DrawingConfiguration) throws {
        prompt = request.prompt
        negativePrompt = request.negativePrompt
        seed = request.seed
        let sampling = model.sampling
        sampler = request.sampler ?? sampling.sampler
        // The model's own spacing belongs to its own sampler and number of steps.
        let isOwn =
            (request.sampler ?? sampling.sampler) == sampling.sampler
            && request.steps ?? sampling.steps == sampling.steps
        schedule = request.schedule ?? (isOwn ? sampling.schedule : nil) ?? "default"
        steps = request.steps ?? sampling.steps
        guidanceScale = request.guidanceScale ?? sampling.guidanceScale
        let size = try PictureSize(request, model: model)
        width = size.width
        height = size.height
        clamp = request.clamp ?? (model.drawsPixels ? .unit : nil)
        self.model = model.name
        hasGivenNoise = request.initialNoise != nil
        initImage = request.initImage?.record
        mask = request.mask?.record
        canvas = request.canvas
        if request.initImage != nil {
            strength = request.strength ?? (request.mask == nil && request.canvas == nil ? 0.8 : 1)
        }
        // Only what is not as the model has it.
        if !model.drawsPixels {
            reading = request.reading
            tiling = request.tiling == .auto ? nil : request.tiling
        }
        clipSkip = request.clipSkip == 1 ? nil : request.clipSkip
        try check(request, model)
    }

    private func check(_ request: GenerationRequest, _ model: any DrawingConfiguration) throws {
        func require(_ holds: Bool, _ option: String, _ value: String, _ expected: String) throws {
            if !holds { throw GenerationError.invalid(option: option, value: value, expected: expected) }
        }
        let all = model.diffusion.steps
        try require((1...all).contains(steps), "steps", "\(steps)", "1 to \(all), the model's own number")
        try require(
            guidanceScale.isFinite && abs(guidanceScale) <= 1000, "guidance-scale", "\(guidanceScale)",
            "a number up to 1000")
        for (option, value, range) in [
            ("count", request.count, 1...1_000_000), ("batch-size", request.batchSize, 1...4096),
            ("clip-skip", request.clipSkip, 1...64),
        ] {
            try require(range.contains(value), option, "\(value)", "\(range.lowerBound) to \(range.upperBound)")
        }
        try require(
            request.clipSkip == 1 || !model.drawsPixels, "clip-skip", "\(request.clipSkip)",
            "1: this model has no CLIP text tower")
        let shape = [request.count, model.latentChannels, height / model.latentFactor, width / model.latentFactor]
        if let noise = request.initialNoise {
            try require(
                noise.shape == shape, "initial-noise", "of shape \(noise.shape)", "\(shape), as count and size say")
        }
        if let strength {
            try require(strength > 0 && strength <= 1, "strength", "\(strength)", "more than 0, at most 1")
        }
        for (option, isGiven) in [
            ("mask", request.mask != nil), ("strength", request.strength != nil), ("canvas", request.canvas != nil),
        ] {
            try require(!isGiven || request.initImage != nil, option, "given", "an init image with it")
        }
        if model.sees.seesLowResolution {
            let given = request.lowResolution?.count ?? 0
            try require(
                given == request.count, "model", model.name,
                "a model that draws by itself: this one enlarges pictures; give it to --upscale")
        }
    }

    /// The request that draws this picture again, where it began from its seed's own noise.
    public var request: GenerationRequest {
        GenerationRequest(
            prompt: prompt, negativePrompt: negativePrompt, seed: seed, sampler: sampler, steps: steps,
            schedule: schedule, guidanceScale: guidanceScale, width: width, height: height, clamp: clamp,
            strength: strength, canvas: canvas, reading: reading ?? .webUI, clipSkip: clipSkip ?? 1, tiling: tiling ?? .auto)
    }

    /// One line or more, in the form that web interfaces for Stable Diffusion write and read.
    public var parametersText: String {
        var lines = [prompt]
        if !negativePrompt.isEmpty { lines.append("Negative prompt: \(negativePrompt)") }
        let size = upscale.map { ($0.width, $0.height) } ?? (width, height)
        var facts = [
            "Steps: \(steps)", "Sampler: \(sampler.rawValue)", "Schedule type: \(schedule)",
            "CFG scale: \(guidanceScale)", "Seed: \(seed)", "Size: \(size.0)x\(size.1)", "Model: \(model)",
        ]
        if let strength { facts.append("Denoising strength: \(strength)") }
        if let clipSkip { facts.append("Clip skip: \(clipSkip)") }
        if let upscale { facts.append("Hires upscaler: \(upscale.model)") }
        for lora in additions?.loras ?? [] { facts.append("LoRA: \(lora.path):\(lora.scale)") }
        facts.append("Version: Moonlit")
        lines.append(facts.joined(separator: ", "))
        return lines.joined(separator: "\n")
    }

    /// What the `moonlit` text of a PNG file holds.
    /// - Throws: `GenerationError.noSettings`.
    public init(json: String, file: String) throws {
        do {
            self = try JSONDecoder().decode(Settings.self, from: Data(json.utf8))
        } catch let error as DecodingError {
            throw GenerationError.noSettings(file: file, reason: "its settings do not read: \(error.summary)")
        }
    }

    /// The settings a PNG file of ours carries.
    /// - Throws: `GenerationError.noSettings`, or `ImageError` for what is no PNG file.
    public init(path: String) throws {
        guard let text = try PNGText.read(path: path).first(where: { $0.key == "moonlit" }) else {
            throw GenerationError.noSettings(file: path, reason: "it has no text “moonlit”")
        }
        try self.init(json: text.value, file: path)
    }

    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
