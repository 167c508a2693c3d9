internal import Checkpoints
internal import Datasets
internal import Diffusion
internal import Images
internal import Layers
internal import Models
internal import Tensors

extension TrainingConfiguration {
    static var autoencoderPresets: [TrainingConfiguration] {
        [autoencoderF4, autoencoderF8, quantisedF4, quantisedF8]
    }

    /// Composed scenes at 64×64 as 16×16 latents of eight channels, by squared differences alone: just under a million
    /// parameters, 60,000 pictures.
    ///
    /// The divergence weighs enough for each latent to keep about three bits, so that what a diffusion gets a little wrong is
    /// hardly seen.
    public static var autoencoderF4: TrainingConfiguration {
        var configuration = emoji64
        configuration.name = "autoencoder-f4"
        configuration.kind = .autoencoder
        configuration.autoencoder = AutoencoderShape(
            latentChannels: 8, levels: [.init(channels: 32), .init(channels: 64), .init(channels: 64)], normGroups: 8,
            pixelLoss: .l2, klWeight: 0.003)
        configuration.data.sets = [.init(set: "scenes")]
        configuration.data.crop = .centre
        configuration.optimizer = AdamW.Options(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0)
        configuration.rate = LearningRate(peak: 1.5e-3, warmup: 100, decay: .cosine, floor: 0.005)
        configuration.emaDecay = 0.998
        configuration.steps = 4000
        configuration.batchSize = 16
        configuration.intervals = Intervals(log: 50, sample: 1000, checkpoint: 500, keep: 2)
        return configuration
    }

    /// The same against a discriminator, which judges once most is learned.
    private static var judgedF4: TrainingConfiguration {
        var configuration = autoencoderF4
        configuration.autoencoder = AutoencoderShape(
            latentChannels: 8, levels: [.init(channels: 24), .init(channels: 48), .init(channels: 96)], normGroups: 8,
            adversarial: .init(weight: 0.1, start: 8000, channels: 32, layers: 2))
        configuration.optimizer.beta1 = 0.5
        configuration.optimizer.beta2 = 0.9
        configuration.rate = LearningRate(peak: 8e-4, warmup: 200, decay: .cosine, floor: 0.05)
        configuration.emaDecay = 0.999
        configuration.dtype = .float32
        configuration.steps = 10_000
        configuration.intervals.checkpoint = 1000
        return configuration
    }

    /// Scenes at 128×128 as 16×16 latents of sixteen channels, against a discriminator.
    public static var autoencoderF8: TrainingConfiguration {
        var configuration = judgedF4
        configuration.name = "autoencoder-f8"
        configuration.imageSize = 128
        configuration.autoencoder.latentChannels = 16
        configuration.autoencoder.levels = [
            .init(channels: 16), .init(channels: 32), .init(channels: 64), .init(channels: 96),
        ]
        configuration.autoencoder.adversarial.layers = 3
        return configuration
    }

    /// Scenes at 64×64 in 1,024 codes.
    public static var quantisedF4: TrainingConfiguration {
        var configuration = judgedF4
        configuration.name = "autoencoder-vq-f4"
        configuration.autoencoder.codes = 1024
        configuration.autoencoder.latentChannels = 4
        return configuration
    }

    /// Scenes at 128×128 in 4,096 codes.
    public static var quantisedF8: TrainingConfiguration {
        var configuration = autoencoderF8
        configuration.name = "autoencoder-vq-f8"
        configuration.autoencoder.codes = 4096
        configuration.autoencoder.latentChannels = 8
        return configuration
    }
}
