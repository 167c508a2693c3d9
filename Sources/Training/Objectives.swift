package import Datasets
package import Tensors

extension TrainingConfiguration {
    /// What this configuration trains.
    /// - Parameter data: what it will learn from; a pruned vocabulary keeps its captions' tokens.
    /// - Throws: `TrainingError.configuration`, `CheckpointError`; `WeightError` where the weights have another shape.
    package func objective(
        _ beginning: Beginning, data: any CaptionedPictures, device: Device = .cpu
    ) throws -> any Objective {
        switch kind {
        case .diffusion: try DiffusionObjective(self, beginning, data: data, device: device)
        case .contrastive: try ContrastiveObjective(self, beginning, data: data, device: device)
        }
    }
}
