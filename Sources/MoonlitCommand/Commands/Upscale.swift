import ArgumentParser
import Diffusion
import Foundation
import Images
import Moonlit

struct Upscale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Enlarges a picture by diffusion.",
        discussion: """
            Examples:
              moonlit upscale lake.png
              moonlit upscale photo.jpg --model upsample.pt -o large.png

            A picture larger than the model was trained on is seen through overlapping windows, blended at every step.
            """)

    @Argument(help: "A PNG, JPEG or WebP file.")
    var image: String

    @Option(help: "An embedded upsampler's name, or a file such as OpenAI's upsample.pt. The embedded scenes-256 unless given.")
    var model: String?

    @Option(name: [.short, .long], help: "A file ending in .png, .jpg or .webp. IMAGE-large.png unless given.")
    var output: OutputPath?

    @Option(help: "What is to be seen in it.")
    var prompt = ""

    @Option(help: "Of the noise; drawn unless given, and printed.")
    var seed: UInt64?

    @Option(help: "Steps from noise to picture; the model's own number unless given.")
    var steps: Int?

    @Option(help: "The sampler; the model's own unless given.")
    var sampler: SamplerName?

    @Option(help: "How the steps lie, as moonlit generate has it.")
    var schedule: String?

    @Option(help: "Classifier-free guidance; 1 is off. The model's own unless given.")
    var guidanceScale: Double?

    @OptionGroup(title: "Computation") var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    struct Result: Encodable {
        let path: String
        let width: Int
        let height: Int
        let seed: UInt64
        let seconds: Double
    }

    func validate() throws { try output?.checkFormat("--output") }

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 0..<1 << 32)
        let output = output ?? OutputPath((image as NSString).deletingPathExtension + "-large.png")
        try output.checkWritable()
        let picture = try InputPicture(path: image)
        let source = model.map { ModelSource($0) } ?? .embedded("scenes-256")
        let model = try await TextToImage.load(source, options: compute.resolved())
        let bar = ProgressBox(Progress("upscaling", total: 0, unit: "step", isQuiet: quiet))
        defer { bar.finish() }
        let request = EnlargingRequest(
            picture: picture, prompt: prompt, seed: seed, sampler: sampler, steps: steps, schedule: schedule,
            guidanceScale: guidanceScale)
        let large = try await model.upscale(request) { step, count in bar.update(step, of: count) }
        let seconds = bar.finish()
        try large.write(to: output.path)
        if json {
            try Console.print(
                json: Result(
                    path: output.path, width: large.picture.width, height: large.picture.height, seed: seed,
                    seconds: seconds.rounded(to: 3)))
        } else {
            try Console.print("\(output.path)  \(large.picture.width)x\(large.picture.height)  seed \(seed)")
        }
    }
}
