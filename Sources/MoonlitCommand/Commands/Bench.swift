import ArgumentParser
import Foundation
import Tensors

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Times the parts of drawing, all of it, or a training step.",
        discussion: """
            Examples:
              moonlit bench unet --model stable-diffusion-v1-5 --dtype bfloat16 --repeat 5
              moonlit bench decode --model stable-diffusion-v1-5
              moonlit bench generate --model stable-diffusion-v1-5 --sampler dpm++2m --steps 20 --repeat 1 --warmup 0
              moonlit bench train --config Benchmarks/small.yaml --dtype bfloat16
            """,
        subcommands: [BenchUNet.self, BenchDecode.self, BenchText.self, BenchGenerate.self, BenchTrain.self])
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
    func time(_ title: String, _ call: () async throws -> Void) async throws -> [Double] {
        let clock = ContinuousClock()
        var progress = Progress(title, total: warmup + times, unit: "call", isQuiet: false)
        var seconds: [Double] = []
        for index in 0..<warmup + times {
            if Task.isCancelled { throw CancellationError() }
            let start = clock.now
            try await call()
            let duration = start.duration(to: clock.now).seconds
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
    /// Floating-point operations of a call, where they can be counted.
    var operations: Double?
    var lossFirst: Double?
    var lossLast: Double?

    init(
        config: String, parameters: Int, dtype: DType, device: Device, threads: Int, batchSize: Int, seconds: [Double],
        operations: Double?
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
        try values.encodeIfPresent(operations, forKey: .operations)
        try values.encodeIfPresent(operations.map { $0 / minimum }, forKey: .rate)
        try values.encode(peakMemory(), forKey: .memory)
        try values.encodeIfPresent(lossFirst, forKey: .lossFirst)
        try values.encodeIfPresent(lossLast, forKey: .lossLast)
    }

    func show(json: Bool) throws {
        if json { return try Console.print(json: self) }
        let counted =
            operations.map {
                "\(($0 / 1e9).rounded(to: 1)) GFLOP, \(($0 / minimum / 1e9).rounded(to: 1)) GFLOP/s; "
            } ?? ""
        try Console.print(
            "\(config), \(dtype) on \(device), \(threads) threads: minimum \(minimum.rounded(to: 4)) s, median "
                + "\(median.rounded(to: 4)) s of \(steps); \(counted)peak memory \(peakMemory() >> 20) MiB")
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
