import ArgumentParser
import Checkpoints
import Evaluation
import Foundation
import Images
import Moonlit
import Tensors

struct EvaluateUpsampler: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upsampler",
        abstract: "Measures how near enlarged pictures are to real ones, beside bicubic interpolation.",
        discussion: """
            Example:
              moonlit evaluate upsampler runs/upsampler/model.safetensors --judge judge.safetensors -o upsampler

            Real scenes are made smaller by the model's factor, enlarged by it with their captions, and compared: by \
            signal-to-noise ratio, and by the Fréchet distance between tiles of the judge's side. The sheet shows the \
            small picture, bicubic, the model's, and the real one. Ctrl-C ends it with a report of what is done.
            """)

    @Argument(help: "A model that enlarges pictures.")
    var model: String

    @OptionGroup var own: JudgedPictureOptions

    func run() async throws {
        let options = try own.report.compute.applied()
        let file = try PublishedModel(ModelSource(model).path())
        let configuration = file.configuration
        guard configuration.sees.seesLowResolution, case .pixels(let pixels) = file else {
            throw GenerationError.invalid(option: "model", value: configuration.name, expected: "a model that enlarges pictures")
        }
        let (side, factor) = (configuration.imageSize, pixels.configuration.upscalingFactor)
        let judge = try own.judge(options.device)
        let folder = try own.report.folder()
        let prompts = try own.prompts()
        let scenes = try prompts.realPictures(size: side)
        let model = try await TextToImage.load(ModelSource(model), options: options)
        var evaluation = UpsamplerEvaluation(judge: judge, factor: factor)
        var sheet: [Picture] = []
        var progress = Progress("enlarging", total: scenes.count, unit: "picture", isQuiet: own.report.quiet)
        var done = 0
        do {
            for scene in scenes {
                var request = own.request(prompts.texts[done], number: done)
                let small = try evaluation.small(scene)
                request.lowResolution = [try InputPicture(small)]
                (request.width, request.height) = (side, side)
                let drawn = try await model.generate(request)[0].picture
                let plain = try evaluation.add(scene, enlarged: drawn)
                if done < JudgedPictureOptions.shown {
                    sheet += [try small.resized(width: side, height: side, filter: .nearest), plain, drawn, scene]
                }
                done += 1
                progress.update(done)
            }
        } catch let error as CancellationError {
            // Distances need two pictures.
            if done < 2 { throw error }
        }
        progress.finish()
        let report = try evaluation.report(model: configuration.name, data: own.report.data, seed: own.report.seed, side: side)
        let picture = try ContactSheet(columns: 4, minimumSide: 128).picture(of: sheet)
        try own.report.finish(report, markdown: report.markdown, plot: picture, as: "upsampler", in: folder)
        if done < scenes.count {
            throw Interrupted(description: "the report is of the \(done) of \(scenes.count) pictures that were enlarged")
        }
    }
}
