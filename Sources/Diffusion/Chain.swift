public import Tensors

/// What a chain begins with.
public enum Start {
    /// Pure noise of a shape [N, C, …], drawn from the chain's noise source.
    ///
    /// - Parameter scale: GLIDE's upsampler starts with 0.997 of it. What deviation is whole, `Trajectory.initialNoise`
    ///   says.
    case noise([Int], scale: Double = 1, dtype: DType = .float32, device: Device = .cpu)
    /// Given noise of unit deviation.
    case given(Tensor, scale: Double = 1)
    /// Clean pictures [N, C, …], made as noisy as the trajectory's first level; see `Trajectory.starting(strength:)`.
    case image(Tensor)
    /// The same with the noise given, of unit deviation.
    case mixed(Tensor, noise: Tensor)
}

/// A part of the pictures that is known: after each step it is put back, as noisy as the rest (Lugmayr et al. 2022 without
/// resampling; diffusers' inpainting pipelines for networks that do not see the hole).
public struct KeptRegion {
    /// Clean, [N, C, …].
    public let picture: Tensor
    /// Of unit deviation, [N, C, …]; the same at every step.
    public let noise: Tensor
    /// 1 where the picture is known, 0 where it is painted; broadcast to `picture`.
    public let mask: Tensor

    public init(picture: Tensor, noise: Tensor, mask: Tensor) {
        self.picture = picture
        self.noise = noise
        self.mask = mask
    }

    func restored(_ x: Tensor, at level: NoiseLevel, scaling: Scaling) throws -> Tensor {
        let known: Tensor
        if level.sigma == 0 {
            known = picture
        } else {
            let scales = Scales(level)
            known = try scaling == .preserving ? scales.noised(picture, noise) : picture + scales.ratio * noise
        }
        return try known * mask + x * (1 - mask)
    }
}

/// One step that was taken.
public struct SamplingStep {
    /// 0 for the first, noisiest step.
    public let index: Int
    /// The steps of the whole chain.
    public let count: Int
    /// Where the step began: where x₀ was predicted.
    public let from: NoiseLevel
    /// Where it ended.
    public let to: NoiseLevel
    /// The pictures as they are now, at `to`, scaled as √ᾱ · x₀ + √(1 − ᾱ) · ε; after the last step the result.
    public let x: Tensor
    /// The preview: the clean pictures as they were predicted in this step.
    public let x0: Tensor

    public var isLast: Bool { index == count - 1 }
}

/// The loop that drives every sampler: a sequence of steps that the caller asks for one by one.
///
/// ```swift
/// var chain = try Chain(DDIM(), trajectory, denoiser, start: .noise([1, 3, 64, 64]), noise: .seeded(7, count: 1))
/// while let step = try chain.next() { show(step.x0) }
/// ```
///
/// No graph is recorded. Pictures stay in the dtype they started with, float32 as a rule, whatever the network computes
/// in.
public struct Chain {
    public let sampler: any Sampler
    public let trajectory: Trajectory
    public let denoiser: Denoiser
    private let noise: NoiseSource
    private let isCancelled: () -> Bool
    /// Scaled as the sampler has it.
    private var x: Tensor
    private var past: [Moment.Past] = []
    private let kept: KeptRegion?
    /// The next step.
    public private(set) var index = 0

    /// - Parameters:
    ///   - keeping: what is put back after each step.
    ///   - isCancelled: asked before each step; the task's own cancellation unless given.
    public init(
        _ sampler: any Sampler, _ trajectory: Trajectory, _ denoiser: Denoiser, start: Start, noise: NoiseSource,
        keeping kept: KeptRegion? = nil, isCancelled: @escaping () -> Bool = { Task.isCancelled }
    ) throws {
        let trajectory = sampler.adapted(trajectory)
        self.sampler = sampler
        self.trajectory = trajectory
        self.denoiser = denoiser
        self.noise = noise
        self.kept = kept
        self.isCancelled = isCancelled
        let first = trajectory.steps[0].from
        guard first.sigma.isFinite || sampler.scaling == .preserving else {
            throw DiffusionError.spacing("σ of the first level is infinite, which this sampler cannot begin with")
        }
        let scales = Scales(first)
        x = try withoutGradients {
            switch (start, sampler.scaling) {
            case (.noise(let shape, let scale, let dtype, let device), let scaling):
                let noise = try noise(shape, dtype: dtype, device: device) * scale
                return try scaling.initial(noise, trajectory.initialNoise, scales)
            case (.given(let noise, let scale), let scaling):
                return try scaling.initial(noise, trajectory.initialNoise, scales) * scale
            case (.image(let x0), .preserving): return try scales.noised(x0, noise(like: x0))
            case (.image(let x0), .exploding): return try x0 + scales.ratio * noise(like: x0)
            case (.mixed(let x0, let noise), .preserving): return try scales.noised(x0, noise)
            case (.mixed(let x0, let noise), .exploding): return try x0 + scales.ratio * noise
            }
        }
    }

    /// Takes one step; nil where all are taken.
    ///
    /// - Throws: `CancellationError` where the chain was cancelled; it can be asked again.
    public mutating func next() throws -> SamplingStep? {
        guard index < trajectory.count else { return nil }
        if isCancelled() { throw CancellationError() }
        let moment = Moment(trajectory, index: index, past: past)
        let advance = try withoutGradients {
            try sampler.step(x, moment, denoiser) { try noise(like: x) }
        }
        let latest = Moment.Past(
            x: advance.corrected ?? x, x0: advance.x0, prediction: advance.prediction, step: moment.step)
        past = Array(([latest] + past).prefix(sampler.memory))
        x = advance.x
        index += 1
        if let kept, index < trajectory.count {
            // As noisy as the next step takes it.
            let next = trajectory.steps[index]
            let level = next.isRepeat ? next.to : next.from
            x = try withoutGradients { try kept.restored(x, at: level, scaling: sampler.scaling) }
        }
        let visible = try visible(at: moment.to)
        return SamplingStep(
            index: moment.index, count: trajectory.count, from: moment.from, to: moment.to, x: visible, x0: advance.x0)
    }

    /// Takes all steps that are left.
    ///
    /// - Returns: the pictures at the end.
    public mutating func run(_ each: (SamplingStep) throws -> Void = { _ in }) throws -> Tensor {
        while let step = try next() { try each(step) }
        return try index == 0 ? x : visible(at: trajectory.steps[index - 1].to)
    }

    /// The pictures, scaled as √ᾱ · x₀ + √(1 − ᾱ) · ε whatever the sampler has; at the end of the way, what is kept is
    /// put back clean.
    private func visible(at level: NoiseLevel) throws -> Tensor {
        try withoutGradients {
            let isScaled = sampler.scaling == .preserving || level.sigma == 0
            let scaled = try isScaled ? x : Scales(level).signal * x
            guard let kept, index == trajectory.count else { return scaled }
            return try kept.restored(scaled, at: .clean, scaling: .preserving)
        }
    }
}

extension Scaling {
    /// The first noise as strong as it should be.
    fileprivate func initial(_ noise: Tensor, _ wanted: Trajectory.InitialNoise?, _ scales: Scales) throws -> Tensor {
        switch (self, wanted) {
        case (.preserving, .unit), (.preserving, nil): noise
        case (.preserving, .alone): try scales.noise * noise
        case (.exploding, .unit): try scales.inverseSignal * noise
        case (.exploding, .alone), (.exploding, nil): try scales.ratio * noise
        }
    }
}
