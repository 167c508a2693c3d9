internal import Foundation

/// How much noise each step of the forward process adds: β₁ … β_T and what follows from them, in double precision.
///
/// Ho et al. 2020, with ᾱ_t = Π (1 − β_s): x_t = √ᾱ_t · x₀ + √(1 − ᾱ_t) · ε. Steps are numbered from 0 as in
/// glide-text2im's `gaussian_diffusion.py`, with whose tables these agree.
///
/// ```swift
/// let schedule = try NoiseSchedule(.squaredCosine())
/// let trajectory = try schedule.trajectory(.respaced(.fast27))
/// ```
public struct NoiseSchedule: Sendable, Equatable {
    /// The published ways to choose β.
    public enum Kind: Sendable, Hashable, Codable {
        /// Evenly from one β to another (Ho et al. 2020).
        case linear(from: Double = 1e-4, to: Double = 0.02)
        /// Even in √β, as latent diffusion and Stable Diffusion have it.
        case scaledLinear(from: Double = 0.00085, to: Double = 0.012)
        /// ᾱ(t) = cos²((t + s) / (1 + s) · π/2), each β at most `cap` (Nichol & Dhariwal 2021).
        case squaredCosine(offset: Double = 0.008, cap: Double = 0.999)
        case betas([Double])

        /// The linear schedule stretched to any number of steps, as OpenAI's code does it.
        public static func linear(steps: Int) -> Kind {
            let scale = 1000 / Double(max(steps, 1))
            return .linear(from: scale * 1e-4, to: scale * 0.02)
        }
    }

    /// β of each step.
    public let betas: [Double]
    /// ᾱ of each step: the share of the picture's variance that is left.
    public let alphaBar: [Double]
    /// The number by which the network knows each step; 0, 1, 2 … unless respaced.
    public let timesteps: [Int]
    /// The number of steps before respacing.
    public let originalCount: Int
    /// q(x_{t−1} | x_t, x₀) at each step.
    public let posteriors: [Posterior]
    /// σ = √((1 − ᾱ) / ᾱ) of each step, ascending: the deviation of the noise beside a picture left at full size
    /// (Karras et al. 2022).
    public let sigmas: [Double]
    let logSigmas: [Double]

    public var count: Int { betas.count }

    /// - Parameter steps: the number of steps; ignored for explicit `betas`.
    /// - Throws: `DiffusionError.schedule` unless all β lie between 0 and 1, both excluded.
    public init(_ kind: Kind, steps: Int = 1000) throws {
        if case .betas(let betas) = kind {
            try self.init(betas: betas, timesteps: Array(betas.indices), originalCount: betas.count)
            return
        }
        guard (1...1_000_000).contains(steps) else {
            throw DiffusionError.schedule("\(steps) steps, expected 1 to 1,000,000")
        }
        let betas: [Double] =
            switch kind {
            case .linear(let from, let to): linspace(from, to, steps)
            case .scaledLinear(let from, let to): linspace(from.squareRoot(), to.squareRoot(), steps).map { $0 * $0 }
            case .squaredCosine(let offset, let cap):
                (0..<steps).map { step in
                    let alphaBar = { (t: Double) in pow(cos((t + offset) / (1 + offset) * .pi / 2), 2) }
                    let (t1, t2) = (Double(step) / Double(steps), Double(step + 1) / Double(steps))
                    return min(1 - alphaBar(t2) / alphaBar(t1), cap)
                }
            case .betas(let betas): betas
            }
        try self.init(betas: betas, timesteps: Array(0..<steps), originalCount: steps)
    }

    private init(betas: [Double], timesteps: [Int], originalCount: Int) throws {
        guard !betas.isEmpty else { throw DiffusionError.schedule("it has no steps") }
        if let index = betas.firstIndex(where: { !($0 > 0 && $0 < 1) }) {
            throw DiffusionError.schedule("β of step \(index) is \(betas[index]), expected more than 0 and less than 1")
        }
        var product = 1.0
        let alphaBar = betas.map {
            product *= 1 - $0
            return product
        }
        guard product > 0 else {
            throw DiffusionError.schedule("nothing is left of the picture in double precision")
        }
        try self.init(betas: betas, alphaBar: alphaBar, timesteps: timesteps, originalCount: originalCount)
    }

    /// - Parameter alphaBar: falling; the last may be 0, where its β is 1: nothing but noise, of infinite σ.
    private init(betas: [Double], alphaBar: [Double], timesteps: [Int], originalCount: Int) throws {
        self.betas = betas
        self.alphaBar = alphaBar
        self.timesteps = timesteps
        self.originalCount = originalCount
        posteriors = Posterior.table(betas: betas, alphaBar: alphaBar)
        sigmas = alphaBar.map { ((1 - $0) / $0).squareRoot() }
        logSigmas = sigmas.map { log($0) }
        guard zip(logSigmas, logSigmas.dropFirst()).allSatisfy({ $0 < $1 }), logSigmas[0].isFinite else {
            throw DiffusionError.schedule("its steps are too small to be told apart in double precision")
        }
    }

    /// ᾱ of the step before each: 1, then `alphaBar` without its last.
    public var alphaBarPrevious: [Double] { [1] + alphaBar.dropLast() }

    /// The process that takes only some of the steps: its β are such that ᾱ stays the same at each step kept, and the
    /// network still sees the original numbers (Nichol & Dhariwal 2021; glide-text2im's `respace.py`).
    ///
    /// - Parameter kept: indices of this schedule's steps, in any order.
    public func respaced(keeping kept: some Collection<Int>) throws -> NoiseSchedule {
        let kept = Set(kept).sorted()
        guard let first = kept.first, let last = kept.last, first >= 0, last < count else {
            throw DiffusionError.spacing("\(kept.count) steps of a schedule of \(count), expected some of 0..<\(count)")
        }
        var previous = 1.0
        let betas = kept.map { index in
            defer { previous = alphaBar[index] }
            return 1 - alphaBar[index] / previous
        }
        let numbers = kept.map { timesteps[$0] }
        guard alphaBar[last] > 0 else {
            return try NoiseSchedule(
                betas: betas, alphaBar: kept.map { alphaBar[$0] }, timesteps: numbers, originalCount: originalCount)
        }
        return try NoiseSchedule(betas: betas, timesteps: numbers, originalCount: originalCount)
    }

    public func respaced(_ respacing: Respacing) throws -> NoiseSchedule {
        try respaced(keeping: try respacing.steps(of: count))
    }
}

extension NoiseSchedule {
    /// The schedule shifted and stretched in √ᾱ so that its last step leaves nothing of the picture, and its first is
    /// what it was (Lin et al. 2023, algorithm 1). For networks that predict v or x₀: from noise alone, ε says nothing.
    ///
    /// - Parameter floor: ᾱ of the last step instead of 0, for samplers that need a finite σ; diffusers has 2⁻²⁴.
    public func rescaledToZeroTerminalSNR(floor: Double = 0) throws -> NoiseSchedule {
        let roots = alphaBar.map { $0.squareRoot() }
        guard let first = roots.first, let last = roots.last, first > last else {
            throw DiffusionError.schedule("one step alone cannot end in noise")
        }
        let stretched = roots.dropLast().map { root in
            let shifted = (root - last) * (first / (first - last))
            return shifted * shifted
        }
        let rescaled = stretched + [floor]
        let betas = zip(rescaled, [1] + rescaled).map { 1 - $0 / $1 }
        return try NoiseSchedule(betas: betas, alphaBar: rescaled, timesteps: timesteps, originalCount: originalCount)
    }
}

/// `count` numbers from `start` to `end`, both included; only `start` where `count` is 1.
func linspace(_ start: Double, _ end: Double, _ count: Int) -> [Double] {
    guard count > 1 else { return count == 1 ? [start] : [] }
    let step = (end - start) / Double(count - 1)
    return (0..<count).map { $0 == count - 1 ? end : start + Double($0) * step }
}
