import ArgumentParser
import Checkpoints
import Datasets
import Evaluation
import Foundation
import Images
import Models
import Moonlit
import Scenes
import Tensors

struct EvaluateAutoencoder: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autoencoder",
        abstract: "Measures how near an autoencoder's pictures are to what they were made of.",
        discussion: """
            Example:
              moonlit evaluate autoencoder runs/f4/model --count 500 -o f4

            On scenes of held-out combinations: the peak signal-to-noise ratio, by style.
            """)

    @Argument(help: "A file or folder of an autoencoder, or of a model that has one; or an embedded model's name.")
    var model: String

    @Option(help: "Scenes.")
    var count = 500

    @Option(help: "Their side in pixels, 64 to 512.")
    var size = 64

    @OptionGroup var own: ReportOptions

    func validate() throws {
        try checkRanges([("--count", count, 1...100_000), ("--size", size, 64...512)])
    }

    func run() async throws {
        let options = try own.compute.applied()
        var configuration = try own.scenes()
        configuration.size = size
        if configuration.split == .train { configuration.split = .heldOut }
        let file = try AutoencoderFile(ModelSource(model).path())
        guard size % file.configuration.factor == 0 else {
            throw EvaluationError.request(
                "--size is \(size); the autoencoder needs a multiple of \(file.configuration.factor)")
        }
        let network = try file.load(dtype: options.dtype, device: options.device)
        let folder = try own.folder()
        var pairs: [Picture] = []
        var progress = Progress("measuring", total: count, unit: "picture", isQuiet: own.quiet)
        let report = try AutoencoderEvaluation(
            network, name: (model as NSString).lastPathComponent, of: configuration,
            artwork: Artwork(EmojiCollection.load()), data: own.data, count: count, seed: own.seed, device: options.device,
            tell: { progress.update($0) }, shown: { pairs += [$0, $1] })
        progress.finish()
        let sheet = try ContactSheet(columns: 8, minimumSide: 128).picture(of: pairs)
        try own.finish(report, markdown: report.markdown, plot: sheet, as: "autoencoder", in: folder)
    }
}
