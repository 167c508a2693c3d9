package import Checkpoints
package import Datasets
internal import Diffusion
package import Layers
package import Models
package import Tensors

/// A text-to-picture network that learns to name the noise (Ho et al. 2020, algorithm 1; Nichol et al. 2022).
package struct DiffusionObjective: Objective {
    package let configuration: TrainingConfiguration
    package let model: ModelConfiguration
    package let network: GLIDE
    package let parameters: [(name: String, value: Tensor)]
    let device: Device
    private let schedule: NoiseSchedule
    private let loss: DiffusionLoss
    private let encoder: PromptEncoder
    private let conditioning: Conditioning
    /// Pictures to show beside what a network that sees pictures makes of them.
    let data: (any CaptionedPictures)?

    package init(
        _ configuration: TrainingConfiguration, _ beginning: Beginning, data: any CaptionedPictures,
        device: Device = .cpu
    ) throws {
        switch beginning {
        case .drawn:
            let text = configuration.network.text
            let kept = text.prune ? try CaptionVocabulary.tokens(of: data, vocabulary: text.vocabulary) : nil
            try self.init(
                configuration, model: configuration.model(kept: kept),
                weights: .initial(RandomGenerator(seed: configuration.seed)), data: data, device: device)
        case .model(let path):
            let file = try ModelFile(path)
            let model = try Self.model(file.configuration, configuration)
            try self.init(
                configuration, model: model,
                weights: .tensors(Self.weights(of: file, for: model, seed: configuration.seed)), data: data,
                device: device)
        case .checkpoint(let description, let weights):
            try self.init(
                configuration, model: Self.model(ModelConfiguration(description, of: weights), configuration), weights: .tensors(weights), data: data,
                device: device)
        }
    }

    package init(
        _ configuration: TrainingConfiguration, model: ModelConfiguration, weights: WeightStore.Source,
        data: (any CaptionedPictures)? = nil, device: Device = .cpu
    ) throws {
        self.configuration = configuration
        self.model = model
        self.device = device
        schedule = try model.diffusion.noiseSchedule()
        loss = configuration.lossFunction
        encoder = try model.text.encoder()
        conditioning = try Conditioning(configuration, input: model.network.input)
        self.data = data
        (network, parameters) = try trainable(weights, device: device) {
            try GLIDE($0, configuration: model.network)
        }
    }

    /// An older model's weights for a network that may see more, or join its unfolded blocks.
    private static func weights(
        of file: ModelFile, for model: ModelConfiguration, seed: UInt64
    ) throws -> any TensorSource {
        let (older, newer) = (file.configuration.network, model.network)
        let wide: any TensorSource =
            WidenedSource(file.archive, from: older.input, to: newer.input, patchSize: newer.unet.patchSize)
            ?? file.archive
        guard older.unet.pixelChannels == nil, newer.unet.pixelChannels != nil else { return wide }
        let store = WeightStore(.initial(try RandomGenerator(seed: seed)))
        _ = try GLIDE(Weights(store), configuration: newer)
        return GrownSource(wide, by: store.parameters, in: ["pixels."]) ?? wide
    }

    /// The configuration's model with an older one's vocabulary.
    private static func model(
        _ older: ModelConfiguration, _ configuration: TrainingConfiguration
    ) throws -> ModelConfiguration {
        let model = try configuration.model(kept: older.text.kept)
        guard model.text == older.text, model.diffusion == older.diffusion else {
            throw TrainingError.configuration(
                key: "network", problem: "the model to begin with has another vocabulary or diffusion")
        }
        guard model.network.residual == older.network.residual else {
            throw TrainingError.configuration(
                key: "network.residual",
                problem: "the model to begin with predicts \(older.network.residual == true ? "residuals" : "whole pictures")")
        }
        return model
    }

    package var vocabularyCount: Int { model.network.text.vocabulary }

    package func description() throws -> String { try model.json() }

    package func write(_ averages: [(name: String, value: Tensor)], to path: String) throws {
        try ModelFile.write(averages, configuration: model, to: path)
    }

    package func prepare(_ data: any CaptionedPictures, isStopped: () -> Bool, _ tell: (String) -> Void) throws {
        try TextPretraining(shape: configuration.textPretraining, objective: self).run(
            on: data, isStopped: isStopped, tell)
    }

    // MARK: A step

    package func gradients(of batch: Batch, step: Int, workers: WorkerGroup) throws -> Computed {
        let parts = try parts(of: batch, StepSeeds(configuration.seed, step: step))
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

    /// A part of a batch with everything drawn that its step draws.
    private struct Part {
        let x0: Tensor
        let conditions: GLIDE.Conditions
        let noise: Tensor
        let times: [Double]
        let tokens: Tensor
        let mask: Tensor
        let emphasis: Tensor?
        let dropoutSeed: UInt64
    }

    private func lossTerms(_ part: Part) throws -> DiffusionLoss.Terms {
        let noised = try schedule.noised(part.x0, at: part.times, noise: part.noise)
        let dropout = model.network.unet.dropout > 0 ? try RandomGenerator(seed: part.dropoutSeed, device: device) : nil
        let output = try withAutocast(configuration.dtype.on(device), device: device) {
            let text = try network.text(tokens: part.tokens, mask: part.mask)
            return try network(noised.xt, timesteps: noised.timesteps(), text: text, conditions: part.conditions,
                dropout: dropout)
        }
        return try loss(output, noised, emphasis: part.emphasis)
    }

    /// The batch cut into parts, with noise, times and dropped captions of this step.
    private func parts(of batch: Batch, _ seeds: StepSeeds) throws -> [Part] {
        let pixels = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size])
        let conditioned = try conditioning(pixels, seed: seeds[1 << 32])
        let cuts = configuration.conditioning.cuts
        let captions = batch.captions.flatMap { Array(repeating: $0, count: cuts) }
        let count = captions.count
        let generator = try RandomGenerator(seed: seeds[0])
        let noise = try Tensor.randn(conditioned.x0.shape, generator: generator)
        let times = try configuration.loss.times.times(count, of: schedule, generator: generator)
        let dropped = try Tensor.rand([count], dtype: .float64, generator: generator).doubles()
            .map { $0 < configuration.captionDropout }
        let prompts = zip(captions, dropped).map { $1 ? "" : $0 }
        let emphasis = try SubjectEmphasis(share: configuration.loss.subjectShare)?.map(of: batch.regions, side: batch.size)
        let each = count / configuration.parts
        return try (0..<configuration.parts).map { index in
            let rows = index * each..<(index + 1) * each
            let (tokens, mask) = try encoder.tensors(of: prompts[rows], device: device)
            let own = try conditioned.rows(rows, device: device)
            return Part(
                x0: own.x0, conditions: own.conditions,
                noise: try noise.rows(rows).to(device: device),
                times: Array(times[rows]), tokens: tokens, mask: mask,
                emphasis: try emphasis?.rows(rows).to(device: device), dropoutSeed: seeds[UInt64(index) + 1])
        }
    }
}
