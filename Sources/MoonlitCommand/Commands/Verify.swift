import ArgumentParser
import Checkpoints
import Moonlit
import Tensors

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a model on recorded inputs and compares with what another implementation computed.",
        discussion: """
            Example:
              moonlit verify base.pt --golden base.golden.safetensors

            Prints the largest absolute and the relative L2 error of each part. Exit status 2 where a relative L2 error \
            is past the tolerance.
            """)

    @Argument(help: "An embedded model's name, a model's folder, or a file: .safetensors, .ckpt or .pt.")
    var model: String

    @Option(
        help: """
            A safetensors file with inputs and outputs: unet.*, text_encoder.*, text_encoder_2.*, vae.*, glide.*, \
            trajectory.*, pipeline.* or clip.*.
            """)
    var golden: String

    @Option(help: "GLIDE's upsampler, for the whole way from prompt to enlarged picture: pipeline.*.")
    var upscale: String?

    @Option(help: "The largest relative L2 error that passes; the default is meant for float32.")
    var tolerance = 1e-4

    @OptionGroup var compute: ComputeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard tolerance >= 0 else { throw ValidationError("--tolerance is \(tolerance); expected 0 or more.") }
    }

    struct Result: Encodable {
        struct Part: Encodable {
            let comparison: Comparison
            let passed: Bool
            let seconds: Double

            enum CodingKeys: String, CodingKey { case passed, seconds }

            func encode(to encoder: any Encoder) throws {
                try comparison.encode(to: encoder)
                var values = encoder.container(keyedBy: CodingKeys.self)
                try values.encode(passed, forKey: .passed)
                try values.encode(seconds, forKey: .seconds)
            }
        }

        let model: String
        let golden: String
        let dtype: String
        let device: String
        let tolerance: Double
        let passed: Bool
        let parts: [Part]
    }

    func run() throws {
        let options = try compute.applied()
        let path = try ModelSource(model).path()
        let run = try GoldenRun(
            golden, model: path, upsampler: upscale.map { try ModelSource($0).path() }, dtype: options.dtype,
            device: options.device)
        let clock = ContinuousClock()
        let parts = try run.parts.flatMap { part in
            if Task.isCancelled { throw CancellationError() }
            let start = clock.now
            let comparisons = try run.verify(part)
            let seconds = start.duration(to: clock.now).seconds.rounded(to: 3)
            // A comparison with what is no number fails.
            return comparisons.map {
                Result.Part(comparison: $0, passed: $0.relativeL2 <= tolerance, seconds: seconds)
            }
        }
        let passed = !parts.isEmpty && parts.allSatisfy(\.passed)
        if json {
            try Console.print(
                json: Result(
                    model: path, golden: self.golden, dtype: options.dtype.rawValue,
                    device: "\(options.device)", tolerance: tolerance, passed: passed, parts: parts))
        } else {
            for part in parts {
                let (c, verdict) = (part.comparison, part.passed ? "passed" : "FAILED")
                try Console.print(
                    "\(c.part) \(c.shape): maximum absolute error \(scientific(c.maximumAbsolute)), relative L2 "
                        + "\(scientific(c.relativeL2)), \(verdict) (tolerance \(scientific(tolerance)), \(part.seconds) s)")
            }
        }
        if !passed { throw ExitCode(ExitStatus.outOfTolerance) }
    }
}
