import ArgumentParser
import Moonlit

/// What a model of pictures and texts is used for.
struct CLIPOptions: ParsableArguments {
    @Option(
        help: """
            A CLIP, for what follows: an embedded one's name, a file that moonlit train wrote, or the folder of GLIDE's \
            clip_image_enc.pt and clip_text_enc.pt.
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
        if clip == nil {
            let needy = [("--clip-guidance", clipGuidance != 0), ("--candidates", candidates != nil)]
            if let option = needy.first(where: { $0.1 })?.0 {
                throw ValidationError("\(option) needs a CLIP: --clip PATH.")
            }
        }
    }

    var source: ModelSource? { clip.map { ModelSource($0) } }

    func apply(to request: inout GenerationRequest) {
        request.clipGuidanceScale = clipGuidance
        request.candidates = candidates
    }
}
