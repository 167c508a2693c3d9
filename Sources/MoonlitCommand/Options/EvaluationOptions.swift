import ArgumentParser
import Datasets
import Diffusion
import Evaluation
import Foundation
import Images
import Moonlit
import Scenes
import Tokenizers

/// What the evaluations of pictures that are made of pictures share.
struct EvaluationOptions: ParsableArguments {
    @Option(help: "A model of pictures and texts as moonlit train makes it, which had no part in drawing.")
    var judge: String

    @Option(help: "Scenes, of held-out combinations and one subject.")
    var count = 200

    @Option(help: "\(SceneConfiguration.namesHelp)")
    var data = "scenes"

    @Option(help: "Steps from noise to picture; the model's own number unless given.")
    var steps: Int?

    @Option(help: "The sampler; the model's own unless given.")
    var sampler: SamplerName?

    @Option(help: "Classifier-free guidance; 1 is off. The model's own unless given.")
    var guidanceScale: Double?

    @Option(help: "Of the scenes; picture k is drawn from seed + k.")
    var seed: UInt64 = 0

    @Option(name: [.short, .long], help: "A folder for the report, and a sheet of the first pictures.")
    var output: String?

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    func validate() throws {
        guard (2...100_000).contains(count) else {
            throw ValidationError("--count is \(count); expected 2 to 100,000.")
        }
    }

    func prompts() throws -> PromptSet {
        try PromptSet(
            .heldOut, of: SceneConfiguration(named: data), artwork: Artwork(EmojiCollection.load()), count: count,
            references: 2, captions: 2, seed: seed)
    }

    func request(_ prompt: String, number: Int) -> GenerationRequest {
        GenerationRequest(
            prompt: prompt, seed: seed &+ UInt64(number), sampler: sampler, steps: steps, guidanceScale: guidanceScale,
            reading: .plain)
    }

    func finish(_ report: some Encodable, markdown: String, sheet: [Picture], columns: Int, as name: String) throws {
        if let output {
            let picture = try ContactSheet(columns: columns, minimumSide: 128).picture(of: sheet)
            try ReportFolder(output).write(report, markdown: markdown, plot: picture, as: name)
        }
        try json ? Console.print(json: report) : Console.print(markdown)
    }

    /// Pictures' rows on the sheet.
    static let shown = 8
}
