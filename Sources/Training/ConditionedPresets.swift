internal import Checkpoints
internal import Datasets
internal import Diffusion
internal import Images
internal import Layers
internal import Models
internal import Tensors

extension TrainingConfiguration {
    /// Of networks that see pictures beside the noisy one.
    static var conditionedPresets: [TrainingConfiguration] { [upsampler64To256, inpainting64] }

    /// Composed scenes enlarged four times, from 64×64: just under five million parameters, 5,000 steps of 16 squares.
    ///
    /// Squares of 64×64 of scenes in every style, whose small pictures are blurred and noisy; the network predicts what
    /// bicubic interpolation lacks. Without that and without `pixelChannels`, 1,400 steps took 36 minutes on two cores.
    public static var upsampler64To256: TrainingConfiguration {
        var upsampler = emoji64
        upsampler.name = "upsampler-64-256"
        upsampler.imageSize = 256
        upsampler.network = NetworkShape(
            input: .lowResolution, modelChannels: 48,
            levels: [
                .init(channels: 48, residualBlocks: 1, attention: false),
                .init(channels: 96, residualBlocks: 1, attention: false),
                .init(channels: 128, residualBlocks: 1, attention: true),
            ],
            headWidth: 32, patchSize: 2, pixelChannels: 16, normGroups: 16, dropout: 0,
            text: TextShape(vocabulary: .clip, prune: true, context: 32, width: 128, layers: 2, heads: 4),
            residual: true)
        upsampler.conditioning = ConditioningShape(factor: 4, crop: 64, cuts: 8, blur: 0.6, noise: 0.1)
        upsampler.diffusion = DiffusionConfiguration(
            schedule: .linear, steps: 1000, prediction: .sample, variance: .fixedSmall)
        upsampler.data.sets = [.init(set: "scenes-256")]
        upsampler.data.crop = .centre
        upsampler.rate = LearningRate(peak: 1.2e-3, warmup: 100, decay: .cosine, floor: 0.01)
        upsampler.emaDecay = 0.998
        upsampler.steps = 5000
        upsampler.batchSize = 2
        upsampler.intervals = Intervals(log: 20, sample: 0, checkpoint: 500, keep: 2)
        // Samples are of the data's pictures, as many as there are prompts.
        upsampler.samples = SampleShape(
            prompts: ["first", "second", "third", "fourth"], sampler: .ddim, steps: 5, guidanceScale: 1, seed: 7)
        return upsampler
    }

    /// Holes in composed scenes of eight subjects at 64×64, to begin with the model of `Configurations/scenes-64`: 21
    /// million parameters, 1,000 steps of 16, 25 minutes on two cores.
    public static var inpainting64: TrainingConfiguration {
        var inpainting = emoji64
        inpainting.name = "inpainting-64"
        inpainting.network = NetworkShape(
            input: .masked, modelChannels: 96,
            levels: [
                .init(channels: 96, residualBlocks: 1, attention: false),
                .init(channels: 192, residualBlocks: 1, attention: true),
                .init(channels: 256, residualBlocks: 1, attention: true),
            ],
            headWidth: 32, patchSize: 4, pixelChannels: 32, normGroups: 32, dropout: 0,
            text: TextShape(vocabulary: .clip, prune: true, context: 32, width: 256, layers: 4, heads: 4))
        inpainting.data.sets = [.init(set: "scenes-steady")]
        inpainting.rate = LearningRate(peak: 4e-4, warmup: 50, decay: .cosine, floor: 0.02)
        inpainting.emaDecay = 0.995
        inpainting.steps = 1000
        inpainting.batchSize = 16
        inpainting.dtype = .float32
        inpainting.intervals = Intervals(log: 20, sample: 1000, checkpoint: 250, keep: 2)
        inpainting.samples.steps = 30
        return inpainting
    }
}
