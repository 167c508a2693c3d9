package import Datasets
internal import Diffusion
package import Layers
package import Tensors

/// An objective in training: its weights, their averages and moments, and how one step changes them.
package final class Trainer {
    package let configuration: TrainingConfiguration
    package let objective: any Objective
    package let parameters: [(name: String, value: Tensor)]
    /// Steps done.
    package private(set) var step = 0
    package let workers: WorkerGroup
    private let shards: [Shard]

    /// Parameters that one worker averages, updates and follows; there are as many as a batch has parts, so that sums
    /// are taken in the same order whatever the number of threads.
    private struct Shard {
        let range: Range<Int>
        let parameters: [(name: String, value: Tensor)]
        let optimizer: AdamW
        let averages: EMA
    }

    package init(_ configuration: TrainingConfiguration, objective: any Objective, workers: WorkerGroup) throws {
        self.configuration = configuration
        self.objective = objective
        self.workers = workers
        let all = objective.parameters
        parameters = all
        shards = try Self.ranges(of: all.map(\.value.count), count: configuration.parts).map { range in
            let own = Array(all[range])
            return Shard(
                range: range, parameters: own,
                optimizer: try AdamW(own, options: configuration.optimizer, decays: objective.decays),
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
        package let measures: [String: Double]
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

    package func gradients(of batch: Batch) throws -> Computed {
        try objective.gradients(of: batch, step: step, workers: workers)
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
                try objective.bound(shard.parameters)
                try shard.averages.update(step: step)
            }
            shard.optimizer.clearGradients()
        }
        return Report(
            loss: computed.loss, rate: rate, gradientNorm: norm, examples: computed.examples,
            measures: computed.measures, isApplied: isApplied)
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
}
