internal import Checkpoints
internal import Datasets
internal import Diffusion
internal import Foundation
internal import Layers
internal import Models
public import Tensors
internal import Yams

/// One training step of a network by itself, to be timed: made-up pictures and captions, nothing read or written.
///
/// Reads what `Benchmarks/train_peer.py` reads and trains the same network with the same loss and optimizer.
public final class StepBenchmark {
    /// Numbers in the network's weights.
    public let parameterCount: Int
    public let batchSize: Int
    /// Floating-point operations of a step, taken as three forward passes.
    public let operations: Double
    private let trainer: Trainer
    private let size: Int
    private let bytes: [UInt8]
    private let captions: [String]

    /// - Parameters:
    ///   - path: YAML with the keys that `Benchmarks/README.md` lists.
    ///   - workers: threads, each with a part of the batch; 0 for as many as there are cores.
    ///   - batchSize: instead of the configuration's.
    /// - Throws: `TrainingError.configuration`, naming the key.
    public init(
        path: String, dtype: TrainingConfiguration.Precision, workers: Int = 0, batchSize: Int? = nil, seed: UInt64 = 0,
        device: Device = .cpu
    ) throws {
        let shape = try Shape(path: path)
        let batchSize = batchSize ?? shape.training.batch_size
        let wanted = workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount
        let threads = device == .cpu ? wanted : 1
        // As many equal parts as threads, or as many as the batch divides into.
        let parts = (1...max(1, min(threads, batchSize))).last { batchSize % $0 == 0 } ?? 1
        let configuration = try shape.configuration(dtype: dtype, batchSize: batchSize, parts: parts, seed: seed)
        try configuration.validate()
        // Any tokens will do: the text transformer computes all positions, whatever stands there.
        let model = try configuration.model(kept: Array(0..<shape.model.text.vocabulary - 1))
        let objective = try DiffusionObjective(
            configuration, model: model, weights: .initial(RandomGenerator(seed: seed)), device: device)
        trainer = try Trainer(configuration, objective: objective, workers: WorkerGroup(count: parts))
        parameterCount = trainer.parameters.reduce(0) { $0 + $1.value.count }
        self.batchSize = batchSize
        size = configuration.imageSize
        operations = 3 * Double(batchSize) * model.network.operations(height: size, width: size)
        let numbers = SeededGenerator(seed, 0x6265_6E63)
        var draws = numbers
        bytes = (0..<batchSize * 3 * size * size).map { _ in UInt8(truncatingIfNeeded: draws.next()) }
        captions = (0..<batchSize).map { _ in
            // Single letters, of which every vocabulary here has a token.
            (0..<1 + draws.below(shape.model.text.context)).map { _ in "a" }.joined(separator: " ")
        }
    }

    /// From bytes to new weights, the loss read back.
    /// - Returns: the loss.
    public func step() throws -> Double {
        let pixels = bytes.map { Float($0) / 127.5 - 1 }
        return try trainer.advance(
            with: Batch(step: trainer.step, pixels: pixels, captions: captions, keys: captions, size: size)
        ).loss
    }

    /// The configuration file's keys, which are the peer's.
    private struct Shape: Decodable {
        struct Model: Decodable {
            struct Text: Decodable {
                var vocabulary, context, width, layers, heads: Int
            }
            var image_size, in_channels, out_channels, channels, residual_blocks, head_width: Int
            var multipliers, attention_downsampling: [Int]
            var dropout: Double
            var text: Text
        }
        struct Diffusion: Decodable {
            var schedule: String
            var steps: Int
        }
        struct Training: Decodable {
            var batch_size: Int
            var learning_rate, epsilon, weight_decay, gradient_clip, ema, caption_dropout: Double
            var betas: [Double]
        }
        var model: Model
        var diffusion: Diffusion
        var training: Training

        init(path: String) throws {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw TrainingError.configuration(key: "", problem: "\(path) cannot be read; expected a YAML file")
            }
            do {
                self = try YAMLDecoder().decode(Shape.self, from: text)
            } catch let error as DecodingError {
                throw TrainingError.configuration(key: path, problem: error.summary)
            } catch {
                throw TrainingError.configuration(key: path, problem: "no YAML: \(error)")
            }
            guard diffusion.schedule == "squared_cosine" else {
                throw TrainingError.configuration(
                    key: "diffusion.schedule", problem: "\(diffusion.schedule) is not squared_cosine")
            }
            guard model.in_channels == 3, model.out_channels == 3, training.betas.count == 2 else {
                throw TrainingError.configuration(
                    key: "model", problem: "expected 3 channels in and out, and two betas")
            }
            guard (2...50_000).contains(model.text.vocabulary), (1...4096).contains(model.text.context),
                (1...1 << 20).contains(model.channels), (1...1024).contains(model.image_size),
                (1...65_536).contains(training.batch_size),
                (1...8).contains(model.multipliers.count), model.multipliers.allSatisfy((1...64).contains)
            else {
                throw TrainingError.configuration(key: "model", problem: "a size is out of range")
            }
        }

        func configuration(
            dtype: TrainingConfiguration.Precision, batchSize: Int, parts: Int, seed: UInt64
        ) throws -> TrainingConfiguration {
            var result = TrainingConfiguration.tiny
            result.name = "benchmark"
            result.imageSize = model.image_size
            result.network = TrainingConfiguration.NetworkShape(
                input: .text, modelChannels: model.channels,
                levels: model.multipliers.enumerated().map { index, multiplier in
                    .init(
                        channels: multiplier * model.channels, residualBlocks: model.residual_blocks,
                        attention: model.attention_downsampling.contains(1 << index))
                },
                headWidth: model.head_width, patchSize: 1, pixelChannels: 0, normGroups: 32, dropout: model.dropout,
                text: .init(
                    vocabulary: .gpt2, prune: true, context: model.text.context, width: model.text.width,
                    layers: model.text.layers, heads: model.text.heads))
            result.diffusion = DiffusionConfiguration(
                schedule: .squaredCosine, steps: diffusion.steps, prediction: .noise, variance: .fixedSmall)
            result.loss = TrainingConfiguration.LossShape(
                weighting: .uniform, limit: 5, variationalWeight: 0, times: .uniform)
            result.optimizer = AdamW.Options(
                beta1: training.betas[0], beta2: training.betas[1], epsilon: training.epsilon,
                weightDecay: training.weight_decay)
            result.rate = LearningRate(peak: training.learning_rate)
            result.gradientClip = training.gradient_clip
            result.emaDecay = training.ema
            result.captionDropout = training.caption_dropout
            result.steps = 1_000_000_000
            (result.batchSize, result.parts, result.workers) = (batchSize, parts, parts)
            (result.dtype, result.seed) = (dtype, seed)
            return result
        }
    }
}
