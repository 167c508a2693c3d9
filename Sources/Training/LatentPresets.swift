internal import Checkpoints
internal import Datasets
internal import Diffusion
internal import Images
internal import Layers
internal import Models
internal import Tensors

extension TrainingConfiguration {
    static var latentPresets: [TrainingConfiguration] { [latentScenes] }

    /// Composed scenes at 64×64, drawn as 16×16 latents of the autoencoder that `autoencoder-f4` leaves: the embedded
    /// model as it began, 12.7 million parameters, 50 to 85 pictures a second on two cores with bfloat16.
    ///
    /// The text tower learns its words contrastively first; clean latents are predicted, weighted as in `emoji-64`.
    public static var latentScenes: TrainingConfiguration {
        var configuration = emoji64
        configuration.name = "latent-scenes"
        configuration.kind = .latent
        configuration.latent = LatentShape(autoencoder: "runs/autoencoder-f4/model")
        configuration.network.patchSize = 1
        configuration.network.modelChannels = 64
        configuration.network.levels = [
            .init(channels: 64, residualBlocks: 1, attention: false), .init(channels: 128, residualBlocks: 1, attention: true),
            .init(channels: 192, residualBlocks: 1, attention: true),
        ]
        configuration.network.text = TextShape(
            vocabulary: .clip, prune: true, context: 32, width: 192, layers: 3, heads: 6)
        configuration.textPretraining = TextPretrainingShape(steps: 400, batchSize: 128, rate: 1e-3)
        configuration.data.sets = [.init(set: "scenes")]
        configuration.data.crop = .centre
        configuration.steps = 20_000
        configuration.samples.prompts = [
            "a house next to a lake in moonlight", "a fox in the snow", "a red boat on a lake at sunset",
            "a robot in the desert",
        ]
        return configuration
    }
}
