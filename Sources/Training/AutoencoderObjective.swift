internal import Checkpoints
package import Datasets
internal import Foundation
package import Images
package import Layers
package import Models
package import Tensors

/// An autoencoder that learns to make pictures of few numbers again (Rombach et al. 2022, §3.1), with a discriminator
/// beside it where the configuration asks for one.
///
/// Parameters are `autoencoder.…` and `discriminator.…`; a step takes both networks' gradients from the weights before it.
package struct AutoencoderObjective: Objective {
    package let configuration: TrainingConfiguration
    package let model: AutoencoderConfiguration
    package let step: AutoencoderStep
    package let parameters: [(name: String, value: Tensor)]
    let device: Device
    private let data: any CaptionedPictures
    /// How many of the parameters are the autoencoder's; the discriminator's follow.
    private let own: Int

    private static let prefix = "autoencoder."

    package init(
        _ configuration: TrainingConfiguration, _ beginning: Beginning, data: any CaptionedPictures,
        device: Device = .cpu
    ) throws {
        let model = configuration.autoencoderNetwork
        let weights: WeightStore.Source
        switch beginning {
        case .drawn: weights = .initial(try RandomGenerator(seed: configuration.seed))
        case .model(let path): weights = .tensors(try Self.begun(path, configuration, model))
        case .checkpoint(let description, let tensors):
            let older = try? JSONDecoder().decode(AutoencoderConfiguration.self, from: Data(description.utf8))
            guard older == model else {
                throw TrainingError.checkpoint(tensors.sourceName, problem: "it is not of this configuration's autoencoder")
            }
            weights = .tensors(tensors)
        }
        try self.init(configuration, weights: weights, data: data, device: device)
    }

    package init(
        _ configuration: TrainingConfiguration, weights: WeightStore.Source, data: any CaptionedPictures,
        device: Device = .cpu
    ) throws {
        self.configuration = configuration
        self.data = data
        self.device = device
        let model = configuration.autoencoderNetwork
        self.model = model
        let built = try trainable(weights, device: device) { try Self.networks($0, configuration, model) }
        parameters = built.parameters
        if case .initial = weights { try Self.makeCertain(parameters, model) }
        own = built.parameters.filter { $0.name.hasPrefix(Self.prefix) }.count
        step = AutoencoderStep(
            configuration.autoencoder, network: built.networks.0, discriminator: built.networks.1,
            perceptual: try Self.perceptual(configuration.autoencoder.perceptual, device: device),
            dtype: configuration.dtype.on(device))
    }

    /// What tells how differently pictures look; nil where that weighs nothing.
    private static func perceptual(
        _ shape: TrainingConfiguration.AutoencoderShape.PerceptualShape, device: Device
    ) throws -> PerceptualDistance? {
        guard shape.weight > 0 else { return nil }
        let weights = shape.channelWeights.isEmpty ? nil : shape.channelWeights
        return try named(under: "autoencoder.perceptual" + (weights == nil ? ".network" : "")) {
            try PerceptualFile.open(network: shape.network, weights: weights, device: device)
        }
    }

    /// Drawn Gaussian latents have about the deviation 1 and hardly a mean: a decoder would hear noise alone for some hundred
    /// steps. So they begin nearly certain.
    private static func makeCertain(
        _ parameters: [(name: String, value: Tensor)], _ model: AutoencoderConfiguration
    ) throws {
        guard model.kind == .kl, let bias = parameters.first(where: { $0.name == prefix + "quant_conv.bias" }) else { return }
        try withoutGradients {
            try bias.value.narrow(0, start: model.latentChannels, length: model.latentChannels).fillInPlace(-5)
        }
    }

    private static func networks(
        _ weights: Weights, _ configuration: TrainingConfiguration, _ model: AutoencoderConfiguration
    ) throws -> (Autoencoder, PatchDiscriminator?) {
        let network = try Autoencoder(weights / "autoencoder", configuration: model)
        let shape = configuration.autoencoder
        guard shape.adversarial.weight > 0 else { return (network, nil) }
        return (
            network,
            try PatchDiscriminator(
                weights / "discriminator", channels: shape.adversarial.channels, layers: shape.adversarial.layers,
                normGroups: shape.normGroups)
        )
    }

    /// An autoencoder's file as where to begin; a discriminator is drawn anew.
    private static func begun(
        _ path: String, _ configuration: TrainingConfiguration, _ model: AutoencoderConfiguration
    ) throws -> JoinedSource {
        let file = try AutoencoderFile(path)
        var found = file.configuration
        // What the network's shape does not depend on.
        (found.scalingFactor, found.sampleSize, found.overflowsFloat16) =
            (model.scalingFactor, model.sampleSize, model.overflowsFloat16)
        guard found == model else {
            throw TrainingError.configuration(
                key: "autoencoder", problem: "\(path), to begin with, is an autoencoder of another shape")
        }
        let drawn = WeightStore(.initial(try RandomGenerator(seed: configuration.seed)))
        _ = try networks(Weights(drawn), configuration, model)
        let given = try file.source.tensorNames.map { (name: prefix + $0, value: try file.source.tensor($0)) }
        let judge = drawn.parameters.filter { !$0.name.hasPrefix(prefix) }
        return JoinedSource([TensorDictionary(given, name: path), TensorDictionary(judge)])
    }

    package var vocabularyCount: Int { 0 }

    /// A folder, as diffusers writes an autoencoder.
    package var modelName: String { "model" }

    package func description() throws -> String { try model.json() }

    // MARK: A step

    package func gradients(of batch: Batch, step: Int, workers: WorkerGroup) throws -> Computed {
        let seeds = StepSeeds(configuration.seed, step: step)
        let side = batch.size / model.factor
        let pictures = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size])
        let noise = try Tensor.randn(
            [batch.count, model.latentChannels, side, side], generator: RandomGenerator(seed: seeds[0]))
        let judge = configuration.autoencoder.adversarial
        let playing = judge.weight > 0 && step >= judge.start
        let each = batch.count / configuration.parts
        let values = parameters.map(\.value)
        let results = try workers.run(configuration.parts) { index in
            let rows = index * each..<(index + 1) * each
            return try self.step(
                pictures.rows(rows).to(device: device), noise: noise.rows(rows).to(device: device), playing: playing,
                autoencoder: Array(values[..<own]), discriminator: Array(values[own...]))
        }
        var measures: [String: Double] = [:]
        for result in results {
            measures.merge(result.measures.mapValues { $0 / Double(results.count) }) { $0 + $1 }
        }
        if case .vectorQuantised(let codes) = model.kind {
            measures["codes in use"] = Double(Set(results.flatMap(\.codes)).count) / Double(codes)
        }
        return Computed(
            parts: results.map { $0.autoencoder + $0.discriminator },
            examples: results.flatMap(\.losses).map { (loss: $0, time: 0) }, measures: measures)
    }

    // MARK: What is kept

    package func write(_ averages: [(name: String, value: Tensor)], to path: String) throws {
        let kept = self.kept(averages)
        var written = model
        written.scalingFactor = try LatentScale(data, configuration).measured(of: network(kept), device: device)
        try ReplacedFolder.fill(path) { [written] in
            try AutoencoderFile.write(kept, configuration: written, to: $0)
        }
    }

    private func kept(_ averages: [(name: String, value: Tensor)]) -> [(name: String, value: Tensor)] {
        averages.filter { $0.name.hasPrefix(Self.prefix) }
            .map { (name: String($0.name.dropFirst(Self.prefix.count)), value: $0.value) }
    }

    private func network(_ kept: [(name: String, value: Tensor)]) throws -> Autoencoder {
        let store = WeightStore(.tensors(TensorDictionary(kept, name: "averages")), device: device)
        let network = try Autoencoder(Weights(store), configuration: model)
        try store.finish()
        return network
    }

    /// A few of the data's pictures, each followed by what the averaged weights make of it.
    package func samples(
        _ averages: [(name: String, value: Tensor)], workers: WorkerGroup
    ) throws -> [(picture: Picture, caption: String)] {
        let loader = try BatchLoader(
            data, preparation: configuration.preparation, batchSize: 6, seed: configuration.samples.seed,
            tolerance: configuration.data.tolerance)
        let batch = try loader.batch(step: 0)
        let truth = try Tensor(batch.pixels, shape: [batch.count, 3, batch.size, batch.size])
        let network = try network(kept(averages))
        let made = try withoutGradients {
            try withAutocast(configuration.dtype.on(device), device: device) {
                try network.decode(network.encode(truth.to(device: device)).mode).to(.float32, device: .cpu)
            }
        }
        let errors = try (made.clamp(min: -1, max: 1) - truth).square().meanFlat().doubles()
        let (seen, rebuilt) = (try pictures(truth), try pictures(made))
        return batch.captions.indices.flatMap { index in
            let decibels = (10 * log10(4 / max(errors[index], 1e-12)) * 10).rounded() / 10
            return [(seen[index], batch.captions[index]), (rebuilt[index], "\(decibels) dB")]
        }
    }
}
