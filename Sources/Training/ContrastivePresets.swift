internal import Diffusion
internal import Checkpoints
internal import Images
internal import Datasets
internal import Layers
internal import Models
internal import Tensors

extension TrainingConfiguration {
    static var contrastivePresets: [TrainingConfiguration] { [clip64, clip64Judge, noisedCLIP64, glideCLIP] }

    /// Composed scenes at 64×64 and their captions, by a small convolutional tower: two million numbers, 0.13 GFLOP a
    /// pair.
    public static var clip64: TrainingConfiguration {
        var clip = emoji64
        clip.name = "clip-64"
        clip.kind = .contrastive
        clip.contrastive = ContrastiveShape()
        clip.data.sets = [.init(set: "scenes")]
        clip.optimizer = AdamW.Options(beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.05)
        clip.rate = LearningRate(peak: 1e-3, warmup: 100, decay: .cosine, floor: 0.02)
        clip.emaDecay = 0.995
        clip.captionDropout = 0
        clip.steps = 2000
        clip.batchSize = 256
        clip.parts = 4
        clip.dtype = .float32
        clip.intervals = Intervals(log: 10, sample: 0, checkpoint: 200, keep: 2)
        return clip
    }

    /// The model that judges: wider, from another seed, and never the one that guides.
    public static var clip64Judge: TrainingConfiguration {
        var judge = clip64
        judge.name = "clip-64-judge"
        judge.seed = 1_000_003
        judge.contrastive = ContrastiveShape(
            picture: .convolutional(widths: [64, 128, 256], blocks: 1, layers: 2, heads: 8),
            text: TextShape(vocabulary: .clip, prune: true, context: 40, width: 192, layers: 3, heads: 6),
            embedding: 256)
        return judge
    }

    /// The model that guides: its pictures are at any step of the base model's noise.
    public static var noisedCLIP64: TrainingConfiguration {
        var noised = clip64
        noised.name = "noised-clip-64"
        noised.seed = 2_000_003
        noised.contrastive.noised = true
        return noised
    }

    /// Noised CLIP with the picture tower of GLIDE's in full size (Nichol et al. 2022, §4.2).
    public static var glideCLIP: TrainingConfiguration {
        var clip = clip64
        clip.name = "glide-clip"
        clip.diffusion = DiffusionConfiguration()
        clip.contrastive = ContrastiveShape(
            picture: .transformer(patch: 4, width: 768, layers: 12, heads: 12),
            text: TextShape(vocabulary: .clip, prune: false, context: 77, width: 512, layers: 12, heads: 8),
            embedding: 512, noised: true, recomputes: true)
        clip.optimizer = AdamW.Options(beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2)
        clip.rate = LearningRate(peak: 5e-4, warmup: 2000, decay: .cosine)
        clip.emaDecay = 0.9999
        clip.steps = 400_000
        clip.batchSize = 4096
        clip.parts = 128
        clip.dtype = .auto
        clip.intervals = Intervals(log: 100, sample: 0, checkpoint: 2000, keep: 3)
        return clip
    }
}
