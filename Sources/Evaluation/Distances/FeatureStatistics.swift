public import Tensors

/// Mean and covariance of a set of features, in double precision.
public struct FeatureStatistics {
    /// [width].
    public let mean: Tensor
    /// [width, width], divided by count − 1.
    public let covariance: Tensor
    public let count: Int

    /// - Parameter features: [N, width] of any floating-point type; N at least 2.
    /// - Throws: `EvaluationError.tooFew`.
    public init(_ features: Tensor) throws {
        let features = try features.to(.float64, device: .cpu)
        guard features.rank == 2, features.shape[0] >= 2 else {
            throw EvaluationError.tooFew("features of shape \(features.shape)", expected: "[N, width] with at least two rows")
        }
        count = features.shape[0]
        mean = try features.mean([0])
        let centred = try features - mean
        covariance = try centred.transpose(0, 1).matmul(centred) / Double(count - 1)
    }

    /// The squared Fréchet distance between normal distributions of these means and covariances,
    /// |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) (Heusel et al. 2017, "FID").
    ///
    /// (Σ₁Σ₂)^½ has the trace of (Σ₁^½ Σ₂ Σ₁^½)^½, which is symmetric, so that matrices of few pictures, which have no
    /// inverse, need no care. Few pictures make the distance larger: compare only what has equally many.
    public func frechetDistance(to other: FeatureStatistics) throws -> Double {
        guard mean.shape == other.mean.shape else {
            throw EvaluationError.tooFew(
                "features of widths \(mean.shape) and \(other.mean.shape)", expected: "one width for both")
        }
        let root = try covariance.symmetricSquareRoot()
        let product = try root.matmul(other.covariance).matmul(root)
        // Rounding leaves it not quite symmetric.
        let symmetric = try (product + product.transpose(0, 1)) * 0.5
        let common = try symmetric.symmetricEigen().values.roundedRoots().sum().item()
        let apart = try (mean - other.mean).square().sum().item()
        return try apart + trace() + other.trace() - 2 * common
    }

    private func trace() throws -> Double {
        let width = mean.shape[0]
        return try covariance.reshape([width * width]).doubles().enumerated()
            .reduce(0) { $1.offset % (width + 1) == 0 ? $0 + $1.element : $0 }
    }
}
