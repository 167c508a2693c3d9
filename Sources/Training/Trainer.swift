package import Checkpoints
package import Datasets
internal import Diffusion
package import Layers
package import Models
package import Tensors
internal import Tokenizers

/// A network in training: its weights, their averages and moments, and how one step changes them.
///
/// What step k does is a pure function of the configuration, k, the state before and k's batch: all random numbers come
/// from generators seeded by (seed, k). So a run that resumes computes, on the CPU, the same bits as one that was never
/// interrupted.
package final class Trainer {
    package let configuration: TrainingConfiguration
    package let model: ModelConfiguration
    package let network: GLIDE
    package let parameters: [(name: String, value: Tensor)]
    package let device: Device
    /// Steps done.
    package private(set) var step = 0
    package let workers: WorkerGroup
    private let shards: [Shard]
    private let schedule: NoiseSchedule
    private let loss: DiffusionLoss
    private let encoder: PromptEncoder

    /// Parameters that one worker averages, updates and follows; there are as many as a batch has parts, so that sums
    /// are taken in the same order whatever the number of threads.
    private struct Shard {
        let range: Range<Int>
        let parameters: [(name: String, value: Tensor)]
        let optimizer: AdamW
        let averages: EMA
    }

    /// - Parameter weights: where the network begins: drawn, or a file's.
    package init(
        _ configuration: TrainingConfiguration, model: ModelConfiguration, weights: WeightStore.Source,
        device: Device = .cpu, workers: WorkerGroup
    ) throws {
        self.configuration = configuration
        self.model = model
        self.device = device
        self.workers = workers
        schedule = try model.diffusion.noiseSchedule()
        loss = configuration.lossFunction
        encoder = try model.text.encoder()
        var store = WeightStore(weights, device: device)
        var built = try GLIDE(Weights(store), configuration: model.network)
        try store.finish()
        if case .tensors = weights {
            // A file's tensors lie in its mapped memory, which cannot be written to.
            let copies = try store.parameters.map { (name: $0.name, value: try $0.value.clone()) }
            store = WeightStore(.tensors(TensorDictionary(copies)), device: device)
            built = try GLIDE(Weights(store), configuration: model.network)
        }
        network = built
        parameters = store.parameters
        for parameter in parameters { try parameter.value.setRequiresGrad(true) }
        let all = parameters
        shards = try Self.ranges(of: all.map(\.value.count), count: configuration.parts).map { range in
            let own = Array(all[range])
            return Shard(
                range: range, parameters: own, optimizer: try AdamW(own, options: configuration.optimizer),
                averages: try EMA(own, decay: configuration.emaDecay))
        }
    }

    /// Cuts a list into consecutive ranges of about equal sums.
    private static func ranges(of sizes: [Int], count: Int) -> [Range<Int>] {
        let total = sizes.reduce(0, +)
        var ranges: [Range<Int>] = []
        var (start, sum) = (0, 0)
        for (index, size) in sizes.enumerated() {
            sum += size
            if sum * count >= total * (ranges.count + 1), ranges.count + 1 < count {
                ranges.append(start..<index + 1)
                start = index + 1
            }
        }
        ranges.append(start..<sizes.count)
        return ranges
    }

    /// What a step found.
    package struct Report {
        package let loss: Double
        package let rate: Double
        package let gradientNorm: Double
        /// Each example's loss, and where in the process it was, 0 to 1.
        package let examples: [(loss: Double, time: Double)]
        /// Whether the weights changed; not where a number was none.
        package let isApplied: Bool
    }

    // MARK: A step

    package func advance(with batch: Batch) throws -> Report {
        let computed = try gradients(of: batch)
        let report = try apply(computed)
        step += 1
        return report
    }

    /// Gradients of each part, and the losses.
    package struct Computed {
        let parts: [[Tensor?]]
        package let examples: [(loss: Double, time: Double)]

        package var loss: Double { examples.reduce(0) { $0 + $1.loss } / Double(max(1, examples.count)) }

        /// One gradient a parameter, of the whole batch's mean loss.
        package func averaged() throws -> [Tensor?] {
            try (parts.first ?? []).indices.map { index in
                try Computed.sum(parts, index).map { try $0 * (1 / Double(parts.count)) }
            }
        }

        /// The parts' gradients of one parameter, added in order; a tensor of its own.
        static func sum(_ parts: [[Tensor?]], _ index: Int) throws -> Tensor? {
            let present = parts.compactMap { $0[index] }
            guard let first = present.first else { return nil }
            if present.count == 1 { return try first.clone() }
            let sum = try first + present[1]
            for other in present.dropFirst(2) { try sum.addInPlace(other) }
            return sum
        }
    }

    /// A batch with everything drawn that its step draws.
    private struct Part {
        let x0: Tensor
        let noise: Tensor
        let times: [Double]
        let tokens: Tensor
        let mask: Tensor
        let dropoutSeed: UInt64
    }

    package func gradients(of batch: Batch) throws -> Computed {
        let parts = try parts(of: batch)
        let values = parameters.map(\.value)
        let results = try workers.run(parts.count) { index in
            let part = parts[index]
            let terms = try lossTerms(part)
            let gradients = try terms.total.gradients(of: values)
            return (gradients, try terms.perExample.detach().doubles())
        }
        let last = Double(max(1, model.diffusion.steps - 1))
        let examples = zip(parts, results).flatMap { part, result in
            zip(result.1, part.times).map { (loss: $0, time: $1 / last) }
        }
        return Computed(parts: results.map(\.0), examples: examples)
    }

    private func lossTerms(_ part: Part) throws -> DiffusionLoss.Terms {
        let noised = try schedule.noised(part.x0, at: part.times, noise: part.noise)
        let dropout = model.network.unet.dropout > 0 ? try RandomGenerator(seed: part.dropoutSeed, device: device) : nil
        let output = try withAutocast(configuration.dtype, device: device) {
            let text = try network.text(tokens: part.tokens, mask: part.mask)
            return try network(noised.xt, timesteps: noised.timesteps(), text: text, dropout: dropout)
        }
        return try loss(output, noised)
    }

    /// The batch cut into parts, with noise, times and dropped captions of this step.
    private func parts(of batch: Batch) throws -> [Part] {
        let (size, count) = (batch.size, batch.count)
        let generator = try RandomGenerator(seed: seed(0))
        let noise = try Tensor.randn([count, 3, size, size], generator: generator)
        let times = try configuration.loss.times.times(count, of: schedule, generator: generator)
        let dropped = try Tensor.rand([count], dtype: .float64, generator: generator).doubles()
            .map { $0 < configuration.captionDropout }
        let prompts = zip(batch.captions, dropped).map { encoder.padded($1 ? "" : $0) }
        let each = count / configuration.parts
        let area = 3 * size * size
        return try (0..<configuration.parts).map { index in
            let rows = index * each..<(index + 1) * each
            let pixels = Array(batch.pixels[rows.lowerBound * area..<rows.upperBound * area])
            let shape = [each, encoder.context]
            return Part(
                x0: try Tensor(pixels, shape: [each, 3, size, size]).to(device: device),
                noise: try noise.narrow(0, start: rows.lowerBound, length: each).to(device: device),
                times: Array(times[rows]),
                tokens: try Tensor(prompts[rows].flatMap(\.ids), shape: shape).to(device: device),
                mask: try Tensor(prompts[rows].flatMap(\.mask), shape: shape).to(device: device),
                dropoutSeed: seed(UInt64(index) + 1))
        }
    }

    /// A seed for one purpose in this step.
    private func seed(_ purpose: UInt64) -> UInt64 {
        var draws = SeededGenerator(configuration.seed, UInt64(step), purpose)
        return draws.next()
    }

    private func apply(_ computed: Computed) throws -> Report {
        let rate = configuration.rate.at(step, of: configuration.steps)
        let parts = computed.parts
        let squares = try workers.run(shards.count) { index in
            try withoutGradients {
                let shard = shards[index]
                var gradients: [Tensor] = []
                for (place, parameter) in zip(shard.range, shard.parameters) {
                    guard let gradient = try Computed.sum(parts, place) else { continue }
                    try parameter.value.setGradient(gradient)
                    gradients.append(gradient)
                }
                let norm = gradients.isEmpty ? 0 : try TensorLists.totalNorm(gradients).item()
                return norm * norm
            }
        }
        let share = 1 / Double(parts.count)
        let norm = squares.reduce(0, +).squareRoot() * share
        let isApplied = norm.isFinite && computed.loss.isFinite
        let clip = configuration.gradientClip
        let factor = clip > 0 && norm > clip ? share * clip / (norm + 1e-6) : share
        _ = try workers.run(shards.count) { index in
            let shard = shards[index]
            if isApplied {
                let gradients = shard.parameters.compactMap(\.value.gradient)
                if factor != 1, !gradients.isEmpty {
                    try withoutGradients { try TensorLists.multiply(gradients, by: factor) }
                }
                try shard.optimizer.step(rate: rate)
                try shard.averages.update(step: step)
            }
            shard.optimizer.clearGradients()
        }
        return Report(
            loss: computed.loss, rate: rate, gradientNorm: norm, examples: computed.examples, isApplied: isApplied)
    }

    // MARK: State

    /// The averaged weights: the tensors themselves, not copies.
    package var averages: [(name: String, value: Tensor)] { shards.flatMap(\.averages.averages) }

    /// Everything that a later step depends on, by name: the tensors themselves, not copies.
    package var state: [(name: String, value: Tensor)] {
        parameters.map { ("weights." + $0.name, $0.value) } + averages.map { ("averages." + $0.name, $0.value) }
            + shards.flatMap { $0.optimizer.state() }.map { ("optimizer." + $0.name, $0.value) }
    }

    /// Goes on from a state as `state` gave it after `step` steps.
    package func restore(_ source: any TensorSource, step: Int) throws {
        try copy(from: source, into: state)
        self.step = step
    }

    /// The network with the averaged weights; it follows them.
    package func averagedNetwork() throws -> GLIDE {
        let store = WeightStore(.tensors(TensorDictionary(averages, name: "averages")), device: device)
        let network = try GLIDE(Weights(store), configuration: model.network)
        try store.finish()
        return network
    }
}
