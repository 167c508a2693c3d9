/// The way that sampling takes through the noise levels, noisiest first.
public struct Trajectory: Sendable, Equatable {
    /// One step of it.
    public struct Step: Sendable, Equatable {
        /// How noisy the pictures are, and what the network is told of it.
        public let from: NoiseLevel
        public let to: NoiseLevel
        /// q(x_to | x_from, x₀).
        public let posterior: Posterior
        /// Takes the step before once more, with what the network says at its end: `PNDM` alone knows of it.
        public let isRepeat: Bool

        fileprivate init(from: NoiseLevel, to: NoiseLevel, posterior: Posterior, isRepeat: Bool = false) {
            self.from = from
            self.to = to
            self.posterior = posterior
            self.isRepeat = isRepeat
        }

        func repeated() -> Step { Step(from: from, to: to, posterior: posterior, isRepeat: true) }
    }

    /// How strong a chain's first noise ε is.
    public enum InitialNoise: Sendable, Hashable {
        /// x_T = ε, of unit deviation, as Ho et al. 2020 have it.
        case unit
        /// x_T = √(1 − ᾱ) · ε, that is σ · ε beside a picture left at full size, as Karras et al. 2022 have it.
        case alone
    }

    public let steps: [Step]
    /// nil: what suits the sampler's `scaling`.
    public let initialNoise: InitialNoise?

    /// The number of steps.
    public var count: Int { steps.count }
    /// Where each step begins, and where the last one ends: one more than there are steps.
    public var levels: [NoiseLevel] { steps.map(\.from) + steps.suffix(1).map(\.to) }
    /// q(x_to | x_from, x₀) of each step, of the process that visits just these levels; in the order visited.
    public var posteriors: [Posterior] { steps.map(\.posterior) }

    /// Each step ends where the next begins.
    ///
    /// - Parameters:
    ///   - levels: without the end.
    ///   - end: where the last step ends: clean as a rule.
    /// - Throws: `DiffusionError.spacing` unless each level is less noisy than the one before.
    public init(_ levels: [NoiseLevel], end: NoiseLevel = .clean, initialNoise: InitialNoise? = nil) throws {
        let ends = levels.dropFirst() + [end]
        for (from, to) in zip(levels, ends) where !(from.sigma > to.sigma) {
            throw DiffusionError.spacing("σ goes from \(from.sigma) to \(to.sigma), expected it to fall at every step")
        }
        try self.init(zip(levels, ends).map { ($0, $1, isRepeat: false) }, initialNoise: initialNoise)
    }

    /// Steps as another implementation takes them: one may begin at another level than where the one before ended.
    ///
    /// - Throws: `DiffusionError.spacing` where there is none, or noise grows within one.
    package init(
        _ steps: [(from: NoiseLevel, to: NoiseLevel, isRepeat: Bool)], initialNoise: InitialNoise?
    ) throws {
        guard !steps.isEmpty else { throw DiffusionError.spacing("there is none to take") }
        for (from, to, _) in steps where !(from.sigma >= to.sigma && from.sigma > 0 && to.sigma.isFinite) {
            throw DiffusionError.spacing("σ goes from \(from.sigma) to \(to.sigma) within a step")
        }
        var before: Double?
        self.steps = steps.map { from, to, isRepeat in
            // At the clean end the variance is 0 and has no logarithm: that of the step before stands for it, or β.
            let beta = Posterior.beta(from: from.alphaBar, to: to.alphaBar)
            let posterior = Posterior(
                from: from.alphaBar, to: to.alphaBar, clippedVariance: to.sigma == 0 ? before ?? beta : nil)
            before = posterior.variance
            return Step(from: from, to: to, posterior: posterior, isRepeat: isRepeat)
        }
        self.initialNoise = initialNoise
    }

    private init(steps: [Step], initialNoise: InitialNoise?) {
        self.steps = steps
        self.initialNoise = initialNoise
    }

    /// The last part of the way, for starting from a picture: `strength` 1 is all of it, near 0 almost nothing.
    ///
    /// ⌊strength · count⌋ steps are left, but at least one.
    public func starting(strength: Double) throws -> Trajectory {
        let skipped = try Self.skipped(strength: strength, of: count)
        return try Trajectory(
            steps.dropFirst(skipped).map { ($0.from, $0.to, $0.isRepeat) }, initialNoise: initialNoise)
    }

    /// How many of `count` steps are left out when starting from a picture.
    package static func skipped(strength: Double, of count: Int) throws -> Int {
        guard strength > 0, strength <= 1 else {
            throw DiffusionError.setting(name: "strength", value: "\(strength)", expected: "more than 0, at most 1")
        }
        return count - max(1, Int((Double(count) * strength).rounded(.down)))
    }

    /// The same way with the first step taken twice, unless it is so already.
    func repeatingFirst() -> Trajectory {
        guard steps.count > 1, !steps.contains(where: \.isRepeat) else { return self }
        return Trajectory(steps: [steps[0], steps[0].repeated()] + steps.dropFirst(), initialNoise: initialNoise)
    }
}
