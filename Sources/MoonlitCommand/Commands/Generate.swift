import ArgumentParser
import Checkpoints
import Diffusion
import Images
import Moonlit
import Tensors
import Tokenizers

struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws pictures of a text.",
        discussion: """
            Examples:
              moonlit generate "a house next to a lake in moonlight" --seed 7 -o lake.png
              moonlit generate "a red balloon" --count 12 -o balloons
              moonlit generate "a red balloon" --candidates 12 -o best.png
              moonlit generate --prompts prompts.txt --seed 1 -o all --sheet sheet.png

            Picture k is drawn from seed + k and equals the one drawn alone. Each is written as soon as it is finished; \
            Ctrl-C keeps those, and the ones not enlarged yet as they are. A PNG file carries its settings: see moonlit \
            reproduce.
            """)

    @OptionGroup var asked: PromptOptions

    @Option(
        help: """
            An embedded model's name, a folder as diffusers writes it, or a file: .safetensors, .ckpt or .pt. The embedded \
            one unless given.
            """)
    var model: String?

    @Option(
        name: [.short, .long],
        help: """
            A file ending in .png, .jpg or .webp; with --count or --prompts, a folder. moonlit-SEED.png unless given, with \
            --prompts NUMBER-moonlit-SEED.png.
            """)
    var output: OutputPath?

    @Option(help: "How many pictures of a prompt.")
    var count = 1

    @Option(help: "How many are computed at once.")
    var batchSize = 8

    @Option(help: "Of a prompt's first picture; drawn unless given, and printed.")
    var seed: UInt64?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @OptionGroup(title: "Guidance and choice by CLIP") var clip: CLIPOptions

    @OptionGroup(title: "Pictures from pictures") var pictures: PictureOptions

    @Option(
        help: """
            Enlarge each picture by this model, such as GLIDE's upsampler, or none. Outside a mask, \
            the init image stays where it is at least as large.
            """)
    var upscale: String?

    @Option(
        help: """
            weighted reads (word:1.3), [word] and long prompts as the web UIs do; plain takes every character as it is.
            """)
    var promptSyntax = PromptSyntax.weighted

    @OptionGroup(title: "Network") var network: NetworkOptions

    @Option(help: "Also write all pictures as one contact sheet, the prompt under each.")
    var sheet: OutputPath?

    @Option(help: "Also write the way from noise to picture as one picture.")
    var filmStrip: OutputPath?

    @Option(help: "Begin with the tensor `latents` [N, C, H, W] of a safetensors file instead of the seeds' noise.")
    var initialNoise: String?

    @Option(help: "Also write the last step's numbers as safetensors, tensor `latents`.")
    var saveLatents: OutputPath?

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    func validate() throws {
        guard (1...1_000_000).contains(count) else {
            throw ValidationError("--count is \(count); expected 1 to 1,000,000.")
        }
        guard (1...4096).contains(batchSize) else {
            throw ValidationError("--batch-size is \(batchSize); expected 1 to 4,096.")
        }
        if let candidates = clip.candidates, !(count...1_000_000).contains(candidates) {
            throw ValidationError("--candidates is \(candidates); expected --count, \(count), to 1,000,000.")
        }
        _ = try clip.source(for: model)
        try sheet?.checkFormat("--sheet")
        try filmStrip?.checkFormat("--film-strip")
        // However many prompts there are.
        try names(prompts: 1).check(
            apartFrom: [("--sheet", sheet), ("--film-strip", filmStrip), ("--save-latents", saveLatents)])
        guard let output else { return }
        if count == 1, asked.prompts == nil {
            try output.checkFormat("--output")
        } else if ImageFormat(fileName: output.path) != nil {
            let several = asked.prompts == nil ? "\(count) pictures" : "the pictures of --prompts"
            throw ValidationError("--output \(output.path) is a file's name, but \(several) need a folder.")
        }
    }

    struct Result: Encodable {
        struct Picture: Encodable {
            let path: String
            let prompt: String
            let seed: UInt64
            let likeness: Double?
            let width: Int
            let height: Int
        }
        struct Candidate: Encodable {
            let prompt: String
            let seed: UInt64
            let likeness: Double
        }
        let pictures: [Picture]
        /// All that were drawn, where the best were kept.
        let candidates: [Candidate]?
        /// Of each prompt's first picture.
        let seed: UInt64
        /// Of the first picture; where there is none, what was to be drawn.
        let settings: Settings
        let model: String
        let device: String
        let dtype: String
        let seconds: Double
        let sheet: String?
        let filmStrip: String?
        let latents: String?
    }

    func run() async throws {
        let prompts = try asked.texts()
        let seed = seed ?? UInt64.random(in: 0..<1 << 32)
        let source = model.map { ModelSource($0) } ?? .bundled
        let modelPath = try source.path()
        // Everything that is to be written is tried before anything is computed.
        let pictureNames = names(prompts: prompts.count)
        try pictureNames.prepare(seed: seed)
        for file in [sheet, filmStrip, saveLatents] { try file?.checkWritable() }
        var options = try compute.resolved()
        network.apply(to: &options)
        let first = try request(prompts[0], seed: seed)
        let guide = try clip.source(for: self.model)
        _ = try guide?.path()
        // What cannot be drawn is refused before the weights are read.
        let configuration = try PublishedModel(modelPath).predicting(options.prediction).configuration
        let settings = try Settings(first, model: configuration, clip: guide?.text)
        let plan = try settings.plan(in: configuration.diffusion, strength: settings.strength)
        let upsampler = upscale.flatMap { $0 == "none" ? nil : ModelSource($0) }
        let factor = try upsampler.map { try enlargement(by: $0, of: settings) } ?? 1
        if let sheet {
            try PictureSheet.check(
                prompts, count: count, width: settings.width * factor, height: settings.height * factor, for: sheet)
        }
        if let filmStrip {
            try Film.check(
                first.drawn * prompts.count, steps: plan.stepCount, width: settings.width, height: settings.height,
                for: filmStrip)
        }
        sampling.noteStandIn(in: configuration)

        let model = try await TextToImage.load(source, clip: guide, options: options)
        if Task.isCancelled { throw CancellationError() }
        let second = try await upsampler.asyncMap { source in
            (
                model: try await TextToImage.load(source, options: compute.resolved()), path: try source.path(),
                request: first
            )
        }
        try await warnOfCutPrompts(prompts, model, first.reading)
        if !quiet { Console.say("seed \(seed)") }

        var drawn = DrawnPictures(
            pictureNames, .init(latents: saveLatents, sheet: sheet, filmStrip: filmStrip), isEnlarging: second != nil)
        var progress = Progress("drawing", total: 0, unit: "step", isQuiet: quiet)
        try await draw(prompts, as: first, by: model, enlarging: second, to: &drawn, &progress)
        progress.finish()
        let files = try drawn.writeTogether()
        if json {
            try Console.print(
                json: Result(
                    pictures: drawn.pictures, candidates: clip.candidates == nil ? nil : drawn.candidates, seed: seed,
                    settings: drawn.settings ?? settings, model: modelPath, device: "\(options.device)",
                    dtype: options.dtype.rawValue, seconds: progress.elapsed.rounded(to: 3), sheet: files.sheet?.path,
                    filmStrip: files.filmStrip?.path, latents: files.latents?.path))
        }
        let wanted = first.drawn * prompts.count
        if drawn.finished < wanted || drawn.small > 0 {
            throw Interrupted(
                description: "\(drawn.finished) of \(wanted) pictures were finished and "
                    + (clip.candidates == nil ? "are kept" : "the best of them kept")
                    + (drawn.small > 0 ? "; not enlarged: \(drawn.small)" : ""))
        }
    }

    private func names(prompts: Int) -> PictureNames {
        PictureNames(output, count: count, prompts: asked.prompts == nil ? nil : prompts)
    }

    private func request(_ prompt: String, seed: UInt64) throws -> GenerationRequest {
        var request = GenerationRequest(
            prompt: prompt, seed: seed, count: count, batchSize: batchSize, sampling: sampling)
        request.initialNoise = try initialNoise.map { try Latents(path: $0) }
        try pictures.apply(to: &request)
        request.reading = promptSyntax.reading
        network.apply(to: &request)
        clip.apply(to: &request)
        return request
    }

    /// How many times as wide and high an upsampler makes pictures.
    ///
    /// - Throws: `GenerationError.invalid` where it cannot enlarge these.
    private func enlargement(by upsampler: ModelSource, of settings: Settings) throws -> Int {
        let configuration = try PublishedModel(upsampler.path()).configuration
        try configuration.checkEnlarges(width: settings.width, height: settings.height, option: "upscale")
        return (configuration as? ModelConfiguration)?.upscalingFactor ?? 1
    }

    /// A loaded upsampler, where it is, and what draws the pictures, the prompt aside.
    private typealias SecondStage = (model: TextToImage, path: String, request: GenerationRequest)

    /// Draws one prompt after another, until all are drawn or the task is cancelled.
    ///
    /// - Parameter first: the first prompt's request; the others are drawn in the same way.
    private func draw(
        _ prompts: [String], as first: GenerationRequest, by model: TextToImage, enlarging second: SecondStage?,
        to drawn: inout DrawnPictures, _ progress: inout Progress
    ) async throws {
        var request = first
        let batches = (request.drawn + batchSize - 1) / batchSize * prompts.count
        var batchesDone = 0
        for (place, prompt) in prompts.enumerated() {
            if Task.isCancelled { break }
            request.prompt = prompt
            var shortlist = Shortlist(places: count)
            for try await step in model.stream(request, showing: drawn.showing) {
                progress.total = step.count * batches
                progress.update(batchesDone * step.count + step.index + 1)
                drawn.take(step)
                if clip.candidates != nil {
                    shortlist.take(step.results)
                } else if !step.results.isEmpty {
                    if !json { progress.finish() }
                    try await write(step.results, ofPrompt: place, enlarging: second, to: &drawn)
                }
                if step.isLast { batchesDone += 1 }
            }
            guard clip.candidates != nil else { continue }
            progress.finish()
            try await write(shortlist.best, ofPrompt: place, enlarging: second, to: &drawn)
            if !quiet, !json { shortlist.tellOthers(of: asked.prompts == nil ? "" : "prompt \(place + 1), ") }
            drawn.take(shortlist.scores, of: prompt)
        }
    }

    /// Writes finished pictures one by one, by the second stage where there is one, and says where.
    ///
    /// - Parameter prompt: its place among the prompts, from 0.
    private func write(
        _ pictures: [GeneratedPicture], ofPrompt prompt: Int, enlarging second: SecondStage?,
        to drawn: inout DrawnPictures
    ) async throws {
        for picture in pictures {
            let result = try await enlarged(picture, by: second)
            let written = try drawn.write(result, ofPrompt: prompt)
            if !json {
                let likeness = written.likeness.map { "  likeness \($0.rounded(to: 4))" } ?? ""
                try Console.print("\(written.path)  seed \(written.seed)\(likeness)")
            }
        }
    }

    /// By the second stage where there is one; as it is where Ctrl-C comes first.
    private func enlarged(_ picture: GeneratedPicture, by second: SecondStage?) async throws -> GeneratedPicture {
        guard let second, !Task.isCancelled else { return picture }
        do {
            return try await second.model.enlarge([picture], drawnBy: second.request, path: second.path).first
                ?? picture
        } catch is CancellationError {
            return picture
        }
    }

    private func warnOfCutPrompts(_ prompts: [String], _ model: TextToImage, _ reading: PromptReading) async throws {
        let isFile = asked.prompts != nil
        let texts = prompts.enumerated().map { (isFile ? "prompt \($0.offset + 1)" : "the prompt", $0.element) }
        for (name, text) in texts + [("the negative prompt", sampling.negativePrompt)] {
            let cut = try await model.tokensCut(from: text, reading: reading)
            if cut > 0 { Console.say("\(name) is too long: the model does not read its last \(cut) tokens") }
        }
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        if let self { try await transform(self) } else { nil }
    }
}

extension GenerationRequest {
    init(prompt: String, seed: UInt64, count: Int, batchSize: Int, sampling: SamplingOptions) {
        self.init(
            prompt: prompt, negativePrompt: sampling.negativePrompt, seed: seed, count: count, batchSize: batchSize,
            sampler: sampling.sampler, steps: sampling.steps, schedule: sampling.schedule,
            guidanceScale: sampling.guidanceScale, width: sampling.width, height: sampling.height,
            clamp: sampling.clamp)
        sampling.guidance.apply(to: &self)
    }
}

extension Shortlist {
    /// What was drawn and not kept, the likest first.
    /// - Parameter prompt: stands before each seed.
    fileprivate func tellOthers(of prompt: String) {
        let kept = Set(best.map(\.settings.seed))
        for other in scores.filter({ !kept.contains($0.seed) }).sorted(by: { $0.likeness > $1.likeness }) {
            Console.say("not kept: \(prompt)seed \(other.seed)  likeness \(other.likeness.rounded(to: 4))")
        }
    }
}
