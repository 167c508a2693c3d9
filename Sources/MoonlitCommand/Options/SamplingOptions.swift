public import ArgumentParser
import Checkpoints
public import Diffusion
public import Moonlit

extension SamplerName: ExpressibleByArgument {}
extension GenerationRequest.Clamp: ExpressibleByArgument {}

/// How pictures are drawn.
struct SamplingOptions: ParsableArguments {
    @Option(help: "Steps from noise to picture; the model's own number unless given.")
    var steps: Int?

    @Option(help: "The sampler; the model's own unless given.")
    var sampler: SamplerName?

    @Option(
        help: """
            How the steps lie: default, leading, trailing, linspace, interpolated, karras, exponential, or OpenAI's \
            respacing such as fast27 or 10,10,5.
            """)
    var schedule: String?

    @Option(help: "Classifier-free guidance; 1 is off. The model's own unless given.")
    var guidanceScale: Double?

    @OptionGroup var guidance: GuidanceOptions

    @Option(help: "What the pictures should not be.")
    var negativePrompt = ""

    @Option(help: "Pixels; unless given, those of a canvas or an init image, else what the model was trained on.")
    var width: Int?

    @Option(help: "Pixels; unless given, those of a canvas or an init image, else what the model was trained on.")
    var height: Int?

    @Option(
        help: """
            How predicted pictures are kept in range: to black and white (unit), by Imagen's thresholding (dynamic), or \
            not (none). The model's own unless given: unit for pictures, its scheduler's for latents.
            """)
    var clamp: GenerationRequest.Clamp?

    /// Says so where another sampler draws than the model's own scheduler calls for, and none was asked for.
    func noteStandIn(in model: any DrawingConfiguration) {
        guard sampler == nil, let standIn = model.samplerStandIn else { return }
        Console.say("note: \(standIn); --sampler names another")
    }
}
