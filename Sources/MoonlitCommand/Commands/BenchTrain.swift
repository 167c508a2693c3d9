import ArgumentParser
import Foundation
import Tensors
import Training

struct BenchTrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Times a training step: bytes to new weights, on made-up pictures.",
        discussion: """
            Example:
              moonlit bench train --config Benchmarks/small.yaml --dtype bfloat16 --json
            """)

    @Option(help: "A YAML file as in Benchmarks.")
    var config: String

    @Option(help: "float32, bfloat16 (by autocast), or auto: the faster one.")
    var dtype = TrainingConfiguration.Precision.float32

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

    func run() async throws {
        let device = try device.device()
        let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        let benchmark = try StepBenchmark(
            path: config, dtype: dtype, workers: threads, batchSize: batchSize, seed: seed, device: device)
        // As while training: the workers have the cores.
        Engine.threads = 1
        Engine.flushDenormals(true)
        var losses: [Double] = []
        let seconds = try await repeats.time("training") { losses.append(try benchmark.step()) }
        var result = BenchResult(
            config: (config as NSString).lastPathComponent, parameters: benchmark.parameterCount, dtype: dtype.on(device),
            device: device, threads: threads, batchSize: benchmark.batchSize, seconds: seconds,
            operations: benchmark.operations)
        (result.lossFirst, result.lossLast) = (losses.first, losses.last)
        try result.show(json: json)
    }
}
