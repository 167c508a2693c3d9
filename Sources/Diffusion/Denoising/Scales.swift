public import Tensors

/// The two factors of x_t = signal · x₀ + noise · ε, √ᾱ and √(1 − ᾱ), with what converts between x₀ and ε.
///
/// One number each where the whole batch is at one level, as in sampling; a tensor [N, 1, …] each where every example
/// has its own, as in training.
public struct Scales {
    /// √ᾱ.
    let signal: Factor
    /// √(1 − ᾱ).
    let noise: Factor
    /// √(1/ᾱ).
    let inverseSignal: Factor
    /// √(1/ᾱ − 1), which is σ.
    let ratio: Factor

    public init(_ level: NoiseLevel) {
        signal = .number(level.alphaBar.squareRoot())
        noise = .number((1 - level.alphaBar).squareRoot())
        inverseSignal = .number((1 / level.alphaBar).squareRoot())
        ratio = .number(level.sigma)
    }

    /// - Parameter levels: one an example of `x`, [N, …].
    public init(_ levels: [NoiseLevel], like x: Tensor) throws {
        signal = try Factor(levels.map { $0.alphaBar.squareRoot() }, like: x)
        noise = try Factor(levels.map { (1 - $0.alphaBar).squareRoot() }, like: x)
        inverseSignal = try Factor(levels.map { (1 / $0.alphaBar).squareRoot() }, like: x)
        ratio = try Factor(levels.map(\.sigma), like: x)
    }

    /// x_t from a clean picture and noise: q(x_t | x₀).
    public func noised(_ x0: Tensor, _ noise: Tensor) throws -> Tensor {
        try signal * x0 + self.noise * noise
    }

    /// x₀ = √(1/ᾱ) · x_t − √(1/ᾱ − 1) · ε.
    public func sample(noise: Tensor, xt: Tensor) throws -> Tensor {
        try inverseSignal * xt - ratio * noise
    }

    /// ε = (√(1/ᾱ) · x_t − x₀) / √(1/ᾱ − 1); x_t itself where nothing else is left.
    public func noise(sample x0: Tensor, xt: Tensor) throws -> Tensor {
        if case .number(.infinity) = ratio { return xt }
        return try (inverseSignal * xt - x0) / ratio
    }
}

/// A factor of a batch: one number for all, or [N, 1, …].
enum Factor {
    case number(Double)
    case tensor(Tensor)

    /// One number an example, shaped and typed to be multiplied with `x`.
    init(_ values: [Double], like x: Tensor) throws {
        guard let length = x.shape.first, length == values.count else {
            let rest = x.shape.dropFirst()
            throw DiffusionError.shape(what: "the batch", expected: [values.count] + rest, actual: x.shape)
        }
        let shape = [values.count] + Array(repeating: 1, count: x.rank - 1)
        // Cast on the host: not every device has float64.
        self = .tensor(try Tensor(values, shape: shape).to(x.dtype).to(device: x.device))
    }

    static func * (factor: Factor, x: Tensor) throws -> Tensor {
        switch factor {
        case .number(let number): try x * number
        case .tensor(let tensor): try tensor * x
        }
    }

    static func / (x: Tensor, factor: Factor) throws -> Tensor {
        switch factor {
        case .number(let number): try x / number
        case .tensor(let tensor): try x / tensor
        }
    }
}
