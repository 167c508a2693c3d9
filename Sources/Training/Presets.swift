internal import Diffusion
internal import Models
internal import Checkpoints
internal import Images
internal import Datasets
internal import Layers
internal import Tensors

extension TrainingConfiguration {
    /// Configurations by name.
    public static var presets: [String: TrainingConfiguration] {
        let all =
            [tiny, emoji64, glideBase] + conditionedPresets + contrastivePresets + autoencoderPresets + latentPresets
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    }

    /// 64×64 emoji on white: about nine million parameters, an hour and more on two cores.
    ///
    /// Pixels are folded 4×4, so that the trunk works at 16×16, 8×8 and 4×4; the clean picture is predicted, weighted so
    /// that the noisiest steps, where the text decides, count as much as any.
    public static var emoji64: TrainingConfiguration {
        TrainingConfiguration(
            name: "emoji-64", kind: .diffusion, imageSize: 64,
            network: NetworkShape(
                input: .text, modelChannels: 64,
                levels: [
                    .init(channels: 96, residualBlocks: 2, attention: false),
                    .init(channels: 128, residualBlocks: 2, attention: true),
                    .init(channels: 160, residualBlocks: 2, attention: true),
                ],
                headWidth: 32, patchSize: 4, pixelChannels: 0, normGroups: 32, dropout: 0,
                text: TextShape(vocabulary: .clip, prune: true, context: 24, width: 256, layers: 4, heads: 4)),
            conditioning: ConditioningShape(),
            diffusion: DiffusionConfiguration(
                schedule: .squaredCosine, steps: 1000, prediction: .sample, variance: .fixedSmall),
            contrastive: ContrastiveShape(),
            loss: LossShape(weighting: .inverseVariance, limit: 5, variationalWeight: 0.001, times: .stratified),
            textPretraining: TextPretrainingShape(), data: DataShape(
                sets: [.init(set: "emoji")], together: 1, crop: .fit, smallestCrop: 0.8, flip: 0, ground: .colour(.white),
                filter: "lanczos", tolerance: 0),
            optimizer: AdamW.Options(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01),
            rate: LearningRate(peak: 8e-4, warmup: 300, decay: .cosine, floor: 0.05), gradientClip: 1,
            emaDecay: 0.999, captionDropout: 0.1, steps: 10_000, batchSize: 32, parts: 2, workers: 0,
            dtype: .auto, seed: 0, autoencoder: AutoencoderShape(), latent: LatentShape(),
            intervals: Intervals(log: 20, sample: 500, checkpoint: 500, keep: 3),
            samples: SampleShape(
                prompts: [
                    "a red apple", "a house with a garden", "a crescent moon", "a dog face", "a sailboat", "a tree",
                    "a red heart", "a yellow star",
                ], sampler: .ddim, steps: 40, guidanceScale: 3, seed: 7))
    }

    /// Everything small: for tests and for trying things out, seconds a run.
    public static var tiny: TrainingConfiguration {
        var tiny = emoji64
        tiny.name = "tiny"
        tiny.imageSize = 16
        tiny.network = NetworkShape(
            input: .text, modelChannels: 16,
            levels: [
                .init(channels: 16, residualBlocks: 1, attention: false),
                .init(channels: 32, residualBlocks: 1, attention: true),
            ],
            headWidth: 16, patchSize: 2, pixelChannels: 0, normGroups: 8, dropout: 0.1,
            text: TextShape(vocabulary: .clip, prune: true, context: 12, width: 32, layers: 1, heads: 2))
        tiny.batchSize = 8
        tiny.steps = 40
        tiny.rate = LearningRate(peak: 2e-3, warmup: 5, decay: .cosine, floor: 0.1)
        tiny.dtype = .float32
        tiny.intervals = Intervals(log: 5, sample: 20, checkpoint: 10, keep: 2)
        tiny.samples.prompts = ["a red apple", "a tree"]
        tiny.samples.steps = 5
        return tiny
    }

    /// OpenAI's base model in full size, trained as its paper says (Nichol et al. 2022).
    public static var glideBase: TrainingConfiguration {
        var base = emoji64
        let published = GLIDEConfiguration.base()
        base.name = "glide-base"
        base.network = NetworkShape(
            input: .text, modelChannels: published.unet.modelChannels, levels: published.unet.levels,
            headWidth: published.unet.headWidth, patchSize: 1, pixelChannels: 0, normGroups: 32, dropout: published.unet.dropout,
            text: TextShape(
                vocabulary: .gpt2, prune: false, context: published.text.context, width: published.text.width,
                layers: published.text.layers, heads: published.text.heads))
        base.diffusion = DiffusionConfiguration()
        base.loss = LossShape(weighting: .uniform, limit: 5, variationalWeight: 0.001, times: .uniform)
        base.optimizer = AdamW.Options(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
        base.rate = LearningRate(peak: 1e-4, warmup: 1000)
        base.emaDecay = 0.9999
        base.captionDropout = 0.2
        base.steps = 1_000_000
        base.batchSize = 64
        base.parts = 16
        base.intervals = Intervals(log: 100, sample: 5000, checkpoint: 5000, keep: 3)
        base.samples.sampler = .ddpm
        base.samples.steps = 100
        return base
    }
}
