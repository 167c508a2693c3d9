import Checkpoints
import Images

extension TextToImage {
    /// Enlarges pictures by this model, an upsampler such as GLIDE's: the second stage, with each picture's own prompt and
    /// seed.
    ///
    /// - Parameters:
    ///   - pictures: of one request.
    ///   - path: where the upsampler is, for the settings.
    /// - Throws: `GenerationError.invalid` where this model enlarges nothing.
    public func enlarge(_ pictures: [GeneratedPicture], path: String) throws -> [GeneratedPicture] {
        try checkEnlarges(option: "upscale")
        return try pictures.map { small in
            var request = GenerationRequest(prompt: small.settings.prompt, seed: small.settings.seed)
            // What the sampler sees is what was written: eight bits a sample.
            request.lowResolution = [try InputPicture(small.picture)]
            guard let large = try generate(request).first else { return small }
            var settings = small.settings
            settings.upscale = Settings.Upscale(
                model: configuration.name, path: path, width: large.picture.width, height: large.picture.height)
            return GeneratedPicture(picture: large.picture, settings: settings)
        }
    }
}
