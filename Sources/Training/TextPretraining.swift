internal import Checkpoints
package import Datasets
internal import Foundation
internal import Layers
internal import Models
package import Tensors
internal import Tokenizers

/// Teaches a text transformer to tell captions apart before the diffusion begins: contrastively, with a small picture
/// tower that is thrown away (Radford et al. 2021, figure 3).
///
/// A network that starts with a text tower that knows its subjects and places follows its captions after a fraction of
/// the samples.
package struct TextPretraining {
    private let shape: TrainingConfiguration.TextPretrainingShape
    private let configuration: TrainingConfiguration
    private let learner: Learner
    private let device: Device

    /// The transformer that is taught.
    package struct Learner {
        let parameters: [(name: String, value: Tensor)]
        let width: Int
        /// What it says of captions, [N, L, width].
        let states: ([String]) throws -> Tensor
    }

    package init(_ configuration: TrainingConfiguration, learner: Learner, device: Device) {
        shape = configuration.textPretraining
        self.configuration = configuration
        self.learner = learner
        self.device = device
    }

    package init(shape: TrainingConfiguration.TextPretrainingShape, objective: DiffusionObjective) throws {
        let encoder = try objective.model.text.encoder()
        let (network, device) = (objective.network, objective.device)
        self.shape = shape
        configuration = objective.configuration
        self.device = device
        learner = Learner(
            parameters: objective.parameters.filter { Self.isText($0.name) }, width: objective.model.network.text.width
        ) { captions in
            let (tokens, mask) = try encoder.tensors(of: captions, device: device)
            return try network.text(tokens: tokens, mask: mask).states
        }
    }

    /// Teaches, and says from time to time how far it is.
    package func run(
        on data: any CaptionedPictures, isStopped: () -> Bool, _ tell: (String) -> Void
    ) throws {
        guard shape.steps > 0 else { return }
        let loader = try BatchLoader(
            data, preparation: configuration.preparation, batchSize: shape.batchSize, seed: configuration.seed &+ 1,
            tolerance: configuration.data.tolerance, together: configuration.data.together)
        Engine.threads = ProcessInfo.processInfo.activeProcessorCount
        defer { Engine.threads = 1 }
        try run(loader, isStopped: isStopped) { step, loss, accuracy in
            if step % configuration.intervals.log == 0 || step == shape.steps {
                let share = (accuracy * 1000).rounded() / 10
                tell("text, step \(step) of \(shape.steps): loss \((loss * 1000).rounded() / 1000), right caption first of \(shape.batchSize) in \(share) %")
            }
        }
    }

    /// The width of the space in which captions and pictures meet.
    static let width = 256

    /// Trains the transformer in place; the rest of the network stays as it is.
    ///
    /// - Parameter tell: gets each step's loss, and how often the right caption of its batch was the likeliest.
    package func run(
        _ loader: BatchLoader, isStopped: () -> Bool, _ tell: (_ step: Int, _ loss: Double, _ accuracy: Double) -> Void
    ) throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: configuration.seed &+ 1)), device: device)
        let tower = try PictureTower(Weights(store) / "picture", out: Self.width)
        let head = try Linear(
            Weights(store) / "text", in: learner.width, out: Self.width, bias: false)
        let logScale = try Weights(store).normParameter(
            ContrastiveModel.scaleName, [], initial: .constant(log(ContrastiveModel.firstScale)))
        for parameter in store.parameters { try parameter.value.setRequiresGrad(true) }

        let text = learner.parameters
        let optimizer = try AdamW(text + store.parameters, options: configuration.optimizer) { $0.rank > 1 }
        let rate = LearningRate(peak: shape.rate, warmup: min(50, shape.steps / 10), decay: .cosine, floor: 0.05)
        let batches = loader.stream(from: 0, threads: 1, ahead: 4)
        defer { batches.cancel() }
        for step in 0..<shape.steps where !isStopped() {
            let batch = try batches.next()
            let pixels = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size]).to(device: device)

            let logits = try withAutocast(configuration.dtype.on(device), device: device) {
                let captions = try unit(head(learner.states(batch.captions).mean([1])))  // [N, width]
                let pictures = try unit(tower(pixels))
                return (captions, pictures)
            }
            let similarity = try logits.0.to(.float32).matmul(logits.1.to(.float32).transpose(0, 1))
            let scaled = try similarity * logScale.exp()
            let own = try Tensor.arange(0, Double(batch.count), device: device)
            let loss = try (scaled.crossEntropy(own) + scaled.transpose(0, 1).crossEntropy(own)) * 0.5
            try loss.backward()
            try clipGradients(of: text + store.parameters, maximum: 1)
            try optimizer.step(rate: rate.at(step, of: shape.steps))
            try ContrastiveModel.boundScale(of: store.parameters)
            optimizer.clearGradients()
            let hits = try scaled.transpose(0, 1).argmax(dim: 1).compare(.equal, own).to(.float32).mean().item()
            tell(step + 1, try loss.item(), hits)
        }
    }

    /// GLIDE's names of what belongs to the text transformer; its projection into the time embedding does not.
    package static func isText(_ name: String) -> Bool {
        ["token_embedding.", "positional_embedding", "padding_embedding", "transformer.", "final_ln."]
            .contains { name.hasPrefix($0) }
    }

    private func unit(_ x: Tensor) throws -> Tensor {
        let x = try x.to(.float32)
        return try x / x.norm([1], keepDims: true).clamp(min: 1e-6)
    }
}

/// A small convolutional network: four times halved, then one vector.
private struct PictureTower {
    private let convolutions: [(Convolution2D, GroupNorm)]
    private let output: Linear
    /// Each picture is brought to this grid before the last layer.
    private static let grid = 4

    init(_ weights: Weights, out: Int) throws {
        let widths = [3, 32, 64, 128, 256]
        convolutions = try (0..<4).map { index in
            (
                try Convolution2D(weights / index / "conv", in: widths[index], out: widths[index + 1], stride: 2),
                try GroupNorm(weights / index / "norm", channels: widths[index + 1], groups: 8)
            )
        }
        output = try Linear(weights / "out", in: widths[4] * Self.grid * Self.grid, out: out)
    }

    /// [N, 3, H, W] → [N, out].
    func callAsFunction(_ pictures: Tensor) throws -> Tensor {
        var x = try pictures.channelsLast()
        for (convolution, norm) in convolutions { x = try norm(convolution(x)).silu() }
        if x.shape[2] != Self.grid || x.shape[3] != Self.grid {
            // libtorch has no such resampling of bfloat16.
            x = try x.to(.float32).resize(height: Self.grid, width: Self.grid, .bilinear, antialias: true)
        }
        return try output(x.reshape([x.shape[0], -1]))
    }
}
