import Checkpoints
import Models
public import Diffusion
import Images

/// A picture to be enlarged by diffusion.
public struct EnlargingRequest: Sendable {
    public var picture: InputPicture
    /// What is to be seen; an upsampler's text adds little.
    public var prompt: String
    public var seed: UInt64
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
        guard let model = configuration as? ModelConfiguration, model.sees == .lowResolution else {
            throw GenerationError.invalid(
                option: "model", value: configuration.name, expected: "a model that enlarges pictures")
        }
        let (factor, small) = (model.upscalingFactor, try request.picture.picture())
        // As much more at the right and below as the network's levels ask for; cut off again.
        let multiple = Self.smallest(multipleOf: model.sizeMultiple, and: factor) / factor
        let padded = try small.continued(
            width: (small.width + multiple - 1) / multiple * multiple,
            height: (small.height + multiple - 1) / multiple * multiple)
        var asked = GenerationRequest(
            prompt: request.prompt, seed: request.seed, sampler: request.sampler, steps: request.steps,
            schedule: request.schedule, guidanceScale: request.guidanceScale, width: padded.width * factor,
            height: padded.height * factor)
        asked.lowResolution = [try InputPicture(padded)]
        var finished: GeneratedPicture?
        for try await step in stream(asked, showing: []) {
            tell(step.index + 1, step.count)
            finished = step.results.first ?? finished
        }
        guard let drawn = finished else { throw CancellationError() }
        var settings = drawn.settings
        settings.initImage = request.picture.record
        settings.upscale = Settings.Upscale(
            model: model.name, path: model.name, width: small.width * factor,
            height: small.height * factor)
        return GeneratedPicture(
            picture: try drawn.picture.cropped(x: 0, y: 0, width: small.width * factor, height: small.height * factor),
            settings: settings)
    }

    /// - Parameter option: what named this model.
    /// - Throws: `GenerationError.invalid` where it enlarges nothing.
    public nonisolated func checkEnlarges(option: String) throws {
        guard configuration.sees == .lowResolution else {
            throw GenerationError.invalid(
                option: option, value: configuration.name, expected: "a model that enlarges pictures")
        }
    }

    private static func smallest(multipleOf a: Int, and b: Int) -> Int {
        var value = a
        while value % b != 0 { value += a }
        return value
    }
}

extension Picture {
    /// Larger at the right and below, where it goes on as its mirror image.
    fileprivate func continued(width: Int, height: Int) throws -> Picture {
        if width == self.width, height == self.height { return self }
        func mirrored(_ place: Int, _ length: Int) -> Int {
            guard length > 1 else { return 0 }
            let period = 2 * (length - 1)
            let inside = place % period
            return inside < length ? inside : period - inside
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * channels)
        for y in 0..<height {
            let row = mirrored(y, self.height) * self.width
            for x in 0..<width {
                let start = (row + mirrored(x, self.width)) * channels
                pixels += self.pixels[start..<start + channels]
            }
        }
        return try Picture(width: width, height: height, channels: channels, pixels: pixels)
    }
}
