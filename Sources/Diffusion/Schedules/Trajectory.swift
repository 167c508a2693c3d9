/// The noise levels that sampling visits, noisiest first; the last one is clean.
public struct Trajectory: Sendable, Equatable {
    /// One level more than there are steps.
    public let levels: [NoiseLevel]
    /// q(x_to | x_from, x₀) of each step, of the process that visits just these levels; in the order visited.
    public let posteriors: [Posterior]

    /// The number of steps.
    public var count: Int { posteriors.count }

    /// - Parameter levels: without the clean one.
    /// - Throws: `DiffusionError.spacing` unless each level is less noisy than the one before.
    public init(_ levels: [NoiseLevel]) throws {
        guard !levels.isEmpty else { throw DiffusionError.spacing("there is none to take") }
        let levels = levels + [.clean]
        for (from, to) in zip(levels, levels.dropFirst()) where !(from.sigma > to.sigma && from.sigma.isFinite) {
            throw DiffusionError.spacing("σ goes from \(from.sigma) to \(to.sigma), expected it to fall at every step")
        }
        self.levels = levels
        let alphaBar = levels.dropLast().reversed().map(\.alphaBar)
        let betas = zip(alphaBar, [1] + alphaBar.dropLast()).map { 1 - $0 / $1 }
        posteriors = Posterior.table(betas: betas, alphaBar: alphaBar).reversed()
    }

    /// The last part of the way, for starting from a picture: `strength` 1 is all of it, near 0 almost nothing.
    ///
    /// ⌊strength · count⌋ steps are left, but at least one.
    public func starting(strength: Double) throws -> Trajectory {
        guard strength > 0, strength <= 1 else {
            throw DiffusionError.setting(name: "strength", value: "\(strength)", expected: "more than 0, at most 1")
        }
        let kept = max(1, Int((Double(count) * strength).rounded(.down)))
        return try Trajectory(Array(levels.dropLast().suffix(kept)))
    }
}
