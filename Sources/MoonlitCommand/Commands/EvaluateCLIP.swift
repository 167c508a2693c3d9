import ArgumentParser
import Checkpoints
import Diffusion
import Evaluation
import Foundation
import Images
import Moonlit
import Tensors

struct EvaluateCLIP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip",
        abstract: "Measures what a model of pictures and texts tells apart.",
        discussion: """
            Examples:
              moonlit evaluate clip judge.safetensors --gallery 10000 -o judge
              moonlit evaluate clip noised.safetensors --steps 0,100,200,400,800 -o noised

            For real held-out scenes it ranks 100 captions, of which one is true and the others differ from it in subject, \
            place, light, style or relation; a model that reads noisy pictures also at steps of the noise. And it searches \
            the pictures among others by their captions.
            """)

    @Argument(help: "A model of pictures and texts, as moonlit train makes it, or GLIDE's towers.")
    var model: String

    @Option(help: "Which scenes: held-out, train, or pairs.")
    var prompts = PromptSet.Kind.heldOut

    @Option(help: "Scenes.")
    var count = 500

    @Option(help: "Captions a picture is ranked by.")
    var captions = 100

    @Option(help: "Pictures that are searched, the scenes' own among them; 0 leaves the search out.")
    var gallery = 10_000

    @Option(help: "Steps of the noise, as 0,100,200; for a model of noisy pictures. A tenth of its steps apart unless given.")
    var steps: NoiseSteps?

    @OptionGroup var own: ReportOptions

    struct NoiseSteps: ExpressibleByArgument {
        let values: [Int]

        init?(argument: String) {
            let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard !values.isEmpty, values.allSatisfy({ $0 != nil }) else { return nil }
            self.values = Set(values.compactMap { $0 }).sorted()
        }
    }

    func validate() throws {
        try checkRanges([
            ("--count", count, 1...100_000), ("--captions", captions, 2...1000), ("--gallery", gallery, 0...1_000_000),
        ])
        if gallery > 0, gallery <= count {
            throw ValidationError("--gallery is \(gallery); expected 0, or more than the \(count) scenes' own.")
        }
    }

    func run() async throws {
        let options = try own.compute.applied()
        let configuration = try own.scenes()
        let loaded = try PictureTextModels.load(ModelSource(model).path(), dtype: .float32, device: options.device)
        guard let clip = loaded as? any ProcessCLIP else {
            throw EvaluationError.file(model, problem: "does not say whose noise it reads", expected: "a model as moonlit train makes it")
        }
        let chosen = steps?.values ?? (clip.process.map { process in
            (0...10).map { min($0 * process.steps / 10, process.steps - 1) }
        } ?? [])
        let folder = try own.folder()
        let judge = Judge(loaded, name: (model as NSString).lastPathComponent, device: options.device)
        let set = try own.prompts(
            prompts, of: configuration, count: count, references: max(0, gallery - count), captions: captions)
        let report = try CLIPEvaluation(clip, judge, set, seed: own.seed) { message in
            if case .stage(let name) = message, !own.quiet { Console.say(name) }
        }.report(steps: chosen)
        try own.finish(report, markdown: report.markdown, plot: report.plot(), as: "clip", in: folder)
    }
}
