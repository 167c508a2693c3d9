/// The autoencoders that latent diffusion published (its `models/first_stage_models/*/config.yaml`), and XL's.
///
/// `f` is the factor by which a side shrinks. Latent diffusion's yaml files say at which side of a 256×256 picture
/// attention stands; here it stands at a level.
public enum PublishedAutoencoder: String, Sendable, CaseIterable {
    case klF4 = "kl-f4"
    /// Of the text-to-image model with 1.4 billion parameters, and of Stable Diffusion 1 and 2.
    case klF8 = "kl-f8"
    case klF16 = "kl-f16"
    case klF32 = "kl-f32"
    case vqF4 = "vq-f4"
    case vqF4WithoutAttention = "vq-f4-noattn"
    case vqF8 = "vq-f8"
    case vqF8With256Codes = "vq-f8-n256"
    case vqF16 = "vq-f16"
    case stableDiffusionXL = "sdxl"

    public var configuration: AutoencoderConfiguration {
        switch self {
        case .klF4: kl(3, [1, 2, 4])
        case .klF8: kl(4, [1, 2, 4, 4], scaling: 0.18215, size: 512)
        case .klF16: kl(16, [1, 1, 2, 2, 4], attention: [4])
        case .klF32: kl(64, [1, 1, 2, 2, 4, 4], attention: [4, 5])
        case .vqF4: vq(3, [1, 2, 4], codes: 8192)
        case .vqF4WithoutAttention: vq(3, [1, 2, 4], codes: 8192, middle: false)
        case .vqF8: vq(4, [1, 2, 2, 4], attention: [3], codes: 16_384)
        case .vqF8With256Codes: vq(4, [1, 2, 2, 4], attention: [3], codes: 256)
        case .vqF16: vq(8, [1, 1, 2, 2, 4], attention: [4], codes: 16_384)
        case .stableDiffusionXL: kl(4, [1, 2, 4, 4], scaling: 0.13025, size: 1024)
        }
    }

    private func kl(
        _ latent: Int, _ multipliers: [Int], attention: Set<Int> = [], scaling: Double = 1, size: Int = 256
    ) -> AutoencoderConfiguration {
        AutoencoderConfiguration(
            kind: .kl, latentChannels: latent, levels: levels(multipliers, attention), scalingFactor: scaling,
            sampleSize: size)
    }

    private func vq(
        _ latent: Int, _ multipliers: [Int], attention: Set<Int> = [], codes: Int, middle: Bool = true
    ) -> AutoencoderConfiguration {
        AutoencoderConfiguration(
            kind: .vectorQuantised(codes: codes), latentChannels: latent, levels: levels(multipliers, attention),
            middleAttention: middle, scalingFactor: 1, sampleSize: 256)
    }

    private func levels(_ multipliers: [Int], _ attention: Set<Int>) -> [AutoencoderConfiguration.Level] {
        multipliers.enumerated().map { .init(channels: 128 * $1, attention: attention.contains($0)) }
    }
}
