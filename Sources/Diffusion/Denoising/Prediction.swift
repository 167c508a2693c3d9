public import Tensors

/// What a network was trained to say about x_t. All three hold the same knowledge.
public enum Prediction: String, Sendable, Hashable, Codable, CaseIterable {
    /// ε, the noise (Ho et al. 2020).
    case noise
    /// x₀, the clean picture.
    case sample
    /// v = √ᾱ · ε − √(1 − ᾱ) · x₀ (Salimans & Ho 2022).
    case velocity

    /// What the network should have said.
    public func target(x0: Tensor, noise: Tensor, _ scales: Scales) throws -> Tensor {
        switch self {
        case .noise: noise
        case .sample: x0
        case .velocity: try scales.signal * noise - scales.noise * x0
        }
    }

    /// x₀ from what the network said.
    public func sample(_ output: Tensor, xt: Tensor, _ scales: Scales) throws -> Tensor {
        switch self {
        case .noise: try scales.sample(noise: output, xt: xt)
        case .sample: output
        case .velocity: try scales.signal * xt - scales.noise * output
        }
    }

    /// ε from what the network said.
    public func noise(_ output: Tensor, xt: Tensor, _ scales: Scales) throws -> Tensor {
        switch self {
        case .noise: output
        case .sample: try scales.noise(sample: output, xt: xt)
        case .velocity: try scales.noise * xt + scales.signal * output
        }
    }

    /// v from what the network said.
    public func velocity(_ output: Tensor, xt: Tensor, _ scales: Scales) throws -> Tensor {
        if self == .velocity { return output }
        let x0 = try sample(output, xt: xt, scales)
        let noise = try noise(output, xt: xt, scales)
        return try Prediction.velocity.target(x0: x0, noise: noise, scales)
    }
}
