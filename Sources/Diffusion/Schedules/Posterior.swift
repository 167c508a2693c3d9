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
            // A process of one step has no second one: β is then the only scale there is.
            let clipped = step > 0 ? nil : (variances.count > 1 ? variances[1] : betas[step])
            return Posterior(
                beta: betas[step], alphaBar: alphaBar[step], previous: previous[step], clippedVariance: clipped)
        }
    }

    /// One step of a process that goes from ᾱ_t to ᾱ_{t−1} at once.
    ///
    /// - Parameter clippedVariance: what `logVariance` is the logarithm of, if not the variance.
    init(from alphaBar: Double, to previous: Double, clippedVariance: Double?) {
        self.init(
            beta: Self.beta(from: alphaBar, to: previous), alphaBar: alphaBar, previous: previous,
            clippedVariance: clippedVariance)
    }

    private init(beta: Double, alphaBar: Double, previous: Double, clippedVariance: Double?) {
        let noise = 1 - alphaBar
        self.beta = beta
        x0Factor = beta * previous.squareRoot() / noise
        xtFactor = (1 - previous) * (1 - beta).squareRoot() / noise
        variance = beta * (1 - previous) / noise
        logVariance = log(clippedVariance ?? variance)
    }

    /// β of one step from ᾱ_t to ᾱ_{t−1}.
    static func beta(from alphaBar: Double, to previous: Double) -> Double { 1 - alphaBar / previous }
}
