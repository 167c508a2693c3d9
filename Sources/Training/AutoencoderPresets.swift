internal import Checkpoints
internal import Datasets
internal import Diffusion
internal import Images
internal import Layers
public import Models
internal import Tensors

extension TrainingConfiguration {
    static var autoencoderPresets: [TrainingConfiguration] {
        [autoencoderF4, autoencoderF8, quantisedF4, quantisedF8]
    }

    /// Composed scenes at 64×64 as 16×16 latents of eight channels: 1.5 million parameters, beside which the
    /// discriminator has 170,000.
    public static var autoencoderF4: TrainingConfiguration {
        var configuration = emoji64
        configuration.name = "autoencoder-f4"
        configuration.kind = .autoencoder
        configuration.autoencoder = AutoencoderShape(
            latentChannels: 8, levels: [.init(channels: 24), .init(channels: 48), .init(channels: 96)], normGroups: 8,
            adversarial: .init(weight: 0.1, start: 8000, channels: 32, layers: 2))
        configuration.data.sets = [.init(set: "scenes")]
        configuration.data.crop = .centre
        configuration.optimizer = AdamW.Options(beta1: 0.5, beta2: 0.9, epsilon: 1e-8, weightDecay: 0)
        configuration.rate = LearningRate(peak: 8e-4, warmup: 200, decay: .cosine, floor: 0.05)
        configuration.steps = 10_000
        configuration.batchSize = 16
        configuration.dtype = .float32
        configuration.intervals = Intervals(log: 50, sample: 1000, checkpoint: 1000, keep: 2)
        return configuration
    }

    /// The same at 128×128 as 16×16 latents.
    public static var autoencoderF8: TrainingConfiguration {
        var configuration = autoencoderF4
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
        var configuration = autoencoderF4
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
