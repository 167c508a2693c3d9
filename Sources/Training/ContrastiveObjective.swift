package import Checkpoints
package import Datasets
internal import Diffusion
package import Images
package import Layers
package import Models
package import Tensors
internal import Tokenizers

/// Two towers that learn which caption belongs to which picture of a batch (Radford et al. 2021), of clean pictures or of
/// pictures at a random step of the noise (Nichol et al. 2022, §3.2).
package struct ContrastiveObjective: Objective {
    package let configuration: TrainingConfiguration
    package let model: CLIPConfiguration
    package let network: ContrastiveModel
    package let parameters: [(name: String, value: Tensor)]
    let device: Device
    private let schedule: NoiseSchedule?
    private let encoder: PromptEncoder

    package init(
        _ configuration: TrainingConfiguration, _ beginning: Beginning, data: any CaptionedPictures,
        device: Device = .cpu
    ) throws {
        switch beginning {
        case .drawn:
            let text = configuration.contrastive.text
            let kept = text.prune ? try CaptionVocabulary.tokens(of: data, vocabulary: text.vocabulary) : nil
            try self.init(
                configuration, model: configuration.clip(kept: kept),
                weights: .initial(RandomGenerator(seed: configuration.seed)), device: device)
        case .model(let path):
            let file = try CLIPFile(path)
            let model = try Self.model(file.configuration, configuration)
            let isNew = model.diffusion != nil && file.configuration.diffusion == nil
            try self.init(
                configuration, model: model,
                weights: .tensors(isNew ? Self.noised(file, model, seed: configuration.seed) : file.archive),
                device: device)
        case .checkpoint(let description, let weights):
            try self.init(
                configuration, model: Self.model(CLIPConfiguration(description, of: weights), configuration), weights: .tensors(weights), device: device)
        }
    }

    package init(
        _ configuration: TrainingConfiguration, model: CLIPConfiguration, weights: WeightStore.Source,
        device: Device = .cpu
    ) throws {
        self.configuration = configuration
        self.model = model
        self.device = device
        schedule = try model.diffusion?.noiseSchedule()
        encoder = try model.text.encoder()
        (network, parameters) = try trainable(weights, device: device) {
            try ContrastiveModel($0, configuration: model.network)
        }
    }

    /// The configuration's model with an older one's vocabulary.
    private static func model(
        _ older: CLIPConfiguration, _ configuration: TrainingConfiguration
    ) throws -> CLIPConfiguration {
        let model = try configuration.clip(kept: older.text.kept)
        guard model.text == older.text, older.diffusion == nil || model.diffusion == older.diffusion else {
            throw TrainingError.configuration(
                key: "contrastive", problem: "the model to begin with has another vocabulary or diffusion")
        }
        return model
    }

    /// The weights of a model of clean pictures, for one of noisy pictures: at first the step says nothing to it.
    private static func noised(
        _ file: CLIPFile, _ model: CLIPConfiguration, seed: UInt64
    ) throws -> JoinedSource {
        let drawn = WeightStore(.initial(try RandomGenerator(seed: seed)))
        _ = try ContrastiveModel(Weights(drawn), configuration: model.network)
        let time = try drawn.parameters.filter { file.archive[$0.name] == nil }.compactMap { parameter in
            if parameter.name.contains(".time_embed.") { return parameter }
            guard parameter.name.contains(".emb_layers.") else { return nil }
            return (name: parameter.name, value: try Tensor.zeros(parameter.value.shape))
        }
        return JoinedSource([file.archive, TensorDictionary(time, name: file.path)])
    }

    package var vocabularyCount: Int { model.network.text.vocabulary }

    package func description() throws -> String { try model.json() }

    package func write(_ averages: [(name: String, value: Tensor)], to path: String) throws {
        try CLIPFile.write(averages, configuration: model, to: path)
    }

    package func samples(
        _ averages: [(name: String, value: Tensor)], workers: WorkerGroup
    ) throws -> [(picture: Picture, caption: String)] { [] }

    // MARK: A step

    package func gradients(of batch: Batch, step: Int, workers: WorkerGroup) throws -> Computed {
        let (parts, times) = try parts(of: batch, StepSeeds(configuration.seed, step: step))
        let cache = EmbeddingCache(workers: workers, recomputes: configuration.contrastive.recomputes)
        let (shares, loss) = try cache.gradients(parts: parts.count, of: parameters.map(\.value)) { index in
            try embed(parts[index])
        } loss: { embeddings in
            func whole(_ index: Int) throws -> Tensor? {
                guard embeddings[0].count > index else { return nil }
                return try .concatenate(embeddings.map { $0[index] })
            }
            let loss = try ContrastiveLoss(
                pictures: .concatenate(embeddings.map { $0[0] }), texts: .concatenate(embeddings.map { $0[1] }),
                wrong: whole(2), scale: network.logitScale())
            // The trainer takes the mean of all shares, of which there is one more than parts.
            return (try loss.total * Double(parts.count + 1), loss)
        }
        let last = Double(max(1, (model.diffusion?.steps ?? 1) - 1))
        let losses = try loss.perExample.detach().doubles()
        return Computed(
            parts: shares, examples: zip(losses, times).map { (loss: $0, time: $1 / last) },
            measures: [
                "right caption first": loss.accuracy,
                "logit scale": try withoutGradients { try network.logitScale().item() },
            ])
    }

    private struct Part {
        let pictures: Tensor
        let timesteps: Tensor?
        /// Of the captions, then of the wrong ones, where there are any.
        let texts: [(tokens: Tensor, mask: Tensor)]
    }

    /// The part's pictures, captions and wrong captions.
    private func embed(_ part: Part) throws -> [Tensor] {
        try withAutocast(configuration.dtype, device: device) {
            try [network.embeddings(ofPictures: part.pictures, timesteps: part.timesteps)]
                + part.texts.map { try network.embeddings(ofTokens: $0.tokens, mask: $0.mask) }
        }
    }

    /// The batch cut into parts, with the noise of this step, and each picture's step.
    private func parts(of batch: Batch, _ seeds: StepSeeds) throws -> ([Part], times: [Double]) {
        let (size, count) = (batch.size, batch.count)
        var pictures = try Tensor(batch.pixels, shape: [count, 3, size, size])
        var times = [Double](repeating: 0, count: count)
        var timesteps: Tensor?
        if let schedule {
            let generator = try RandomGenerator(seed: seeds[0])
            let noise = try Tensor.randn([count, 3, size, size], generator: generator)
            // Whole steps, one from each part of the process.
            times = try TimeDraw.stratified.times(count, of: schedule, generator: generator).map { $0.rounded() }
            let noised = try schedule.noised(pictures, at: times, noise: noise)
            (pictures, timesteps) = (noised.xt, try noised.timesteps())
        }
        let each = count / configuration.parts
        let wrong = batch.wrongCaptions.first?.count ?? 0
        return (
            try (0..<configuration.parts).map { index in
                let rows = index * each..<(index + 1) * each
                var texts = [try encoder.tensors(of: batch.captions[rows], device: device)]
                if wrong > 0 {
                    texts.append(try encoder.tensors(of: batch.wrongCaptions[rows].joined(), device: device))
                }
                return Part(
                    pictures: try pictures.rows(rows).to(device: device),
                    timesteps: try timesteps?.rows(rows).to(device: device), texts: texts)
            }, times
        )
    }
}
