import ArgumentParser
import Checkpoints
import Datasets
import Diffusion
import Evaluation
import Foundation
import Images
import Moonlit
import Scenes
import Tensors
import Tokenizers

/// What the evaluations of pictures that are made of pictures share.
struct JudgedPictureOptions: ParsableArguments {
    @Option(help: "A CLIP (an embedded one's name, or a file that moonlit train wrote) that had no part in drawing.")
    var judge: String

    @Option(help: "Scenes, of held-out combinations and one subject.")
    var count = 200

    @Option(help: "Steps from noise to picture; the model's own number unless given.")
    var steps: Int?

    @Option(help: "The sampler; the model's own unless given.")
    var sampler: SamplerName?

    @Option(help: "Classifier-free guidance; 1 is off. The model's own unless given.")
    var guidanceScale: Double?

    @OptionGroup var report: ReportOptions

    func validate() throws {
        guard (2...100_000).contains(count) else {
            throw ValidationError("--count is \(count); expected 2 to 100,000.")
        }
    }

    func prompts() throws -> PromptSet {
        try PromptSet(
            .heldOut, of: report.scenes(), artwork: Artwork(EmojiCollection.load()), count: count,
            references: 2, captions: 2, seed: report.seed)
    }

    func request(_ prompt: String, number: Int) -> GenerationRequest {
        GenerationRequest(
            prompt: prompt, seed: report.seed &+ UInt64(number), sampler: sampler, steps: steps, guidanceScale: guidanceScale,
            reading: .plain)
    }

    func judge(_ device: Device) throws -> Judge {
        Judge(
            try PictureTextModels.load(ModelSource(judge).path(), device: device),
            name: (judge as NSString).lastPathComponent, device: device)
    }

    /// Pictures' rows on the sheet.
    static let shown = 8
}
