public import Tensors

/// Guidance by CLIP: at each step the pictures move to where they look more like their prompts (Nichol et al. 2022,
/// section 2.4). Agrees with glide-text2im's `cond_fn` in `p_sample` and `ddim_sample`.
///
/// It stands alone or goes with classifier-free guidance, which it knows nothing of, and with every sampler.
///
/// ```swift
/// let guidance = CLIPGuidance(scale: 3, reading: .noisy) { x, level in
///     let timesteps = try Tensor.full([x.size(0)], level.timestep)
///     return try clip.likeness(ofPictures: x, timesteps: timesteps, toTexts: texts) * clip.logitScale
/// }
/// let denoiser = plan.denoiser(gradient: guidance.gradient, network)
/// ```
public struct CLIPGuidance {
    /// Which pictures CLIP is shown.
    public enum Reading: Sendable, Hashable {
        /// x_t: a CLIP that was trained on noisy pictures and knows their step.
        case noisy
        /// x₀ as it is predicted at each step: a CLIP that knows clean pictures alone, and whatever the sampler works on.
        case predicted
    }

    /// What the gradient is multiplied by; 0 is no guidance, and costs none.
    public var scale: Double
    public var reading: Reading
    /// The σ at which to guide; nil is all.
    ///
    /// Every sampler but `DDPM` moves x₀ by σ · √(1 − ᾱ) times the gradient. Where the squared cosine begins, σ is
    /// 20,000, and the smallest error of a CLIP throws x₀ far off. glide-text2im does not mind; `steady` does.
    public var interval: ClosedRange<Double>?
    /// log p(prompt | picture) but for a constant, of pictures [N, C, …] at their level: [N], differentiable. Levels have
    /// the step numbers of the whole process, also where steps are left out; between two steps for samplers that work in
    /// σ.
    public var likeness: (_ pictures: Tensor, _ level: NoiseLevel) throws -> Tensor

    public init(
        scale: Double, reading: Reading, interval: ClosedRange<Double>? = nil,
        likeness: @escaping (_ pictures: Tensor, _ level: NoiseLevel) throws -> Tensor
    ) {
        self.scale = scale
        self.reading = reading
        self.interval = interval
        self.likeness = likeness
    }

    /// The interval in which a sampler is guided steadily: all for `DDPM`, which moves its mean by no more than the
    /// gradient itself; for the others where some of the picture is left, its four-hundredth part of the variance.
    public static func steady(_ sampler: any Sampler) -> ClosedRange<Double>? { sampler is DDPM ? nil : 0...20 }

    /// What a denoiser follows; nil at a scale of 0.
    public var gradient: ScoreGradient? {
        guard scale != 0 else { return nil }
        return interval.map { .within($0, everywhere) } ?? everywhere
    }

    private var everywhere: ScoreGradient {
        let (scale, likeness) = (scale, likeness)
        return switch reading {
        case .noisy:
            .noisy { query in
                let (gradient, _) = try query.x.gradient { (value: try likeness($0, query.level), byproduct: ()) }
                return try gradient * scale
            }
        case .predicted: .predicted { x0, level in try likeness(x0, level) * scale }
        }
    }
}
