import ArgumentParser
import Checkpoints
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
              moonlit generate "a red balloon" --candidates 12 --clip clip.safetensors -o best.png
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

    @Option(help: "Enlarge each picture by this model, such as GLIDE's upsampler, or none.")
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

    /// Stages in a film strip, the noise not counted.
    private static let stages = 12

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
        try sheet?.checkFormat("--sheet")
        try filmStrip?.checkFormat("--film-strip")
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
        let names = PictureNames(output, count: count, prompts: asked.prompts == nil ? nil : prompts.count)
        // Everything that is to be written is tried before anything is computed.
        try names.prepare(seed: seed)
        for file in [sheet, filmStrip, saveLatents] { try file?.checkWritable() }
        var options = try compute.resolved()
        network.apply(to: &options)
        var request = GenerationRequest(
            prompt: prompts[0], seed: seed, count: count, batchSize: batchSize, sampling: sampling)
        request.initialNoise = try initialNoise.map { try Latents(path: $0) }
        try pictures.apply(to: &request)
        request.reading = promptSyntax.reading
        network.apply(to: &request)
        clip.apply(to: &request)
        _ = try clip.source?.path()
        // What cannot be drawn is refused before the weights are read.
        let configuration = try PublishedModel(modelPath).predicting(options.prediction).configuration
        let settings = try Settings(request, model: configuration, clip: clip.source?.text)
        sampling.noteStandIn(in: configuration)
        let upsampler = upscale.flatMap { $0 == "none" ? nil : ModelSource($0) }
        let upsamplerPath = try upsampler?.path()
        var enlargement = 1
        if let upsamplerPath {
            let upsampler = try PublishedModel(upsamplerPath).configuration
            try upsampler.checkEnlarges(width: settings.width, height: settings.height, option: "upscale")
            enlargement = (upsampler as? ModelConfiguration)?.upscalingFactor ?? 1
        }
        if sheet != nil {
            try PictureSheet.check(
                prompts, count: count, width: settings.width * enlargement, height: settings.height * enlargement)
        }

        let model = try await TextToImage.load(source, clip: clip.source, options: options)
        if Task.isCancelled { throw CancellationError() }
        let enlarging = try await upsampler.asyncMap { try await TextToImage.load($0, options: compute.resolved()) }
        try await warnOfCutPrompts(prompts, model, request.reading)
        if !quiet { Console.say("seed \(seed)") }

        var showing: Set<TextToImage.Preview> = []
        if filmStrip != nil { showing.insert(.noisy) }
        if saveLatents != nil { showing.insert(.latents) }
        var progress = Progress("drawing", total: 0, unit: "step", isQuiet: quiet)
        let batches = (request.drawn + batchSize - 1) / batchSize * prompts.count
        var batchesDone = 0
        var written = Written(names: names, sheet: sheet == nil ? nil : PictureSheet())
        var candidates: [Result.Candidate] = []
        var latents: [Latents] = []
        var film = Film(stages: Self.stages)
        var finished = 0
        let second = enlarging.flatMap { model in upsamplerPath.map { (model: model, path: $0) } }
        for (place, prompt) in prompts.enumerated() {
            if Task.isCancelled { break }
            request.prompt = prompt
            var shortlist = Shortlist(places: count)
            for try await step in model.stream(request, showing: showing) {
                progress.total = step.count * batches
                progress.update(batchesDone * step.count + step.index + 1)
                film.take(step)
                finished += step.results.count
                if clip.candidates != nil {
                    shortlist.take(step.results)
                } else if !step.results.isEmpty {
                    if !json { progress.finish() }
                    try await write(step.results, ofPrompt: place, enlarging: second, to: &written)
                }
                if let last = step.latents { latents.append(last) }
                if step.isLast { batchesDone += 1 }
            }
            guard clip.candidates != nil else { continue }
            progress.finish()
            try await write(shortlist.best, ofPrompt: place, enlarging: second, to: &written)
            if !quiet, !json { shortlist.tellOthers(of: asked.prompts == nil ? "" : "prompt \(place + 1), ") }
            candidates += shortlist.scores.map {
                Result.Candidate(prompt: prompt, seed: $0.seed, likeness: $0.likeness)
            }
        }
        progress.finish()
        let sheetPath = written.pictures.isEmpty ? nil : sheet?.path
        if let sheetPath { try written.sheet?.picture().write(to: sheetPath) }
        if let filmStrip, !film.rows.isEmpty { try film.picture().write(to: filmStrip.path) }
        if let saveLatents, !latents.isEmpty { try Latents(joining: latents).write(to: saveLatents.path) }
        if json {
            try Console.print(
                json: Result(
                    pictures: written.pictures, candidates: clip.candidates == nil ? nil : candidates, seed: seed,
                    settings: written.settings ?? settings, model: modelPath, device: "\(options.device)",
                    dtype: options.dtype.rawValue, seconds: progress.elapsed.rounded(to: 3), sheet: sheetPath,
                    filmStrip: film.rows.isEmpty ? nil : filmStrip?.path,
                    latents: latents.isEmpty ? nil : saveLatents?.path))
        }
        let wanted = request.drawn * prompts.count
        if finished < wanted || written.small > 0 {
            throw Interrupted(
                description: "\(finished) of \(wanted) pictures were finished and "
                    + (clip.candidates == nil ? "are kept" : "the best of them kept")
                    + (written.small > 0 ? "; not enlarged: \(written.small)" : ""))
        }
    }

    /// What stands in files.
    private struct Written {
        let names: PictureNames
        var pictures: [Result.Picture] = []
        /// Of the first.
        var settings: Settings?
        /// How many there was no time to enlarge.
        var small = 0
        /// All of them, where a sheet is to be made.
        var sheet: PictureSheet?
    }

    /// Writes finished pictures one by one, by the second stage where there is one, and says where.
    ///
    /// - Parameter prompt: its place among the prompts, from 0.
    private func write(
        _ pictures: [GeneratedPicture], ofPrompt prompt: Int, enlarging second: (model: TextToImage, path: String)?,
        to written: inout Written
    ) async throws {
        for picture in pictures {
            let result = try await enlarged(picture, by: second)
            let seed = result.settings.seed
            let path = written.names.path(prompt: prompt, seed: seed)
            try result.write(to: path)
            written.pictures.append(
                .init(
                    path: path, prompt: result.settings.prompt, seed: seed, likeness: result.likeness,
                    width: result.picture.width, height: result.picture.height))
            written.settings = written.settings ?? result.settings
            written.sheet?.take(result)
            if second != nil, result.settings.upscale == nil { written.small += 1 }
            if !json {
                let likeness = result.likeness.map { "  likeness \($0.rounded(to: 4))" } ?? ""
                try Console.print("\(path)  seed \(seed)\(likeness)")
            }
        }
    }

    /// By the second stage where there is one; as it is where Ctrl-C comes first.
    private func enlarged(
        _ picture: GeneratedPicture, by second: (model: TextToImage, path: String)?
    ) async throws -> GeneratedPicture {
        guard let second, !Task.isCancelled else { return picture }
        do {
            return try await second.model.enlarge([picture], path: second.path).first ?? picture
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
