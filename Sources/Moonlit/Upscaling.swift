import Checkpoints
import Images

extension TextToImage {
    /// Enlarges pictures by this model, an upsampler such as GLIDE's: the second stage, with each picture's own prompt and
    /// seed. One larger than those it was trained on is seen through overlapping windows.
    ///
    /// - Parameters:
    ///   - pictures: of one request.
    ///   - request: that request. Where it has a mask, and an init image at least as large as the large picture, that image
    ///     is put back around the hole, to the bit.
    ///   - path: where the upsampler is, for the settings.
    /// - Throws: `GenerationError.invalid` where this model enlarges nothing, or a picture would become too large.
    public nonisolated func enlarge(
        _ pictures: [GeneratedPicture], drawnBy request: GenerationRequest? = nil, path: String
    ) async throws -> [GeneratedPicture] {
        try checkEnlarges(option: "upscale")
        var enlarged: [GeneratedPicture] = []
        for small in pictures {
            guard let large = try await enlarge(small, drawnBy: request, path: path, { _ in true }) else {
                throw CancellationError()
            }
            enlarged.append(large)
        }
        return enlarged
    }

    /// The same of one picture, step by step.
    ///
    /// - Parameter goesOn: gets each step, and says whether there is to be another.
    /// - Returns: nil where it ended before the last step.
    /// - Throws: `GenerationError.invalid` as above; what `goesOn` throws.
    public nonisolated func enlarge(
        _ small: GeneratedPicture, drawnBy request: GenerationRequest? = nil, path: String,
        _ goesOn: (GenerationStep) async throws -> Bool
    ) async throws -> GeneratedPicture? {
        // What the sampler sees is what was written: eight bits a sample.
        let enlargement = try enlargement(
            of: EnlargingRequest(
                picture: InputPicture(small.picture), prompt: small.settings.prompt, seed: small.settings.seed),
            drawnBy: request)
        var finished: Picture?
        for try await step in stream(enlargement.request, showing: []) {
            let goes = try await goesOn(step)
            finished = step.results.first?.picture ?? finished
            if !goes { break }
        }
        return try finished.map { drawn in
            let large = try enlargement.picture(in: drawn)
            var settings = small.settings
            settings.upscale = Settings.Upscale(
                model: configuration.name, path: path, width: large.width, height: large.height)
            return GeneratedPicture(picture: large, settings: settings)
        }
    }
}
