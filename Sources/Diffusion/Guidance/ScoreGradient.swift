public import Tensors

/// What guidance by another model follows: ∇ log p(condition | x_t) with respect to x_t, times its scale (Dhariwal &
/// Nichol 2021; Nichol et al. 2022, equation 8).
///
/// `DDPM` moves its mean by the variance times it (algorithm 1, glide-text2im's `condition_mean`), every other sampler
/// the predicted noise by −√(1 − ᾱ) times it (algorithm 2, `condition_score`).
public indirect enum ScoreGradient {
    /// Of a model that reads noisy pictures: a tensor of the shape of `Query.x`.
    ///
    /// Sampling records no graph, so the closure computes within `withGradients`.
    case noisy((Query) throws -> Tensor)
    /// Of a model that reads clean pictures: log p(condition | x̂₀), [N] or their sum, of the pictures as they are
    /// predicted and treated. Its gradient is followed back through the network to x_t.
    ///
    /// A step then costs about three calls of the network instead of one, and the memory of all that the network
    /// computes on the way, for the whole batch at once.
    case predicted((_ x0: Tensor, _ level: NoiseLevel) throws -> Tensor)
    /// Another at some σ, and none elsewhere.
    case within(ClosedRange<Double>, ScoreGradient)

    /// What is followed at a level.
    func at(_ level: NoiseLevel) -> ScoreGradient? {
        guard case .within(let interval, let gradient) = self else { return self }
        return interval.contains(level.sigma) ? gradient.at(level) : nil
    }
}

extension Tensor {
    /// The gradient of Σ `function` with respect to its argument, here; within `withoutGradients` too.
    ///
    /// - Returns: the gradient, and what the function computed besides, still with its graph.
    /// - Throws: `DiffusionError.setting` where the function does not depend on its argument.
    func gradient<Byproduct>(
        of function: (Tensor) throws -> (value: Tensor, byproduct: Byproduct)
    ) throws -> (gradient: Tensor, byproduct: Byproduct) {
        try withGradients {
            let x = try detach()
            try x.setRequiresGrad(true)
            let (value, byproduct) = try function(x)
            guard value.requiresGrad, let gradient = try value.sum().gradients(of: [x])[0] else {
                throw DiffusionError.setting(
                    name: "the guiding likeness", value: "without a gradient", expected: "one that depends on the pictures")
            }
            return (gradient, byproduct)
        }
    }
}
