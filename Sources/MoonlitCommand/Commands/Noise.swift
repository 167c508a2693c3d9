import ArgumentParser
import Checkpoints
import Datasets
import Diffusion
import Images
import Tensors

struct Noise: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the forward process: a picture that becomes noise, as a film strip.",
        discussion: """
            Example:
              moonlit noise lake.png -o noise.png --schedule linear
            """)

    enum Schedule: String, ExpressibleByArgument, CaseIterable {
        case squaredCosine = "squared-cosine"
        case linear
        case scaledLinear = "scaled-linear"

        var ofDiffusion: DiffusionConfiguration.Schedule {
            switch self {
            case .squaredCosine: .squaredCosine
            case .linear: .linear
            case .scaledLinear: .scaledLinear
            }
        }
    }

    private static let layout = FilmStrip()

    @Argument(help: "A PNG, JPEG or WebP file.")
    var image: String

    @Option(name: [.short, .long], help: "A file ending in .png, .jpg or .webp.")
    var output: OutputPath

    @Option(help: "Pictures in the strip, from the clean one to noise.")
    var steps = 10

    @Option(help: "The noise schedule, of 1,000 steps.")
    var schedule = Schedule.squaredCosine

    @Option(help: "Of the noise.")
    var seed: UInt64 = 0

    @Option(help: "The middle square of the picture is brought to this side, in pixels.")
    var size = 128

    func validate() throws {
        try output.checkFormat("--output")
        guard (2...1000).contains(steps) else { throw ValidationError("--steps is \(steps); expected 2 to 1,000.") }
        guard (1...1024).contains(size) else { throw ValidationError("--size is \(size); expected 1 to 1,024.") }
    }

    func run() throws {
        try output.checkWritable()
        try output.checkHolds("\(steps) pictures of \(size)×\(size)", option: "output") {
            try Self.layout.size(of: steps, width: size, height: size)
        }
        let example = Example(picture: try Picture(path: image), caption: "", key: image)
        let clean = try Preparation(size: size).picture(of: example, variation: 0)
        let x0 = try Tensor(clean.planes(), shape: [1, 3, size, size])
        let process = try DiffusionConfiguration(schedule: schedule.ofDiffusion).noiseSchedule()
        // One noise for all: the picture drowns in it rather than flickers.
        let noise = try Tensor.randn([1, 3, size, size], generator: RandomGenerator(seed: seed))
        var strip = [clean]
        for step in 1..<steps {
            if Task.isCancelled { throw CancellationError() }
            let time = step * (process.count - 1) / (steps - 1)
            let noised = try process.noised(x0, at: [time], noise: noise)
            strip.append(try Picture(planes: noised.xt.floats(), width: size, height: size))
        }
        try Self.layout.picture(of: strip).write(to: output.path)
        try Console.print(output.path)
    }
}
