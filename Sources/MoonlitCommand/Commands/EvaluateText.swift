import ArgumentParser
import Checkpoints
import Evaluation
import Images
import Moonlit
import Tensors

struct EvaluateText: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text",
        abstract: "Measures which words of its caption a model hears, and at which noise.",
        discussion: """
            Examples:
              moonlit evaluate text scenes-latent -o text
              moonlit evaluate text runs/latent/model --prompts pairs --count 500 --levels 16

            Nothing is drawn. Real scenes are hidden in noise, and the network predicts them, without guidance: told their \
            own captions, captions that are false in subject, place, light, style or relation alone, and none, each with \
            the same noise. By how much its error grows is how much it hears of that word; 0 is nothing. Ctrl-C ends it \
            with a report of what is done.
            """)

    @Argument(help: "A model that draws from a text: an embedded one's name, a file, or a folder as diffusers writes it.")
    var model: String

    @Option(help: "Which scenes: held-out, train, or pairs (two subjects and a relation).")
    var prompts = PromptSet.Kind.heldOut

    @Option(help: "Scenes.")
    var count = 200

    @Option(help: "Levels of noise: the middle steps of so many equal parts of the model's process.")
    var levels = 8

    @Option(help: "How many scenes the network sees at once.")
    var batchSize = 16

    @OptionGroup var own: ReportOptions

    func validate() throws {
        try checkRanges([
            ("--count", count, 1...100_000), ("--levels", levels, 1...1000), ("--batch-size", batchSize, 1...4096),
        ])
    }

    func run() async throws {
        let options = try own.compute.applied()
        let configuration = try own.scenes()
        let file = try PublishedModel(ModelSource(model).path())
        let drawing = file.configuration
        guard drawing.sees == .text else {
            throw GenerationError.invalid(
                option: "model", value: drawing.name,
                expected: "a model that draws from a text alone: this one "
                    + (drawing.sees.seesLowResolution ? "enlarges" : "fills in holes"))
        }
        let folder = try own.folder()
        let set = try own.prompts(prompts, of: configuration, count: count, captions: 2)
        var evaluation = try TextEvaluation(
            file.load(dtype: options.dtype, device: options.device), set, levels: levels, seed: own.seed,
            batchSize: batchSize)
        var progress = Progress("listening", total: count, unit: "scene", isQuiet: own.quiet)
        do {
            try evaluation.run { progress.update($0) }
        } catch let error as CancellationError {
            if evaluation.count == 0 { throw error }
        }
        progress.finish()
        let report = evaluation.report(data: own.data)
        try own.finish(report, markdown: report.markdown, plot: report.plot(), as: "text", in: folder)
        if report.count < count {
            throw Interrupted(description: "the report is of the \(report.count) of \(count) scenes that were measured")
        }
    }
}
