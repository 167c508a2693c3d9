public import Diffusion
public import Models
public import Tensors

/// A CLIP that cannot guide what a model draws.
public struct CLIPMismatch: Error, Equatable, Sendable, CustomStringConvertible {
    public let expected: String
    public var description: String { "the CLIP cannot guide this model: expected \(expected)" }
}

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

    /// Guidance of what a model draws: a noised model looks at the noisy pixels, any other at what is predicted, decoded
    /// where that is latents.
    ///
    /// - Parameters:
    ///   - prompts: N, for N pictures.
    ///   - height, width: of the pictures, in pixels.
    /// - Throws: `CLIPMismatch` for a noised model of other pictures, or of another process's noise.
    public init(
        _ clip: any PictureTextModel, of model: any DrawingModel, prompts: [String], scale: Double, sampler: any Sampler,
        height: Int, width: Int
    ) throws {
        let drawing = model.drawing
        let readsNoise = clip.isNoised && drawing.drawsPixels
        if readsNoise {
            guard width == clip.imageSide, height == clip.imageSide else {
                throw CLIPMismatch(
                    expected: "a CLIP that reads noisy pictures of \(width)×\(height); its own are "
                        + "\(clip.imageSide)×\(clip.imageSide)")
            }
            if let process = (clip as? any ProcessCLIP)?.process, try !process.hasNoise(of: drawing.diffusion) {
                throw CLIPMismatch(
                    expected: "a CLIP that was trained on the noise of \(drawing.name): "
                        + "\(drawing.diffusion.schedule.rawValue) in \(drawing.diffusion.steps) steps; its own is "
                        + "\(process.schedule.rawValue) in \(process.steps)")
            }
        }
        try self.init(
            clip, prompts: prompts, scale: scale, reading: readsNoise ? .noisy : .predicted,
            interval: CLIPGuidance.steady(sampler), picture: model.decodeRecording)
    }
}
