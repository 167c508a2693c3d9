import ArgumentParser
import Checkpoints
import Foundation
import Models
import Moonlit
import Tensors
import Training

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times a training step or a guided call of a network.",
        discussion: """
            Examples:
              moonlit bench train --config Benchmarks/small.yaml --dtype bfloat16
              moonlit bench unet --model base.pt --repeat 5
            """,
        subcommands: [BenchTrain.self, BenchUNet.self])
}

/// How often something is timed.
struct RepeatOptions: ParsableArguments {
    @Option(name: .customLong("repeat"), help: "How often to time it.")
    var times = 10

    @Option(help: "How often to do it before.")
    var warmup = 3

    func validate() throws {
        guard (1...1_000_000).contains(times) else {
            throw ValidationError("--repeat is \(times); expected 1 to 1,000,000.")
        }
        guard (0...1_000_000).contains(warmup) else {
            throw ValidationError("--warmup is \(warmup); expected 0 to 1,000,000.")
        }
    }

    /// Seconds of each call.
    func time(_ title: String, _ call: () throws -> Void) throws -> [Double] {
        let clock = ContinuousClock()
        var progress = Progress(title, total: warmup + times, unit: "call", isQuiet: false)
        var seconds: [Double] = []
        for index in 0..<warmup + times {
            if Task.isCancelled { throw CancellationError() }
            let duration = try clock.measure(call).seconds
            if index >= warmup { seconds.append(duration) }
            progress.update(index + 1)
        }
        progress.finish()
        return seconds
    }
}

/// What was measured, in the words of `Benchmarks/train_peer.py`.
struct BenchResult: Encodable {
    var program: String
    var config: String
    var parameters: Int
    var dtype: String
    var device: String
    var channelsLast = true
    var threads: Int
    var batchSize: Int
    var steps: Int
    var minimum: Double
    var median: Double
    var operations: Double
    var lossFirst: Double?
    var lossLast: Double?

    init(
        config: String, parameters: Int, dtype: DType, device: Device, threads: Int, batchSize: Int, seconds: [Double],
        operations: Double
    ) {
        program = "Moonlit \(Program.configuration.version), libtorch \(Engine.version)"
        self.config = config
        self.parameters = parameters
        self.dtype = dtype.rawValue
        self.device = "\(device)"
        self.threads = threads
        self.batchSize = batchSize
        self.operations = operations
        let sorted = seconds.sorted()
        let middle = sorted.count / 2
        steps = sorted.count
        minimum = sorted.first ?? 0
        median = sorted.isEmpty ? 0 : sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    enum CodingKeys: String, CodingKey {
        case program, config, parameters, dtype, device, threads, steps
        case channelsLast = "channels_last"
        case batchSize = "batch_size"
        case minimum = "step_seconds_minimum"
        case median = "step_seconds_median"
        case best = "samples_per_second_best"
        case usual = "samples_per_second_median"
        case operations = "flop_per_step"
        case rate = "flop_per_second_best"
        case memory = "peak_memory_bytes"
        case lossFirst = "loss_first"
        case lossLast = "loss_last"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(program, forKey: .program)
        try values.encode(config, forKey: .config)
        try values.encode(parameters, forKey: .parameters)
        try values.encode(dtype, forKey: .dtype)
        try values.encode(device, forKey: .device)
        try values.encode(channelsLast, forKey: .channelsLast)
        try values.encode(threads, forKey: .threads)
        try values.encode(batchSize, forKey: .batchSize)
        try values.encode(steps, forKey: .steps)
        try values.encode(minimum.rounded(to: 5), forKey: .minimum)
        try values.encode(median.rounded(to: 5), forKey: .median)
        try values.encode((Double(batchSize) / minimum).rounded(to: 4), forKey: .best)
        try values.encode((Double(batchSize) / median).rounded(to: 4), forKey: .usual)
        try values.encode(operations, forKey: .operations)
        try values.encode(operations / minimum, forKey: .rate)
        try values.encode(peakMemory(), forKey: .memory)
        try values.encodeIfPresent(lossFirst, forKey: .lossFirst)
        try values.encodeIfPresent(lossLast, forKey: .lossLast)
    }

    func show(json: Bool) throws {
        if json { return try Console.print(json: self) }
        try Console.print(
            "\(config), \(dtype) on \(device), \(threads) threads: minimum \(minimum.rounded(to: 4)) s, median "
                + "\(median.rounded(to: 4)) s of \(steps); \((operations / 1e9).rounded(to: 1)) GFLOP, "
                + "\((operations / minimum / 1e9).rounded(to: 1)) GFLOP/s; peak memory \(peakMemory() >> 20) MiB")
    }
}

/// The process's largest resident size, libraries included.
private func peakMemory() -> Int {
    var usage = rusage()
    #if os(Linux)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024  // kibibytes there
    #else
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
    #endif
}

struct BenchTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Times a training step: bytes to new weights, on made-up pictures.",
        discussion: """
            Example:
              moonlit bench train --config Benchmarks/small.yaml --dtype bfloat16 --json
            """)

    @Option(help: "A YAML file as in Benchmarks.")
    var config: String

    @Option(help: "float32, or bfloat16 by autocast.")
    var dtype = Train.TrainingType.float32

    @Option(help: "Where to compute: auto, cpu, cuda, cuda:N or mps.")
    var device = DeviceChoice.auto

    @Option(help: "Threads on the CPU; as many as there are cores unless given.")
    var threads: Int?

    @Option(help: "Pictures a step, instead of the configuration's.")
    var batchSize: Int?

    @Option(help: "Of weights and noise.")
    var seed: UInt64 = 0

    @OptionGroup var repeats: RepeatOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); expected 1 to 1,024.")
        }
        if let batchSize, !(1...65_536).contains(batchSize) {
            throw ValidationError("--batch-size is \(batchSize); expected 1 to 65,536.")
        }
    }

    func run() throws {
        let device = try device.device()
        let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        let benchmark = try StepBenchmark(
            path: config, dtype: dtype.dtype, workers: threads, batchSize: batchSize, seed: seed, device: device)
        // As while training: the workers have the cores.
        Engine.threads = 1
        Engine.flushDenormals(true)
        var losses: [Double] = []
        let seconds = try repeats.time("training") { losses.append(try benchmark.step()) }
        var result = BenchResult(
            config: (config as NSString).lastPathComponent, parameters: benchmark.parameterCount, dtype: dtype.dtype,
            device: device, threads: threads, batchSize: benchmark.batchSize, seconds: seconds,
            operations: benchmark.operations)
        (result.lossFirst, result.lossLast) = (losses.first, losses.last)
        try result.show(json: json)
    }
}

struct BenchUNet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unet",
        abstract: "Times one guided call of a model's network: a picture with and without its text.",
        discussion: """
            Example:
              moonlit bench unet --model base.pt --dtype bfloat16 --repeat 5
            """)

    @Option(help: "An embedded model's name, or a file. The embedded one unless given.")
    var model: String?

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var repeats: RepeatOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let options = try compute.resolved()
        if let threads = options.threads { Engine.threads = threads }
        let file = try ModelFile((model.map { ModelSource($0) } ?? .bundled).path())
        let model = try TextToImageModel(
            file.load(dtype: options.dtype, device: options.device), configuration: file.configuration,
            device: options.device)
        let (configuration, device) = (file.configuration, options.device)
        let side = configuration.imageSize
        let generator = try RandomGenerator(seed: 0)
        let x = try Tensor.randn([2, 3, side, side], generator: generator).to(device: device)
        var conditions = GLIDE.Conditions()
        if configuration.network.input.seesLowResolution {
            conditions.lowResolution = try .randn([2, 3, max(1, side / 4), max(1, side / 4)], generator: generator)
                .to(device: device)
        }
        let timesteps = try Tensor([Float](repeating: Float(configuration.diffusion.steps / 2), count: 2))
            .to(device: device)
        // Once a picture, not once a step: the text is not timed.
        let text = try model.encode(["a house next to a lake in moonlight", ""])
        let seconds = try repeats.time("calling") {
            _ = try withoutGradients { try model.network(x, timesteps: timesteps, text: text, conditions: conditions) }
            try device.synchronize()
        }
        try BenchResult(
            config: configuration.name, parameters: ModelSummary(file).parameters.total, dtype: options.dtype,
            device: device, threads: Engine.threads, batchSize: 2, seconds: seconds,
            operations: 2 * configuration.network.operations(height: side, width: side, text: false)
        ).show(json: json)
    }
}
