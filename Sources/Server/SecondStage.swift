import Checkpoints
import Images
import Moonlit

extension PictureServer.SecondStage {
    /// Enlarges a picture as `TextToImage.enlarge` does, step by step.
    ///
    /// - Parameter goesOn: gets each step, and says whether there is to be another.
    /// - Returns: nil where it ended before the last step.
    /// - Throws: `GenerationError.invalid` where the model enlarges nothing; what `goesOn` throws.
    func enlarge(
        _ small: GeneratedPicture, _ goesOn: (GenerationStep) async throws -> Bool
    ) async throws -> GeneratedPicture? {
        let enlargement = try model.enlargement(
            of: EnlargingRequest(
                picture: InputPicture(small.picture), prompt: small.settings.prompt, seed: small.settings.seed))
        var finished: Picture?
        for try await step in model.stream(enlargement.request, showing: []) {
            let goes = try await goesOn(step)
            finished = step.results.first?.picture
            if !goes { break }
        }
        return try finished.map { drawn in
            let large = try enlargement.picture(in: drawn)
            var settings = small.settings
            settings.upscale = Settings.Upscale(
                model: model.configuration.name, path: path, width: large.width, height: large.height)
            return GeneratedPicture(picture: large, settings: settings)
        }
    }
}
