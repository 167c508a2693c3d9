internal import Diffusion
public import Models

/// A model of pictures and texts that says whose noise it reads.
public protocol ProcessCLIP: PictureTextModel {
    /// The process whose noisy pictures it was trained on; nil for clean pictures.
    var process: DiffusionConfiguration? { get }
}

extension CLIPModel: ProcessCLIP {
    public var process: DiffusionConfiguration? { configuration.diffusion }
}

extension NoisedCLIPModel: ProcessCLIP {
    /// OpenAI's: the base model's (glide-text2im `clip/config.yaml`).
    public var process: DiffusionConfiguration? {
        guard case .image(_, _, let timesteps?) = image.configuration.input else { return nil }
        return DiffusionConfiguration(schedule: .squaredCosine, steps: timesteps)
    }
}

extension DiffusionConfiguration {
    /// Whether another process makes pictures as noisy at the same steps.
    public func hasNoise(of other: DiffusionConfiguration) throws -> Bool {
        let (mine, theirs) = try (noiseSchedule().alphaBar, other.noiseSchedule().alphaBar)
        return mine.count == theirs.count && zip(mine, theirs).allSatisfy { abs($0 - $1) < 1e-6 }
    }
}
