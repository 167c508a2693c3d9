import ArgumentParser
import Checkpoints
import Images
import Moonlit

struct Reproduce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draws a picture again from the settings its PNG file carries, and says by how much it differs.",
        discussion: """
            Example:
              moonlit reproduce moonlit-7.png
            """)

    @Argument(help: "A PNG file as moonlit generate or moonlit upscale writes it.")
    var file: String

    @Option(help: "An embedded model's name, or a file; the model the picture names unless given.")
    var model: String?

    @Option(help: "The file of noise that was given then, where one was.")
    var initialNoise: String?

    @Option(help: "Where the picture it began with is now; where it was then unless given.")
    var initImage: String?

    @Option(help: "Where the mask is now; where it was then unless given.")
    var mask: String?

    @Option(help: "Where the upsampler is now; where it was then unless given.")
    var upscale: String?

    @Option(help: "Where the CLIP that guided it is now; where it was then unless given.")
    var clip: String?

    @Option(name: [.short, .long], help: "Where to write the new picture; nowhere unless given.")
    var output: OutputPath?

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    struct Result: Encodable {
        let file: String
        let identical: Bool
        /// Of 255.
        let maximumDifference: Int
        let meanDifference: Double
        let differingPixels: Int
        let output: String?
        let settings: Settings
    }

    func validate() throws { try output?.checkFormat("--output") }

    func run() async throws {
        let settings = try Settings(path: file)
        let old = try Picture(path: file)
        try checkSize(of: old, settings)
        try output?.checkWritable()
        var request = settings.request
        request.initialNoise = try initialNoise.map { try settings.ownNoise(in: Latents(path: $0)) }
        guard settings.hasGivenNoise == (request.initialNoise != nil) else {
            throw GenerationError.invalid(
                option: "initial-noise", value: initialNoise ?? "missing",
                expected: settings.hasGivenNoise
                    ? "the file this picture began from" : "none: this picture began from its seed's noise")
        }
        request.initImage = try settings.initImage.map { try recorded($0, given: initImage, "init-image") }
        request.mask = try settings.mask.map { try recorded($0, given: mask, "mask") }
        let source = try model.map { ModelSource($0) } ?? embedded(settings.model)
        var options = try compute.resolved()
        options.additions = settings.additions ?? options.additions
        options.prediction = settings.prediction
        let guide = settings.clipGuidance.map { ModelSource(clip ?? $0.clip) }
        let drawing = try await TextToImage.load(source, clip: guide, options: options)
        if Task.isCancelled { throw CancellationError() }
        if drawing.configuration.name != settings.model {
            Console.say("drawn then by the model “\(settings.model)”, now by “\(drawing.configuration.name)”")
        }
        let result: GeneratedPicture
        if drawing.configuration.sees.seesLowResolution, let picture = request.initImage {
            result = try await enlarged(picture, by: drawing, settings)
        } else {
            result = try await drawn(request, by: drawing, settings)
        }
        if let output { try result.write(to: output.path) }
        let difference = try PictureDifference(old, result.picture)
        if difference.maximum > 0 {
            Console.say("pictures change with --dtype, --device and the processor; give those that this one was drawn with")
        }
        if json {
            return try Console.print(
                json: Result(
                    file: file, identical: difference.maximum == 0, maximumDifference: difference.maximum,
                    meanDifference: difference.mean.rounded(to: 6), differingPixels: difference.differing,
                    output: output?.path, settings: settings))
        }
        try Console.print(
            difference.maximum == 0
                ? "\(file): identical"
                : "\(file): differs in \(grouped(difference.differing)) of \(grouped(difference.pixels)) pixels, by at most "
                    + "\(difference.maximum) of 255, by \(difference.mean.rounded(to: 4)) on average")
        if let output { try Console.print(output.path) }
    }

    /// Nothing is drawn for a file that is not the picture its settings are of.
    private func checkSize(of picture: Picture, _ settings: Settings) throws {
        let size = settings.upscale.map { ($0.width, $0.height) } ?? (settings.width, settings.height)
        guard (picture.width, picture.height) == size else {
            throw GenerationError.noSettings(
                file: file,
                reason: "is \(picture.width)×\(picture.height), but its settings are of a picture of \(size.0)×\(size.1)")
        }
    }

    /// As moonlit generate does it, with the second stage where there was one.
    private func drawn(
        _ request: GenerationRequest, by model: TextToImage, _ settings: Settings
    ) async throws -> GeneratedPicture {
        var progress = Progress("drawing", total: 0, unit: "step", isQuiet: quiet)
        var last: GeneratedPicture?
        for try await step in model.stream(request, showing: []) {
            progress.total = step.count
            progress.update(step.index + 1)
            last = step.results.first
        }
        progress.finish()
        guard let drawn = last else { throw CancellationError() }
        // It was drawn from its own row alone; the file that was given has the others, too.
        var own = drawn.settings
        own.noiseRow = settings.noiseRow
        let result = GeneratedPicture(picture: drawn.picture, settings: own)
        guard let second = settings.upscale else { return result }
        let path = upscale ?? second.path
        let upsampler = try await TextToImage.load(ModelSource(path), options: compute.resolved())
        return try await upsampler.enlarge([result], drawnBy: request, path: path).first ?? result
    }

    /// As moonlit upscale does it.
    private func enlarged(
        _ picture: InputPicture, by model: TextToImage, _ settings: Settings
    ) async throws -> GeneratedPicture {
        let bar = ProgressBox(Progress("upscaling", total: 0, unit: "step", isQuiet: quiet))
        defer { bar.finish() }
        let request = EnlargingRequest(
            picture: picture, prompt: settings.prompt, seed: settings.seed, sampler: settings.sampler,
            steps: settings.steps, schedule: settings.schedule, guidanceScale: settings.guidanceScale)
        let result = try await model.upscale(request) { step, count in bar.update(step, of: count) }
        _ = bar.finish()
        return result
    }

    /// The same picture that was given then, by its checksum.
    private func recorded(_ record: InputPicture.Record, given: String?, _ option: String) throws -> InputPicture {
        guard let path = given ?? record.path else {
            throw GenerationError.invalid(option: option, value: "missing", expected: "the file that was given then")
        }
        let picture = try InputPicture(path: path)
        guard picture.record.sha256 == record.sha256 else {
            throw GenerationError.invalid(
                option: option, value: path, expected: "the file that was given then, with SHA-256 \(record.sha256)")
        }
        return picture
    }

    /// A picture names its model, not where the model's file was.
    private func embedded(_ name: String) throws -> ModelSource {
        if ModelSource.embeddedNames.contains(name) { return .embedded(name) }
        throw ValidationError("\(file) was drawn by the model “\(name)”, which is not embedded; give its file: --model PATH.")
    }
}
