public import Tensors

/// A way from noise to picture, one step at a time. Samplers are values without state; noise and memory are handed to
/// them, and one loop, `Chain`, drives them all.
public protocol Sampler: Sendable {
    /// How x is scaled in this sampler's formulas.
    var scaling: Scaling { get }
    /// How many steps back it looks.
    var memory: Int { get }

    /// The way as this sampler takes it.
    func adapted(_ trajectory: Trajectory) -> Trajectory

    /// From `moment.from` to `moment.to`.
    ///
    /// - Parameters:
    ///   - x: the noisy pictures [N, C, …], scaled as `scaling` says.
    ///   - noise: draws standard normal numbers of x's shape.
    func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance
}

extension Sampler {
    public var memory: Int { 0 }
    public func adapted(_ trajectory: Trajectory) -> Trajectory { trajectory }
}

/// How the noisy picture is scaled.
public enum Scaling: Sendable {
    /// √ᾱ · x₀ + √(1 − ᾱ) · ε, of unit deviation throughout (Ho et al. 2020).
    case preserving
    /// x₀ + σ · ε (Karras et al. 2022).
    case exploding
}

/// Where a chain is: which step of which way, and what came before.
public struct Moment {
    public let trajectory: Trajectory
    /// The step to take, 0 being the noisiest; below `trajectory.count`.
    public let index: Int
    /// The steps before this one, the latest first; no more than the sampler's `memory`.
    public let past: [Past]

    public struct Past {
        /// What the step went on from: the pictures at `level`, corrected where the sampler corrects.
        public let x: Tensor
        public let x0: Tensor
        /// What the network said, where the sampler keeps it.
        public let prediction: Tensor?
        public let step: Trajectory.Step

        /// Where the step began.
        public var level: NoiseLevel { step.from }
    }

    public init(_ trajectory: Trajectory, index: Int, past: [Past] = []) {
        self.trajectory = trajectory
        self.index = index
        self.past = past
    }

    public var step: Trajectory.Step { trajectory.steps[index] }
    public var from: NoiseLevel { step.from }
    public var to: NoiseLevel { step.to }
    /// q(x_to | x_from, x₀).
    public var posterior: Posterior { step.posterior }
    /// Whether no step follows.
    public var isLast: Bool { index == trajectory.count - 1 }
    /// Whether the step ends at the clean picture.
    public var endsClean: Bool { to.sigma == 0 }
}

/// What a step gives.
public struct Advance {
    /// The less noisy pictures.
    public let x: Tensor
    /// x₀ as it was predicted on the way.
    public let x0: Tensor
    /// For later steps: the pictures where this step began, if it corrected them.
    public let corrected: Tensor?
    /// For later steps: what the network said.
    public let prediction: Tensor?

    public init(x: Tensor, x0: Tensor, corrected: Tensor? = nil, prediction: Tensor? = nil) {
        self.x = x
        self.x0 = x0
        self.corrected = corrected
        self.prediction = prediction
    }
}
