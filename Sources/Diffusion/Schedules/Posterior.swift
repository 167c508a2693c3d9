internal import Foundation

/// q(x_{t−1} | x_t, x₀) at one step: a Gaussian around `x0Factor · x₀ + xtFactor · x_t` (Ho et al. 2020, equations 6
/// and 7).
public struct Posterior: Sendable, Equatable {
    public let beta: Double
    /// β · √ᾱ_{t−1} / (1 − ᾱ_t).
    public let x0Factor: Double
    /// (1 − ᾱ_{t−1}) · √α_t / (1 − ᾱ_t).
    public let xtFactor: Double
    /// β̃ = β · (1 − ᾱ_{t−1}) / (1 − ᾱ_t); 0 at the first step.
    public let variance: Double
    /// log β̃; at the first step, where that is −∞, the second step's.
    public let logVariance: Double

    public var logBeta: Double { log(beta) }

    /// All steps of a process, the first (least noisy) step first.
    static func table(betas: [Double], alphaBar: [Double]) -> [Posterior] {
        let previous = [1] + alphaBar.dropLast()
        let variances = betas.indices.map { betas[$0] * (1 - previous[$0]) / (1 - alphaBar[$0]) }
        return betas.indices.map { step in
            let (beta, noise) = (betas[step], 1 - alphaBar[step])
            // A process of one step has no second one: β is then the only scale there is.
            let clipped = step > 0 ? variances[step] : (variances.count > 1 ? variances[1] : beta)
            return Posterior(
                beta: beta,
                x0Factor: beta * previous[step].squareRoot() / noise,
                xtFactor: (1 - previous[step]) * (1 - beta).squareRoot() / noise,
                variance: variances[step],
                logVariance: log(clipped))
        }
    }
}
