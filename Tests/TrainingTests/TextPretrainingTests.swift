import Tensors
import Testing
import Training

/// Contrastive training of the text transformer before the diffusion.
@Suite struct TextPretrainingTests {
    @Test func captionsAreToldApart() throws {
        var configuration = small()
        configuration.textPretraining = .init(steps: 150, batchSize: 4, rate: 3e-3)
        let trainer = try trainer(configuration)
        let before = try snapshot(trainer)
        var losses: [Double] = []
        let objective = try #require(trainer.objective as? DiffusionObjective)
        try TextPretraining(shape: configuration.textPretraining, objective: objective).run(
            batches(configuration), isStopped: { false }
        ) { _, loss, _ in losses.append(loss) }
        #expect(losses.count == 150)
        let (first, last) = (losses.prefix(10).reduce(0, +) / 10, losses.suffix(10).reduce(0, +) / 10)
        #expect(last < first * 0.5, "\(first) → \(last)")

        // Only the text transformer has learned.
        for (name, value) in try snapshot(trainer) where !TextPretraining.isText(name) {
            #expect(value == before[name], "\(name) changed")
        }
        #expect(try snapshot(trainer)["final_ln.weight"] != before["final_ln.weight"])
    }

    private func snapshot(_ trainer: Trainer) throws -> [String: [Float]] {
        try Dictionary(uniqueKeysWithValues: trainer.parameters.map { ($0.name, try $0.value.floats()) })
    }
}
