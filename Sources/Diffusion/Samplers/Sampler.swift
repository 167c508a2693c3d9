public import Tensors

/// A way from noise to picture, one step at a time. Samplers are values without state; noise and memory are handed to
/// them, and one loop, `Chain`, drives them all.
public protocol Sampler: Sendable {
    /// How x is scaled in this sampler's formulas.
    var scaling: Scaling { get }
    /// How many steps back it looks.
    var memory: Int { get }

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
        public let x: Tensor
        public let x0: Tensor
        public let level: NoiseLevel
    }

    public init(_ trajectory: Trajectory, index: Int, past: [Past] = []) {
        self.trajectory = trajectory
        self.index = index
        self.past = past
    }

    public var from: NoiseLevel { trajectory.levels[index] }
    public var to: NoiseLevel { trajectory.levels[index + 1] }
    /// q(x_to | x_from, x₀).
    public var posterior: Posterior { trajectory.posteriors[index] }
    /// Whether the step ends at the clean picture.
    public var isLast: Bool { index == trajectory.count - 1 }
}

/// What a step gives.
public struct Advance {
    /// The less noisy pictures.
    public let x: Tensor
    /// x₀ as it was predicted on the way.
    public let x0: Tensor

    public init(x: Tensor, x0: Tensor) {
        self.x = x
        self.x0 = x0
    }
}

/// The samplers by the names that users type.
public enum SamplerName: String, Sendable, Hashable, Codable, CaseIterable {
    case ddpm
    case ddim
    case euler
    case eulerAncestral = "euler-a"
    case heun
    case dpmSolver2M = "dpm++2m"

    /// - Throws: `DiffusionError.unknown`, with the names there are.
    public init(parsing name: String) throws {
        guard let known = Self(rawValue: name.lowercased()) else {
            throw DiffusionError.unknown(what: "sampler", name: name, known: Self.allCases.map(\.rawValue))
        }
        self = known
    }

    /// The sampler with its paper's settings.
    public var sampler: any Sampler {
        switch self {
        case .ddpm: DDPM()
        case .ddim: DDIM()
        case .euler: Euler()
        case .eulerAncestral: EulerAncestral()
        case .heun: Heun()
        case .dpmSolver2M: DPMSolver2M()
        }
    }

    /// The steps it takes where the user does not say: OpenAI's even respacing for those that come from discrete
    /// chains, k-diffusion's for the others.
    public func spacing(steps: Int) -> Spacing {
        sampler.scaling == .preserving ? .respaced(.sections([steps])) : .interpolated(steps)
    }
}
