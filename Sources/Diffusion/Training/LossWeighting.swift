/// How much an example's squared error counts, by its noise level.
///
/// Errors of ε, x₀ and v at one level differ by a factor: |Δx₀|² = |Δε|² / SNR = |Δv|² / (SNR + 1), with SNR =
/// ᾱ / (1 − ᾱ). So a weighting defined for x₀ has its counterpart for the others, and the same weighting trains the
/// same thing whatever the network predicts.
public enum LossWeighting: Sendable, Hashable, Codable {
    /// 1 for whatever the network predicts: Ho et al.'s "simple" loss where that is the noise.
    case uniform
    /// min(SNR, γ) for x₀ (Hang et al. 2023), thus min(SNR, γ) / SNR for ε and min(SNR, γ) / (SNR + 1) for v.
    case minSNR(gamma: Double = 5)
    /// min(1 / (1 − ᾱ), limit) for x₀: unlike SNR it does not go to zero where there is little but noise.
    case inverseVariance(limit: Double = 6)

    public func weight(_ prediction: Prediction, at level: NoiseLevel) -> Double {
        let snr = level.alphaBar / (1 - level.alphaBar)
        let ofSample: Double
        switch self {
        case .uniform: return 1
        case .minSNR(let gamma):
            // Also where the SNR is 0.
            if prediction == .noise { return min(1, gamma / snr) }
            ofSample = min(snr, gamma)
        case .inverseVariance(let limit): ofSample = min(1 / (1 - level.alphaBar), limit)
        }
        return switch prediction {
        case .sample: ofSample
        case .noise: ofSample / snr
        case .velocity: ofSample / (snr + 1)
        }
    }
}
