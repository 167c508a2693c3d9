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
    private let words: WordPrediction?
    /// Of the names of what is trained beside the model.
    private static let wordsPrefix = "words."

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
            try self.init(configuration, model: model, weights: .tensors(Self.begun(file, configuration, model)), device: device)
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
        let networks: (ContrastiveModel, WordPrediction?)
        (networks, parameters) = try trainable(weights, device: device) { try Self.networks($0, configuration, model) }
        (network, words) = networks
    }

    private static func networks(
        _ weights: Weights, _ configuration: TrainingConfiguration, _ model: CLIPConfiguration
    ) throws -> (ContrastiveModel, WordPrediction?) {
        let network = try ContrastiveModel(weights, configuration: model.network)
        guard configuration.contrastive.words > 0 else { return (network, nil) }
        return (
            network,
            try WordPrediction(
                weights / "words", embedding: model.network.embedding, vocabulary: model.network.text.vocabulary)
        )
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

    /// A file's weights, with what is trained beside them drawn anew. To a model of clean pictures that goes on with noisy
    /// ones the step says nothing at first.
    private static func begun(
        _ file: CLIPFile, _ configuration: TrainingConfiguration, _ model: CLIPConfiguration
    ) throws -> JoinedSource {
        let isNew = model.diffusion != nil && file.configuration.diffusion == nil
        guard isNew || configuration.contrastive.words > 0 else { return JoinedSource([file.archive]) }
        let drawn = WeightStore(.initial(try RandomGenerator(seed: configuration.seed)))
        _ = try networks(Weights(drawn), configuration, model)
        let added = try drawn.parameters.filter { file.archive[$0.name] == nil }.compactMap { parameter in
            if parameter.name.hasPrefix(wordsPrefix) { return parameter }
            if isNew, parameter.name.contains(".time_embed.") { return parameter }
            guard isNew, parameter.name.contains(".emb_layers.") else { return nil }
            return (name: parameter.name, value: try Tensor.zeros(parameter.value.shape))
        }
        return JoinedSource([file.archive, TensorDictionary(added, name: file.path)])
    }

    package var vocabularyCount: Int { model.network.text.vocabulary }

    package func description() throws -> String { try model.json() }

    /// As CLIP's, gains, biases and the logit's scale do not (Radford et al. 2021, §2.5).
    package func decays(_ parameter: Tensor) -> Bool { parameter.rank > 1 }

    package func bound(_ parameters: [(name: String, value: Tensor)]) throws {
        try ContrastiveModel.boundScale(of: parameters)
    }

    package func write(_ averages: [(name: String, value: Tensor)], to path: String) throws {
        try CLIPFile.write(averages.filter { !$0.name.hasPrefix(Self.wordsPrefix) }, configuration: model, to: path)
    }

    package func samples(
        _ averages: [(name: String, value: Tensor)], workers: WorkerGroup
    ) throws -> [(picture: Picture, caption: String)] { [] }

    // MARK: A step

    package func gradients(of batch: Batch, step: Int, workers: WorkerGroup) throws -> Computed {
        let captions = batch.captions.map(encoder.padded)
        let (parts, times) = try parts(of: batch, captions, StepSeeds(configuration.seed, step: step))
        let targets = try words.map { _ in try wordTargets(captions) }
        let cache = EmbeddingCache(workers: workers, recomputes: configuration.contrastive.recomputes)
        let (shares, found) = try cache.gradients(parts: parts.count, of: parameters.map(\.value)) { index in
            try embed(parts[index])
        } loss: { embeddings in
            func whole(_ index: Int) throws -> Tensor { try .concatenate(embeddings.map { $0[index] }) }
            let texts = parts[0].texts.count
            let loss = try ContrastiveLoss(
                pictures: whole(0), texts: whole(1), wrong: texts > 1 ? whole(2) : nil, scale: network.logitScale())
            let words = try targets.map { try WordLoss.mean(of: whole(1 + texts), $0) }
            let total = try words.map { try loss.total + $0 * configuration.contrastive.words } ?? loss.total
            // The trainer takes the mean of all shares, of which there is one more than parts.
            return (try total * Double(parts.count + 1), (loss, try words?.detach().item()))
        }
        let (loss, wordLoss) = found
        var measures = [
            "right caption first": loss.accuracy,
            "logit scale": try withoutGradients { try network.logitScale().item() },
        ]
        measures["word loss"] = wordLoss
        let last = Double(max(1, (model.diffusion?.steps ?? 1) - 1))
        let losses = try loss.perExample.detach().doubles()
        return Computed(
            parts: shares, examples: zip(losses, times).map { (loss: $0, time: $1 / last) },
            measures: measures)
    }

    /// [N, vocabulary].
    private func wordTargets(_ captions: [PaddedTokens]) throws -> Tensor {
        let words = captions.map { caption in zip(caption.ids, caption.mask).compactMap { $1 ? $0 : nil } }
        return try WordLoss.targets(words, vocabulary: model.network.text.vocabulary).to(device: device)
    }

    private struct Part {
        let pictures: Tensor
        let timesteps: Tensor?
        /// Of the captions, then of the wrong ones, where there are any.
        let texts: [(tokens: Tensor, mask: Tensor)]
    }

    /// The part's pictures, captions and wrong captions, and the words that the pictures predict.
    private func embed(_ part: Part) throws -> [Tensor] {
        try withAutocast(configuration.dtype.on(device), device: device) {
            let pictures = try network.embeddings(ofPictures: part.pictures, timesteps: part.timesteps)
            return try [pictures]
                + part.texts.map { try network.embeddings(ofTokens: $0.tokens, mask: $0.mask) }
                + (words.map { [try $0(pictures)] } ?? [])
        }
    }

    /// The batch cut into parts, with the noise of this step, and each picture's step.
    ///
    /// - Parameter captions: the batch's, as tokens.
    private func parts(
        of batch: Batch, _ captions: [PaddedTokens], _ seeds: StepSeeds
    ) throws -> ([Part], times: [Double]) {
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
                var texts = [try encoder.tensors(ofPadded: captions[rows], device: device)]
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
