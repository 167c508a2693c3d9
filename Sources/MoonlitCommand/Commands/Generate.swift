import ArgumentParser
import Checkpoints
import Foundation
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

            Picture k is drawn from seed + k and equals the one drawn alone. Each is written as soon as it is finished; \
            Ctrl-C keeps those, and the ones not enlarged yet as they are. A PNG file carries its settings: see moonlit \
            reproduce.
            """)

    @Argument(help: "What to draw; \"\" draws whatever the model likes.")
    var prompt: String

    @Option(
        help: """
            An embedded model's name, a folder as diffusers writes it, or a file: .safetensors, .ckpt or .pt. The embedded \
            one unless given.
            """)
    var model: String?

    @Option(
        name: [.short, .long],
        help: "A file ending in .png, .jpg or .webp; with --count, a folder. moonlit-SEED.png unless given.")
    var output: OutputPath?

    @Option(help: "How many pictures.")
    var count = 1

    @Option(help: "How many are computed at once.")
    var batchSize = 8

    @Option(help: "Of the first picture; drawn unless given, and printed.")
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
        try filmStrip?.checkFormat("--film-strip")
        guard let output else { return }
        if count == 1 {
            try output.checkFormat("--output")
        } else if ImageFormat(fileName: output.path) != nil {
            throw ValidationError("--output \(output.path) is a file's name, but \(count) pictures need a folder.")
        }
    }

    struct Result: Encodable {
        struct Picture: Encodable {
            let path: String
            let seed: UInt64
            let likeness: Double?
            let width: Int
            let height: Int
        }
        let pictures: [Picture]
        /// All that were drawn, where the best were kept.
        let candidates: [Shortlist.Score]?
        let seed: UInt64
        /// Of the first picture; where there is none, what was to be drawn.
        let settings: Settings
        let model: String
        let device: String
        let dtype: String
        let seconds: Double
        let filmStrip: String?
        let latents: String?
    }

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 0..<1 << 32)
        let source = model.map { ModelSource($0) } ?? .bundled
        let modelPath = try source.path()
        try prepareOutput(seed: seed)
        var options = try compute.resolved()
        network.apply(to: &options)
        var request = GenerationRequest(
            prompt: prompt, seed: seed, count: count, batchSize: batchSize, sampling: sampling)
        request.initialNoise = try initialNoise.map { try Latents(path: $0) }
        try pictures.apply(to: &request)
        request.reading = promptSyntax.reading
        network.apply(to: &request)
        clip.apply(to: &request)
        _ = try clip.source?.path()
        // What cannot be drawn is refused before the weights are read.
        let configuration = try PublishedModel(modelPath).predicting(options.prediction).configuration
        let settings = try Settings(request, model: configuration, clip: clip.source?.text)
        let upsampler = upscale.flatMap { $0 == "none" ? nil : ModelSource($0) }
        let upsamplerPath = try upsampler?.path()
        if let upsamplerPath {
            try PublishedModel(upsamplerPath).configuration.checkEnlarges(
                width: settings.width, height: settings.height, option: "upscale")
        }

        let model = try await TextToImage.load(source, clip: clip.source, options: options)
        if Task.isCancelled { throw CancellationError() }
        let enlarging = try await upsampler.asyncMap { try await TextToImage.load($0, options: compute.resolved()) }
        try await warnOfCutPrompts(model, request.reading)
        if !quiet { Console.say("seed \(seed)") }

        var showing: Set<TextToImage.Preview> = []
        if filmStrip != nil { showing.insert(.noisy) }
        if saveLatents != nil { showing.insert(.latents) }
        var progress = Progress("drawing", total: 0, unit: "step", isQuiet: quiet)
        var batches = 0
        var written = Written()
        var latents: [Latents] = []
        var film = Film(stages: Self.stages)
        var shortlist = Shortlist(places: count)
        var finished = 0
        let second = enlarging.flatMap { model in upsamplerPath.map { (model: model, path: $0) } }
        for try await step in model.stream(request, showing: showing) {
            progress.total = step.count * ((request.drawn + batchSize - 1) / batchSize)
            progress.update(batches * step.count + step.index + 1)
            film.take(step)
            finished += step.results.count
            if clip.candidates != nil {
                shortlist.take(step.results)
            } else if !step.results.isEmpty {
                if !json { progress.finish() }
                try await write(step.results, enlarging: second, to: &written)
            }
            if let last = step.latents { latents.append(last) }
            if step.isLast { batches += 1 }
        }
        progress.finish()
        try await write(shortlist.best, enlarging: second, to: &written)
        if !quiet, !json { shortlist.tellOthers() }
        if let filmStrip, !film.rows.isEmpty { try film.picture().write(to: filmStrip.path) }
        if let saveLatents, !latents.isEmpty { try Latents(joining: latents).write(to: saveLatents.path) }
        if json {
            try Console.print(
                json: Result(
                    pictures: written.pictures, candidates: clip.candidates == nil ? nil : shortlist.scores, seed: seed,
                    settings: written.settings ?? settings, model: modelPath, device: "\(options.device)",
                    dtype: options.dtype.rawValue, seconds: progress.elapsed.rounded(to: 3),
                    filmStrip: film.rows.isEmpty ? nil : filmStrip?.path,
                    latents: latents.isEmpty ? nil : saveLatents?.path))
        }
        if finished < request.drawn || written.small > 0 {
            throw Interrupted(
                description: "\(finished) of \(request.drawn) pictures were finished and "
                    + (clip.candidates == nil ? "are kept" : "the best of them kept")
                    + (written.small > 0 ? "; not enlarged: \(written.small)" : ""))
        }
    }

    /// Everything that is to be written is tried before anything is computed.
    private func prepareOutput(seed: UInt64) throws {
        if count > 1, let output { try output.makeFolder() } else { try OutputPath(path(seed: seed)).checkWritable() }
        try filmStrip?.checkWritable()
        try saveLatents?.checkWritable()
    }

    /// What stands in files.
    private struct Written {
        var pictures: [Result.Picture] = []
        /// Of the first.
        var settings: Settings?
        /// How many there was no time to enlarge.
        var small = 0
    }

    /// Writes finished pictures one by one, by the second stage where there is one, and says where.
    private func write(
        _ pictures: [GeneratedPicture], enlarging second: (model: TextToImage, path: String)?, to written: inout Written
    ) async throws {
        for picture in pictures {
            let result = try await enlarged(picture, by: second)
            let (path, seed) = (self.path(seed: result.settings.seed), result.settings.seed)
            try result.write(to: path)
            written.pictures.append(
                .init(
                    path: path, seed: seed, likeness: result.likeness, width: result.picture.width,
                    height: result.picture.height))
            written.settings = written.settings ?? result.settings
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

    private func path(seed: UInt64) -> String {
        let name = "moonlit-\(seed).png"
        guard let output else { return name }
        return count == 1 ? output.path : (output.path as NSString).appendingPathComponent(name)
    }

    private func warnOfCutPrompts(_ model: TextToImage, _ reading: PromptReading) async throws {
        for (name, text) in [("the prompt", prompt), ("the negative prompt", sampling.negativePrompt)] {
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
    fileprivate func tellOthers() {
        let kept = Set(best.map(\.settings.seed))
        for other in scores.filter({ !kept.contains($0.seed) }).sorted(by: { $0.likeness > $1.likeness }) {
            Console.say("not kept: seed \(other.seed)  likeness \(other.likeness.rounded(to: 4))")
        }
    }
}

/// The stages of each picture, evenly chosen: a row a picture.
private struct Film {
    let stages: Int
    private(set) var rows: [[Picture]] = []
    private var current: [[Picture]] = []

    init(stages: Int) { self.stages = stages }

    mutating func take(_ step: GenerationStep) {
        if step.index == 0 { current = step.noise.map { [$0] } }
        // Of more steps than stages, those at the ends of equal parts.
        let shown = min(stages, step.count)
        let isShown = (step.index + 1) * shown / step.count > step.index * shown / step.count
        if isShown { for (row, picture) in step.noisy.enumerated() { current[row].append(picture) } }
        if step.isLast {
            rows += current
            current = []
        }
    }

    func picture() throws -> Picture {
        try FilmStrip(columns: rows.first?.count).picture(of: rows.flatMap { $0 })
    }
}
