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

    // What follows is absent in pictures drawn before there was such a thing.

    /// The σ that classifier-free guidance was confined to.
    public var guidanceInterval: ClosedRange<Double>?
    /// Its φ, where it was not 0.
    public var guidanceRescale: Double?
    /// Which picture of the given noise it began from, from 0; nil is the only one.
    public var noiseRow: Int?
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
    /// Guidance by CLIP, where there was any.
    public var clipGuidance: GuidingCLIP?
    /// Where the picture was chosen among several by CLIP.
    public var choice: Choice?

    /// Which CLIP guided, and how strongly.
    public struct GuidingCLIP: Sendable, Hashable, Codable {
        public var scale: Double
        /// An embedded model's name, or where the CLIP was.
        public var clip: String

        public init(scale: Double, clip: String) {
            self.scale = scale
            self.clip = clip
        }
    }

    /// By which CLIP the picture was chosen, among how many.
    public struct Choice: Sendable, Hashable, Codable {
        /// How many were drawn.
        public var candidates: Int
        /// The cosine of the picture's and the prompt's embeddings.
        public var likeness: Double
        /// As in `GuidingCLIP`.
        public var clip: String

        public init(candidates: Int, likeness: Double, clip: String) {
            self.candidates = candidates
            self.likeness = likeness
            self.clip = clip
        }
    }

    /// The second stage, and the size it came to, in pixels.
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

    /// - Parameter clip: what guides or ranks: `ModelSource.text`.
    /// - Throws: `GenerationError.invalid` naming the option that cannot be met.
    public init(_ request: GenerationRequest, model: any DrawingConfiguration, clip: String? = nil) throws {
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
        guidanceInterval = request.guidanceInterval ?? sampling.guidanceInterval
        guidanceRescale = request.guidanceRescale == 0 ? nil : request.guidanceRescale
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
        if let clip, request.clipGuidanceScale != 0 {
            clipGuidance = GuidingCLIP(scale: request.clipGuidanceScale, clip: clip)
        }
        try check(request, model, hasCLIP: clip != nil)
    }

    private func check(_ request: GenerationRequest, _ model: any DrawingConfiguration, hasCLIP: Bool) throws {
        func require(_ holds: Bool, _ option: String, _ value: String, _ expected: String) throws {
            if !holds { throw GenerationError.invalid(option: option, value: value, expected: expected) }
        }
        let all = model.diffusion.steps
        try require((1...all).contains(steps), "steps", "\(steps)", "1 to \(all), the model's own number")
        try require(
            guidanceScale.isFinite && abs(guidanceScale) <= 1000, "guidance-scale", "\(guidanceScale)",
            "a number up to 1000")
        if let guidanceInterval {
            try require(
                guidanceInterval.lowerBound >= 0 && guidanceInterval.upperBound.isFinite, "guidance-interval",
                "\(guidanceInterval.lowerBound),\(guidanceInterval.upperBound)", "two noise levels, 0 or more, or all")
        }
        try require(
            (0...1).contains(request.guidanceRescale), "guidance-rescale", "\(request.guidanceRescale)", "0 to 1")
        for (option, value, range) in [
            ("count", request.count, 1...1_000_000), ("batch-size", request.batchSize, 1...4096),
            ("clip-skip", request.clipSkip, 1...64),
        ] {
            try require(range.contains(value), option, "\(value)", "\(range.lowerBound) to \(range.upperBound)")
        }
        try require(
            request.clipSkip == 1 || !model.drawsPixels, "clip-skip", "\(request.clipSkip)",
            "1: this model has no CLIP text tower")
        let scale = request.clipGuidanceScale
        try require(
            scale.isFinite && abs(scale) <= 1_000_000, "clip-guidance", "\(scale)", "a number up to 1,000,000")
        try require(hasCLIP || scale == 0, "clip-guidance", "\(scale)", "a CLIP to guide by, or 0")
        if let candidates = request.candidates {
            try require(hasCLIP, "candidates", "\(candidates)", "a CLIP to choose by")
            try require(
                (request.count...1_000_000).contains(candidates), "candidates", "\(candidates)",
                "\(request.count), as many as are to be kept, to 1,000,000")
        }
        let shape = [request.drawn, model.latentChannels, height / model.latentFactor, width / model.latentFactor]
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
                given == request.drawn, "model", model.name,
                "a model that draws by itself: this one enlarges pictures; give it to --upscale")
        }
    }

    /// Classifier-free guidance as they have it.
    public var guidance: ClassifierFreeGuidance {
        ClassifierFreeGuidance(scale: guidanceScale, rescale: guidanceRescale ?? 0, interval: guidanceInterval)
    }

    /// A prompt's words, without the syntax that the text towers' reader takes as weights.
    func plain(_ prompt: String) -> String {
        reading?.emphasis == .weighted ? EmphasisedPrompt(prompt).text : prompt
    }

    /// What this picture began from, of the noise that was given for it and others.
    ///
    /// - Parameter given: as it was in the request.
    /// - Returns: [1, C, h, w] where the row is recorded, else all of it.
    /// - Throws: `GenerationError.invalid` for noise of too few pictures.
    public func ownNoise(in given: Latents) throws -> Latents {
        guard let noiseRow else { return given }
        return try given.row(noiseRow)
    }

    /// The request that draws this picture again, where it began from its seed's own noise; else `ownNoise` is to be added.
    public var request: GenerationRequest {
        GenerationRequest(
            prompt: prompt, negativePrompt: negativePrompt, seed: seed, sampler: sampler, steps: steps,
            schedule: schedule, guidanceScale: guidanceScale,
            guidanceInterval: guidanceInterval, guidanceRescale: guidanceRescale ?? 0, width: width, height: height,
            clamp: clamp, strength: strength, canvas: canvas, reading: reading ?? .webUI, clipSkip: clipSkip ?? 1, tiling: tiling ?? .auto,
            clipGuidanceScale: clipGuidance?.scale ?? 0)
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
        if let guidanceRescale { facts.append("CFG Rescale: \(guidanceRescale)") }
        if let strength { facts.append("Denoising strength: \(strength)") }
        if let clipSkip { facts.append("Clip skip: \(clipSkip)") }
        if let clipGuidance { facts.append("CLIP guidance: \(clipGuidance.scale)") }
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

    /// As the `moonlit` text of a PNG file holds it, keys sorted.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
