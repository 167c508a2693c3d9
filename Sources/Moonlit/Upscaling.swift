import Checkpoints
import Images

extension TextToImage {
    /// Enlarges pictures by this model, an upsampler such as GLIDE's: the second stage, with each picture's own prompt and
    /// seed. One larger than those it was trained on is seen through overlapping windows.
    ///
    /// - Parameters:
    ///   - pictures: of one request.
    ///   - path: where the upsampler is, for the settings.
    /// - Throws: `GenerationError.invalid` where this model enlarges nothing, or a picture would become too large.
    public nonisolated func enlarge(_ pictures: [GeneratedPicture], path: String) async throws -> [GeneratedPicture] {
        try checkEnlarges(option: "upscale")
        var enlarged: [GeneratedPicture] = []
        for small in pictures {
            // What the sampler sees is what was written: eight bits a sample.
            let request = EnlargingRequest(
                picture: try InputPicture(small.picture), prompt: small.settings.prompt, seed: small.settings.seed)
            let large = try await upscale(request).picture
            var settings = small.settings
            settings.upscale = Settings.Upscale(
                model: configuration.name, path: path, width: large.width, height: large.height)
            enlarged.append(GeneratedPicture(picture: large, settings: settings))
        }
        return enlarged
    }
}
