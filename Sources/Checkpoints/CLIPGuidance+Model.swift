public import Diffusion
public import Models
public import Tensors

extension CLIPGuidance {
    /// Guidance by a model of pictures and texts: its logit of each picture and its prompt, as glide-text2im's `cond_fn`
    /// has it.
    ///
    /// A noised model is asked at the nearest whole step of the process, which must be the one it was trained on.
    ///
    /// - Parameters:
    ///   - prompts: N, for N pictures.
    ///   - reading: `.noisy` for a noised model and pictures of its own size; `.predicted` for any model: a noised one
    ///     takes what is predicted for clean.
    ///   - interval: the σ at which to guide; see `steady`.
    ///   - picture: what the sampler's numbers show as pixels [N, 3, H, W], differentiable; for `.predicted`.
    public init(
        _ clip: any PictureTextModel, prompts: [String], scale: Double, reading: Reading,
        interval: ClosedRange<Double>? = nil, picture: @escaping (Tensor) throws -> Tensor = { $0 }
    ) throws {
        let texts = try withoutGradients { try clip.embeddings(ofTexts: prompts) }
        self.init(scale: scale, reading: reading, interval: interval) { x, level in
            let likeness =
                switch reading {
                case .noisy:
                    try clip.likeness(
                        ofPictures: x,
                        timesteps: .full([x.size(0)], level.timestep.rounded(), dtype: .int64, device: x.device),
                        toTexts: texts)
                case .predicted: try clip.likeness(ofPictures: clip.fitted(picture(x)), toTexts: texts)
                }
            return try likeness * clip.logitScale
        }
    }
}
