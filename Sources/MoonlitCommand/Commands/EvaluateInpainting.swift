import ArgumentParser
import Checkpoints
import Evaluation
import Foundation
import Images
import Moonlit
import Tensors

struct EvaluateInpainting: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inpainting",
        abstract: "Measures whether what a prompt names appears where a picture was erased, and the rest stays.",
        discussion: """
            Example:
              moonlit evaluate inpainting runs/inpainting/model.safetensors --judge judge.safetensors -o inpainting

            In real scenes the subject is erased and another is named. A judge looks for it among up to fifty subjects. The \
            sheet shows the scene, the hole, and what was painted. Ctrl-C ends it with a report of what is done.
            """)

    @Argument(help: "A model that draws, with a hole among what it sees or without.")
    var model: String

    @OptionGroup var own: JudgedPictureOptions

    func run() async throws {
        let options = try own.report.compute.applied()
        let configuration = try PublishedModel(ModelSource(model).path()).configuration
        guard !configuration.sees.seesLowResolution else {
            throw GenerationError.invalid(
                option: "model", value: configuration.name, expected: "a model that draws by itself: this one enlarges")
        }
        let judge = try own.judge(options.device)
        let folder = try own.report.folder()
        let side = min(512, max(64, configuration.imageSize))
        let tasks = try own.prompts().inpaintingTasks(size: side, seed: own.report.seed)
        let model = try await TextToImage.load(ModelSource(model), options: options)
        var evaluation = InpaintingEvaluation(judge: judge)
        var sheet: [Picture] = []
        var progress = Progress("painting", total: tasks.count, unit: "picture", isQuiet: own.report.quiet)
        var done = 0
        do {
            for task in tasks {
                var request = own.request(task.prompt, number: done)
                (request.initImage, request.mask) = (try InputPicture(task.picture), try InputPicture(task.mask))
                let painted = try await model.generate(request)[0].picture
                try evaluation.add(task, painted: painted)
                if done < JudgedPictureOptions.shown { sheet += [task.picture, task.mask, painted] }
                done += 1
                progress.update(done)
            }
        } catch let error as CancellationError {
            if done == 0 { throw error }
        }
        progress.finish()
        let report = evaluation.report(model: configuration.name, data: own.report.data, seed: own.report.seed)
        let picture = try ContactSheet(columns: 3, minimumSide: 128).picture(of: sheet)
        try own.report.finish(report, markdown: report.markdown, plot: picture, as: "inpainting", in: folder)
        if done < tasks.count {
            throw Interrupted(description: "the report is of the \(done) of \(tasks.count) pictures that were painted")
        }
    }
}
