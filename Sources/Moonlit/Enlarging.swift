public import Checkpoints
public import Diffusion
import Images

/// A picture to be enlarged by diffusion.
public struct EnlargingRequest: Sendable {
    public var picture: InputPicture
    /// What is to be seen; an upsampler's text adds little.
    public var prompt: String
    /// Of the noise.
    public var seed: UInt64
    /// nil is the model's own, as for what follows.
    public var sampler: SamplerName?
    public var steps: Int?
    public var schedule: String?
    public var guidanceScale: Double?

    public init(
        picture: InputPicture, prompt: String = "", seed: UInt64 = 0, sampler: SamplerName? = nil, steps: Int? = nil,
        schedule: String? = nil, guidanceScale: Double? = nil
    ) {
        self.picture = picture
        self.prompt = prompt
        self.seed = seed
        self.sampler = sampler
        self.steps = steps
        self.schedule = schedule
        self.guidanceScale = guidanceScale
    }
}

extension TextToImage {
    /// Enlarges a picture of any size by this model, an upsampler; one larger than those it was trained on is seen
    /// through overlapping windows.
    ///
    /// - Parameter tell: gets the steps done, of how many.
    /// - Throws: `GenerationError.invalid` where this model enlarges nothing, or the picture would become too large.
    public nonisolated func upscale(
        _ request: EnlargingRequest, _ tell: @Sendable (_ step: Int, _ count: Int) -> Void = { _, _ in }
    ) async throws -> GeneratedPicture {
        let enlargement = try enlargement(of: request)
        var finished: GeneratedPicture?
        for try await step in stream(enlargement.request, showing: []) {
            tell(step.index + 1, step.count)
            finished = step.results.first ?? finished
        }
        guard let drawn = finished else { throw CancellationError() }
        var settings = drawn.settings
        settings.initImage = request.picture.record
        settings.upscale = Settings.Upscale(
            model: configuration.name, path: configuration.name, width: enlargement.width, height: enlargement.height)
        return GeneratedPicture(picture: try enlargement.picture(in: drawn.picture), settings: settings)
    }

    /// What this model, an upsampler, is asked to enlarge a picture: for `stream`, where every step is to be seen.
    ///
    /// - Parameter origin: what drew the picture. Where it has a mask, what is around the hole is the init image's, in the
    ///   large picture's size; an upsampler that sees holes is shown it. Without a mask all is unknown to
    ///   such a one, as to glide-text2im's.
    /// - Throws: `GenerationError.invalid` where this model enlarges nothing, or the mask is not of the init image's size.
    public nonisolated func enlargement(
        of request: EnlargingRequest, drawnBy origin: GenerationRequest? = nil
    ) throws -> Enlargement {
        try Enlargement(request, drawnBy: origin, by: configuration.upsampler(option: "model"))
    }

    /// - Parameter option: what named this model.
    /// - Throws: `GenerationError.invalid` where it enlarges nothing.
    public nonisolated func checkEnlarges(option: String) throws { _ = try configuration.upsampler(option: option) }
}

extension DrawingConfiguration {
    /// - Parameters:
    ///   - width: of the pictures that are to be enlarged, in pixels.
    ///   - option: what named this model.
    /// - Throws: `GenerationError.invalid` where it enlarges nothing, or the pictures would become too large.
    public func checkEnlarges(width: Int, height: Int, option: String) throws {
        let model = try upsampler(option: option)
        let (side, most) = (max(width, height), PictureSize.maximumSide / model.upscalingFactor)
        guard side <= most, model.fittingSide(side) <= most else {
            throw GenerationError.invalid(
                option: option, value: "\(name) for pictures of \(width)×\(height)",
                expected: "sides of at most \(most) pixels, which it enlarges \(model.upscalingFactor) times")
        }
    }

    /// - Throws: `GenerationError.invalid` where this model enlarges nothing.
    func upsampler(option: String) throws -> ModelConfiguration {
        guard let model = self as? ModelConfiguration, sees.seesLowResolution else {
            throw GenerationError.invalid(option: option, value: name, expected: "a model that enlarges pictures")
        }
        return model
    }
}
