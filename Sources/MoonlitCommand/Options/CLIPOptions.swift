import ArgumentParser
import Moonlit

/// What a model of pictures and texts is used for.
struct CLIPOptions: ParsableArguments {
    @Option(
        help: """
            A CLIP, for what follows: an embedded one's name, a file that moonlit train wrote, or the folder of GLIDE's \
            clip_image_enc.pt and clip_text_enc.pt. Unless given, scenes-clip for an embedded model; others need one.
            """)
    var clip: String?

    @Option(help: "Guidance by CLIP; 0 is off, GLIDE's scale 3. With --guidance-scale 1, alone.")
    var clipGuidance = 0.0

    @Option(help: "Draw so many, and keep the --count that are most like the prompt by CLIP.")
    var candidates: Int?

    func validate() throws {
        guard clipGuidance.isFinite else {
            throw ValidationError("--clip-guidance is \(clipGuidance); expected a number.")
        }
    }

    /// The CLIP that was named; where one is needed and none was, the embedded one, which knows what embedded models draw.
    ///
    /// - Parameter model: as `--model` names it.
    /// - Throws: `ValidationError` where one is needed for a model that is not embedded.
    func source(for model: String?) throws -> ModelSource? {
        if let clip { return ModelSource(clip) }
        let needy = [("--clip-guidance", clipGuidance != 0), ("--candidates", candidates != nil)]
        guard let option = needy.first(where: { $0.1 })?.0 else { return nil }
        if let model, case .file = ModelSource(model) {
            throw ValidationError("\(option) needs a CLIP: --clip PATH.")
        }
        return .embedded("scenes-clip")
    }

    func apply(to request: inout GenerationRequest) {
        request.clipGuidanceScale = clipGuidance
        request.candidates = candidates
    }
}
