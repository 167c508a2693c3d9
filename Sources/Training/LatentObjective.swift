package import Checkpoints
package import Datasets
internal import Diffusion
internal import Foundation
internal import Layers
internal import Models
package import Tensors

/// A U-Net that learns to draw an autoencoder's latents of a text (Rombach et al. 2022, §3.2 and 3.3), with CLIP's text
/// tower beside it; or to paint a hole in them, then seeing it and the latents of what is around it (§4.5).
///
/// Parameters are `unet.…` and, where the tower is trained, `text_encoder.…`; the autoencoder stays as it is.
package struct LatentObjective: Objective {
    package let configuration: TrainingConfiguration
    package let model: LatentConfiguration
    package let parameters: [(name: String, value: Tensor)]
    let networks: Networks
    let text: LatentText
    let autoencoder: Autoencoder
    let device: Device
    private let autoencoderFile: AutoencoderFile
    private let schedule: NoiseSchedule
    private let loss: DiffusionLoss
    private let kept: [Int]?
    private let cache: LatentCache?
    /// Makes the holes; nil for a network that sees none.
    let erasing: Conditioning?
    /// Pictures to show with a hole.
    let data: any CaptionedPictures

    struct Networks {
        let unet: UNet
        let tower: CLIPTextTower
    }

    /// What a checkpoint says.
    private struct Description: Codable, Equatable {
        var model: LatentConfiguration
        /// Numbers of CLIP's vocabulary that the tower knows.
        var kept: [Int]?
    }

    /// - Parameter folder: the run's, where computed latents are kept.
    package init(
        _ configuration: TrainingConfiguration, _ beginning: Beginning, data: any CaptionedPictures,
        folder: String? = nil, device: Device = .cpu
    ) throws {
        self.configuration = configuration
        self.device = device
        self.data = data
        let shape = configuration.latent
        autoencoderFile = try AutoencoderFile(shape.autoencoder, key: "latent.autoencoder")
        let first = autoencoderFile.configuration
        guard configuration.imageSize % first.factor == 0 else {
            throw TrainingError.configuration(
                key: "imageSize", problem: "\(configuration.imageSize) does not divide by the autoencoder's \(first.factor)")
        }
        autoencoder = try autoencoderFile.load(dtype: configuration.dtype.on(device), device: device)

        var older: Description?
        var initial: LatentBeginning?
        switch beginning {
        case .drawn: break
        case .model(let path): initial = try LatentBeginning(path, takesText: shape.frozenText.isEmpty)
        case .checkpoint(let text, let weights): older = try Description(text, of: weights)
        }
        if shape.frozenText.isEmpty {
            if older == nil, configuration.network.text.prune {
                let needed = try CaptionVocabulary.tokens(of: data, vocabulary: .clip)
                kept = initial.map { Set(needed).union($0.known.keys).sorted() } ?? needed
            } else {
                kept = older?.kept
            }
            text = try LatentText(configuration, kept: kept)
        } else {
            kept = nil
            text = try LatentText(frozen: shape.frozenText, device: device)
        }
        let model = LatentConfiguration(
            name: configuration.name, family: .stableDiffusion1,
            unet: configuration.latentNetwork(channels: first.latentChannels, textWidth: text.network.width),
            autoencoder: first, towers: [text.configuration], diffusion: configuration.diffusion,
            imageSize: configuration.imageSize,
            sampling: SamplingDefaults(
                sampler: configuration.samples.sampler, steps: configuration.samples.steps,
                guidanceScale: configuration.samples.guidanceScale))
        try model.validate()
        // What a run may change when it goes on.
        older?.model.name = model.name
        older?.model.sampling = model.sampling
        if let older, older != Description(model: model, kept: kept) {
            throw TrainingError.configuration(
                key: "latent", problem: "the run was begun with another autoencoder, text tower or network")
        }
        self.model = model

        let weights: WeightStore.Source
        if case .checkpoint(_, let tensors) = beginning {
            weights = .tensors(tensors)
        } else if let initial {
            weights = .tensors(try initial.weights(of: model, text: text, seed: configuration.seed))
        } else {
            weights = .initial(try RandomGenerator(seed: configuration.seed))
        }
        let (frozen, towerNetwork) = (text.frozen?.tower, text.network)
        (networks, parameters) = try trainable(weights, device: device) { weights in
            Networks(
                unet: try UNet(weights / "unet", configuration: model.unet),
                tower: try frozen ?? CLIPTextTower(weights / "text_encoder", configuration: towerNetwork))
        }
        schedule = try model.diffusion.noiseSchedule()
        loss = configuration.lossFunction
        erasing = model.sees.seesMask ? Conditioning(configuration.conditioning, input: .masked) : nil
        cache = shape.caches ? try LatentCache(folder.map { $0 + "/latents.safetensors" }) : nil
    }

    package var vocabularyCount: Int { text.network.vocabulary }

    /// A folder, as diffusers writes a model.
    package var modelName: String { "model" }

    package func description() throws -> String { try Description(model: model, kept: kept).json() }

    package func prepare(_ data: any CaptionedPictures, isStopped: () -> Bool, _ tell: (String) -> Void) throws {
        if text.frozen == nil {
            let learner = TextPretraining.Learner(
                parameters: parameters.filter { $0.name.hasPrefix("text_encoder.") }, width: text.network.width
            ) { try states($0, networks) }
            try TextPretraining(configuration, learner: learner, device: device)
                .run(on: data, isStopped: isStopped, tell)
        }
        guard let cache else { return }
        try cache.fill(
            from: data, preparation: configuration.preparation, tolerance: configuration.data.tolerance,
            autoencoder: autoencoder, device: device, isStopped: isStopped, tell)
    }

    // MARK: A step

    package func gradients(of batch: Batch, step: Int, workers: WorkerGroup) throws -> Computed {
        let seeds = StepSeeds(configuration.seed, step: step)
        let generator = try RandomGenerator(seed: seeds[0])
        let count = batch.count
        let side = batch.size / model.autoencoder.factor
        let shape = [count, model.autoencoder.latentChannels, side, side]
        let noise = try Tensor.randn(shape, generator: generator)
        let drawing = try Tensor.randn(shape, generator: generator)
        let times = try configuration.loss.times.times(count, of: schedule, generator: generator)
        let dropped = try Tensor.rand([count], dtype: .float64, generator: generator).doubles()
            .map { $0 < configuration.captionDropout }
        let captions = zip(batch.captions, dropped).map { $1 ? "" : $0 }
        let pictures = try Tensor(batch.pixels, shape: [count, 3, batch.size, batch.size])
        let hole = try erasing.flatMap { try $0(pictures, seed: seeds[1 << 32]).conditions.mask }
            .map { Hole(known: $0, drawing: try .randn(shape, generator: generator)) }
        let emphasis = try SubjectEmphasis(share: configuration.loss.subjectShare)?.map(of: batch.regions, side: side)
        let each = count / configuration.parts
        let values = parameters.map(\.value)
        let results = try workers.run(configuration.parts) { index in
            let rows = index * each..<(index + 1) * each
            let terms = try lossTerms(
                pictures.rows(rows), drawing: drawing.rows(rows).to(device: device),
                noise: noise.rows(rows).to(device: device), times: Array(times[rows]),
                captions: Array(captions[rows]), hole: hole?.rows(rows, device: device),
                emphasis: emphasis?.rows(rows).to(device: device), seed: seeds[UInt64(index) + 1])
            return (try terms.total.gradients(of: values), try terms.perExample.detach().doubles())
        }
        let last = Double(max(1, model.diffusion.steps - 1))
        return Computed(
            parts: results.map(\.0),
            examples: zip(results.flatMap(\.1), times).map { (loss: $0, time: $1 / last) })
    }

    /// What of pictures is known.
    private struct Hole {
        /// [N, 1, H, W]: 1 where it is.
        let known: Tensor
        /// What the latents of the known part are drawn with, [N, c, h, w].
        let drawing: Tensor

        func rows(_ rows: Range<Int>, device: Device) throws -> Hole {
            Hole(known: try known.rows(rows).to(device: device), drawing: try drawing.rows(rows).to(device: device))
        }
    }

    /// What the U-Net sees behind the latents: the hole, 1 inside, and the latents of the picture around it, as
    /// `LatentModel` shows it, [N, 1 + c, h, w].
    func seen(_ pictures: Tensor, known: Tensor, drawing: Tensor) throws -> Tensor {
        try withoutGradients {
            let latents = try autoencoder.scaled(autoencoder.encode(pictures * known).sample(noise: drawing))
            let small = try known.resize(height: latents.size(2), width: latents.size(3), .nearest)
            return try .concatenate([1 - small, latents], dim: 1)
        }
    }

    private func lossTerms(
        _ pictures: Tensor, drawing: Tensor, noise: Tensor, times: [Double], captions: [String], hole: Hole?,
        emphasis: Tensor?, seed: UInt64
    ) throws -> DiffusionLoss.Terms {
        let x0 = try withoutGradients {
            let posterior = try cache?.posterior(of: pictures, by: autoencoder, device: device)
                ?? autoencoder.encode(pictures.to(device: device))
            return try autoencoder.scaled(posterior.sample(noise: drawing))
        }
        let noised = try schedule.noised(x0, at: times, noise: noise)
        let around = try hole.map { try seen(pictures.to(device: device), known: $0.known, drawing: $0.drawing) }
        let dropout = model.unet.dropout > 0 ? try RandomGenerator(seed: seed, device: device) : nil
        let output = try withAutocast(configuration.dtype.on(device), device: device) {
            let states = try states(captions, networks)
            let x = try around.map { try .concatenate([noised.xt, $0], dim: 1) } ?? noised.xt
            return try networks.unet(
                x, timesteps: noised.timesteps(), context: UNetContext(text: states, dropout: dropout))
        }
        return try loss(output, noised, emphasis: emphasis)
    }

    /// What the U-Net attends to, [N, L, width].
    func states(_ captions: [String], _ networks: Networks) throws -> Tensor {
        let tokens = try text.tokens(captions).to(device: device)
        let said = { try networks.tower.states(text.configuration.states, of: networks.tower(tokens)) }
        return try text.frozen == nil ? said() : withoutGradients(said)
    }

    // MARK: What is kept

    package func write(_ averages: [(name: String, value: Tensor)], to path: String) throws {
        let all = TensorDictionary(averages, name: "averages")
        let parts: [LatentFile.Part: any TensorSource] = [
            .unet: SourcePart(all, prefix: "unet."),
            .textEncoder: text.frozen?.source ?? SourcePart(all, prefix: "text_encoder."),
            .autoencoder: autoencoderFile.source,
        ]
        try ReplacedFolder.fill(path) { try DiffusersWriter(model, tokenizers: [text.files]).write(parts, to: $0) }
    }
}
