public import Tensors

/// What is done to each predicted x₀ before the sampler uses it.
public struct SampleTreatment {
    /// How x₀ is kept in the pictures' range.
    public enum Clamp: Sendable, Hashable {
        case none
        /// To [−1, 1], for pictures.
        case unit
        case range(ClosedRange<Double>)
        /// Imagen's dynamic thresholding (Saharia et al. 2022): each picture is clamped to ± its own quantile of |x₀|,
        /// but at least ±1 and at most ±`limit`, and divided by it.
        case dynamic(quantile: Double = 0.995, limit: Double = .infinity)
    }

    /// Applied first; gets x₀ and the level it was predicted at.
    public var function: ((Tensor, NoiseLevel) throws -> Tensor)?
    /// Applied after.
    public var clamp: Clamp

    public init(clamp: Clamp = .unit, function: ((Tensor, NoiseLevel) throws -> Tensor)? = nil) {
        self.clamp = clamp
        self.function = function
    }

    /// Inpainting as GLIDE does it: the known region is put back into every predicted x₀.
    ///
    /// - Parameters:
    ///   - known: the clean picture, [N, C, …] or broadcast to it.
    ///   - mask: 1 where the picture is known, 0 where it is to be painted; broadcast to `known`.
    public static func keeping(_ known: Tensor, where mask: Tensor, clamp: Clamp = .unit) -> SampleTreatment {
        SampleTreatment(clamp: clamp) { x0, _ in try x0 * (1 - mask) + known * mask }
    }

    /// Whether it leaves x₀ as it is.
    var isNone: Bool { clamp == .none && function == nil }

    func callAsFunction(_ x0: Tensor, at level: NoiseLevel) throws -> Tensor {
        try clamp(try function?(x0, level) ?? x0)
    }
}

extension SampleTreatment.Clamp {
    public func callAsFunction(_ x0: Tensor) throws -> Tensor {
        switch self {
        case .none: return x0
        case .unit: return try x0.clamp(min: -1, max: 1)
        case .range(let range): return try x0.clamp(min: range.lowerBound, max: range.upperBound)
        case .dynamic(let quantile, let limit):
            guard (0...1).contains(quantile) else {
                throw DiffusionError.setting(name: "quantile", value: "\(quantile)", expected: "0 to 1")
            }
            let rows = try x0.size(0)
            let magnitudes = try x0.widened().abs().reshape([rows, -1])
            guard limit > 0 else {
                throw DiffusionError.setting(name: "limit", value: "\(limit)", expected: "more than 0")
            }
            var bounds = try magnitudes.quantile(quantile, dim: 1).clamp(min: 1)
            if limit < .infinity { bounds = try bounds.clamp(max: limit) }
            bounds = try bounds.reshape([rows] + Array(repeating: 1, count: x0.rank - 1)).to(x0.dtype)
            return try Tensor.minimum(Tensor.maximum(x0, -bounds), bounds) / bounds
        }
    }
}
