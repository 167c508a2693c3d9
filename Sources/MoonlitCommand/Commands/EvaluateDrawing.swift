import ArgumentParser
import Checkpoints
import Datasets
import Diffusion
import Evaluation
import Foundation
import Images
import Models
import Moonlit
import Scenes
import Search
import Tensors

struct EvaluateDrawing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drawing",
        abstract: "Measures how well a model draws what it is told.",
        discussion: """
            Examples:
              moonlit evaluate --model scenes-latent --judge judge.safetensors --count 500 -o evaluation
              moonlit evaluate --judge judge.safetensors --prompts held-out --prompts pairs --real
              moonlit evaluate --model scenes-latent --judge judge.safetensors --guidance-scales 0,1,2,4,8
              moonlit evaluate --judge judge.safetensors --clip noised.safetensors --clip-guidance-scales 0,1,2,4,8

            The judge ranks 100 captions for each picture, of which one is true and the others differ from it in subject, \
            place, light, style or relation. Besides: Fréchet and kernel distances to real scenes, diversity, controls, and \
            what real scenes reach. Pictures are written as they are drawn; Ctrl-C keeps them, and the same command goes on.
            """)

    @Option(help: "What draws: an embedded model's name, a folder as diffusers writes it, or a file; the embedded one unless given.")
    var model: String?

    @Option(help: "A CLIP (an embedded one's name, or a file that moonlit train wrote), which must not be the one that guides.")
    var judge: String

    @Option(
        help: """
            held-out, train, pairs (two subjects and a relation), or a file with a prompt a line. May be given again.
            """)
    var prompts: [String] = ["held-out"]

    @Option(help: "Prompts of each set.")
    var count = 500

    @Option(help: "\(SceneConfiguration.namesHelp)")
    var data = "scenes"

    @Option(help: "The judge's captions for each picture.")
    var captions = 100

    @Option(help: "Real scenes that distances are measured to.")
    var references = 1000

    @Option(help: "Pictures of no prompt, for a control.")
    var unconditional = 100

    @Option(help: "Prompts of which 20 pictures each are compared with each other.")
    var diversity = 2

    @Option(help: "Judge the pictures of this folder instead of a model's: the first is the first prompt's, and so on.")
    var pictures: String?

    @Flag(help: "Judge real scenes only.")
    var real = false

    @Option(help: "Steps from noise to picture; the model's own number unless given.")
    var steps: Int?

    @Option(help: "The sampler; the model's own unless given.")
    var sampler: SamplerName?

    @Option(help: "How the steps lie; see moonlit generate.")
    var schedule: String?

    @Option(help: "Classifier-free guidance; 1 is off. The model's own unless given.")
    var guidanceScale: Double?

    @Option(help: "Several scales, as 0,1,2,4: all are drawn, and plotted over the scale.")
    var guidanceScales: Scales?

    @OptionGroup var guidance: GuidanceOptions

    @Option(help: "A CLIP that guides; it must not be the judge.")
    var clip: String?

    @Option(
        help: """
            Scales of guidance by CLIP, as 0,1,2,4: all are drawn with --guidance-scale, which is then 1 unless given, \
            besides those of --guidance-scales.
            """)
    var clipGuidanceScales: Scales?

    @Option(help: "Of the prompts; picture k is drawn from seed + k.")
    var seed: UInt64 = 0

    @Option(help: "How many pictures are drawn at once.")
    var batchSize = 32

    @Option(name: [.short, .long], help: "A folder for pictures, scores, tables and plots.")
    var output = "evaluation"

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    struct Scales: ExpressibleByArgument {
        let values: [Double]

        init?(argument: String) {
            let values = argument.split(separator: ",").compactMap { Double($0) }.filter(\.isFinite)
            guard !values.isEmpty, values.count == argument.split(separator: ",", omittingEmptySubsequences: false).count else {
                return nil
            }
            self.values = values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    func validate() throws {
        try checkRanges([
            ("--count", count, 1...100_000), ("--captions", captions, 2...1000), ("--references", references, 2...100_000),
            ("--unconditional", unconditional, 0...100_000), ("--diversity", diversity, 0...10_000),
            ("--batch-size", batchSize, 1...4096),
        ])
        if real, model != nil || pictures != nil {
            throw ValidationError("--real judges real scenes only; leave out --model and --pictures.")
        }
        if pictures != nil, model != nil { throw ValidationError("give either --model or --pictures.") }
        if guidanceScale != nil, guidanceScales != nil, clipGuidanceScales == nil {
            throw ValidationError("give either --guidance-scale or --guidance-scales.")
        }
        if (clip == nil) != (clipGuidanceScales == nil) {
            throw ValidationError("--clip and --clip-guidance-scales need each other.")
        }
        if clip != nil, real || pictures != nil { throw ValidationError("--clip guides a model; leave it out.") }
        guard Set(prompts.map(setName)).count == prompts.count else {
            throw ValidationError("--prompts names a set twice.")
        }
    }

    func run() async throws {
        // What is cheap to refuse comes first, and nothing is made before all is there.
        let options = try compute.applied()
        let configuration = try SceneConfiguration(named: data)
        for name in prompts where PromptSet.Kind(rawValue: name) == nil {
            guard FileManager.default.isReadableFile(atPath: name) else {
                throw EvaluationError.file(
                    name, problem: "is no set of prompts and no file that can be read",
                    expected: "held-out, train, pairs, or a text file with a prompt a line")
            }
        }
        let files = try pictures.map(PictureFolder.files)
        let judgePath = try ModelSource(judge).path()
        let guide = try clip.map { try ModelIdentity(ofModelAt: ModelSource($0).path()) }
        if let guide, case let own = try ModelIdentity(ofModelAt: judgePath), (guide.bytes, guide.crc32c) == (own.bytes, own.crc32c) {
            throw EvaluationError.request("\(judge) both guides and judges; expected a judge that had no part in drawing")
        }
        let drawer = try real || pictures != nil ? nil : Drawer(self, options)
        let judge = Judge(
            try PictureTextModels.load(judgePath, device: options.device), name: (judge as NSString).lastPathComponent,
            device: options.device)
        let folder = try EvaluationFolder(output, settings: PictureSettings(self, drawer, guide))
        let artwork = try Artwork(EmojiCollection.load())
        var report = EvaluationReport(
            model: drawer?.described, pictures: pictures, judge: judge.name, data: data, seed: seed)
        let size = drawer?.model.drawing.imageSize ?? max(64, min(512, judge.model.imageSide))
        var sizes = EvaluationSizes()
        (sizes.unconditional, sizes.diversityPrompts, sizes.batchSize) = (unconditional, diversity, batchSize)

        var interrupted = false
        for name in prompts {
            let progress = ProgressLine(isQuiet: quiet)
            do {
                let set = try promptSet(name, configuration, artwork)
                for note in set.notes { Console.say("\(set.name): \(note)") }
                try folder.write(set)
                var evaluation = try SetEvaluation(
                    set, judge: judge, size: min(512, max(64, size)), sizes: sizes, seed: seed, tell: progress.tell)
                do {
                    try evaluation.judgeReal()
                    if let files { try evaluation.judge(pictures: files) }
                    for scales in drawer?.scales ?? [] {
                        guard let drawer else { break }
                        try evaluation.judge(
                            drawer.maker(scales), guidanceScale: scales.guidance, clipGuidance: scales.clip,
                            folder: folder.pictures(
                                of: set.name, guidanceScale: scales.guidance, clipGuidance: scales.clip)
                        ) { try drawer.texts($0, seed: $1, scales) }
                        progress.finish()
                    }
                } catch is CancellationError {
                    interrupted = true
                }
                report.sets.append(evaluation.report)
            } catch is CancellationError {
                interrupted = true
            }
            progress.finish()
            report.isFinished = !interrupted
            try folder.write(report)
            if interrupted { break }
        }
        try json ? Console.print(json: report) : Console.print(report.markdown + "\n\(output)/evaluation.json")
        if interrupted {
            throw Interrupted(description: "what was drawn is kept in \(output); the same command goes on from there")
        }
    }

    private func setName(_ prompts: String) -> String {
        PromptSet.Kind(rawValue: prompts)?.rawValue ?? URL(filePath: prompts).deletingPathExtension().lastPathComponent
    }

    private func promptSet(_ name: String, _ configuration: SceneConfiguration, _ artwork: Artwork) throws -> PromptSet {
        if let kind = PromptSet.Kind(rawValue: name) {
            return try PromptSet(
                kind, of: configuration, artwork: artwork, count: count, references: references, captions: captions,
                seed: seed)
        }
        return try PromptSet(
            file: name, of: configuration, artwork: artwork, count: count, references: references, captions: captions,
            seed: seed)
    }
}

/// A model that draws, and how.
private struct Drawer {
    /// Of classifier-free guidance, and of the CLIP's where it guides.
    struct Scales: Hashable {
        var guidance: Double
        var clip: Double?
    }

    let model: any DrawingModel
    let scales: [Scales]
    let described: EvaluationReport.Drawer
    private let request: GenerationRequest
    private let clip: (source: ModelSource, model: any PictureTextModel)?

    init(_ command: EvaluateDrawing, _ options: TextToImage.Options) throws {
        let source = command.model.map { ModelSource($0) } ?? .bundled
        let guide = command.clip.map { ModelSource($0) }
        let file = try PublishedModel(source.path())
        var request = GenerationRequest(
            prompt: "", seed: command.seed, sampler: command.sampler, steps: command.steps, schedule: command.schedule,
            guidanceScale: command.guidanceScale)
        command.guidance.apply(to: &request)
        // What cannot be drawn is refused before the weights are read.
        var settings = try Settings(request, model: file.configuration)
        scales = Self.scales(command, own: settings.guidanceScale)
        for scales in scales {
            (request.guidanceScale, request.clipGuidanceScale) = (scales.guidance, scales.clip ?? 0)
            settings = try Settings(request, model: file.configuration, clip: guide?.text)
        }
        self.request = request
        described = EvaluationReport.Drawer(
            name: file.configuration.name, path: file.path, sampler: settings.sampler.rawValue, steps: settings.steps,
            schedule: settings.schedule, guidanceInterval: settings.guidanceInterval,
            guidanceRescale: settings.guidanceRescale, dtype: options.dtype.rawValue, device: "\(options.device)",
            clip: guide?.text)
        model = try file.load(dtype: options.dtype, device: options.device)
        clip = try guide.map { ($0, try PictureTextModels.load($0.path(), device: options.device)) }
    }

    private static func scales(_ command: EvaluateDrawing, own: Double) -> [Scales] {
        let byCLIP = (command.clipGuidanceScales?.values ?? []).map {
            Scales(guidance: command.guidanceScale ?? 1, clip: $0)
        }
        guard let free = command.guidanceScales?.values else {
            return byCLIP.isEmpty ? [Scales(guidance: own)] : byCLIP
        }
        return free.map { Scales(guidance: $0) } + byCLIP
    }

    private func settings(_ prompt: String, seed: UInt64, _ scales: Scales) throws -> Settings {
        var own = request
        (own.prompt, own.seed) = (prompt, seed)
        (own.guidanceScale, own.clipGuidanceScale) = (scales.guidance, scales.clip ?? 0)
        return try Settings(own, model: model.drawing, clip: clip?.source.text)
    }

    func maker(_ scales: Scales) throws -> ModelPictures {
        let settings = try settings("", seed: 0, scales)
        return try ModelPictures(
            model,
            .init(
                sampler: settings.sampler, steps: settings.steps, schedule: settings.schedule,
                guidance: settings.guidance, clipGuidance: scales.clip ?? 0), clip: clip?.model)
    }

    /// What a picture's file carries, so that `moonlit reproduce` can draw it again.
    func texts(_ prompt: String, seed: UInt64, _ scales: Scales) throws -> [PNGText] {
        [PNGText("moonlit", try settings(prompt, seed: seed, scales).json()), PNGText("Software", "Moonlit")]
    }
}

/// What decides the pictures in a folder.
private struct PictureSettings: Encodable {
    var model: EvaluationReport.Drawer?
    /// Of the model's file: training may write another to the same place.
    var modelBytes: Int?
    var modelDate: Double?
    let clip: ModelIdentity?
    let data: String
    let seed: UInt64

    init(_ command: EvaluateDrawing, _ drawer: Drawer?, _ clip: ModelIdentity?) throws {
        (data, seed, self.clip) = (command.data, command.seed, clip)
        model = drawer?.described
        guard let path = model?.path else { return }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        modelBytes = (attributes?[.size] as? NSNumber)?.intValue
        modelDate = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970.rounded()
    }
}

/// Shows an evaluation's progress: stages as they begin, and pictures as they are drawn.
private final class ProgressLine {
    private let isQuiet: Bool
    private var progress: Progress

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        progress = Progress("drawing", total: 1, unit: "picture", isQuiet: isQuiet)
    }

    func tell(_ message: EvaluationProgress) {
        switch message {
        case .stage(let name):
            progress.finish()
            if !isQuiet { Console.say(name) }
        case .drawn(let done, let total):
            if done == 0 { progress = Progress("drawing", total: total, unit: "picture", isQuiet: isQuiet) }
            if done > 0 { progress.update(done) }
        }
    }

    func finish() { progress.finish() }
}
