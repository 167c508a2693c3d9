package import Datasets
package import Tensors

extension TrainingConfiguration {
    /// What this configuration trains.
    /// - Parameters:
    ///   - data: what it will learn from; a pruned vocabulary keeps its captions' tokens.
    ///   - folder: the run's, for what is computed once.
    /// - Throws: `TrainingError.configuration`, `CheckpointError`; `WeightError` where the weights have another shape.
    package func objective(
        _ beginning: Beginning, data: any CaptionedPictures, folder: String? = nil, device: Device = .cpu
    ) throws -> any Objective {
        switch kind {
        case .latent: try LatentObjective(self, beginning, data: data, folder: folder, device: device)
        case .autoencoder: try AutoencoderObjective(self, beginning, data: data, device: device)
        case .diffusion: try DiffusionObjective(self, beginning, data: data, device: device)
        case .contrastive: try ContrastiveObjective(self, beginning, data: data, device: device)
        }
    }
}
