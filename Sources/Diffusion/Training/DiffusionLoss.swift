public import Tensors

/// The training loss: weighted squared error of what the network predicts, and for a learned variance the variational
/// term beside it (Nichol & Dhariwal 2021, L_hybrid).
///
/// ```swift
/// let times = try TimeDraw.uniform.times(n, of: schedule, generator: generator)
/// let batch = try schedule.noised(x0, at: times, noise: noise)
/// let loss = try DiffusionLoss(.velocity, weighting: .minSNR())(network(batch.xt, batch.timesteps()), batch)
/// try loss.total.backward()
/// ```
public struct DiffusionLoss: Sendable, Hashable, Codable {
    public var prediction: Prediction
    public var variance: Variance
    public var weighting: LossWeighting
    /// Weight of the variational term summed over all T steps, in bits a dimension.
    public var variationalWeight: Double

    public init(
        _ prediction: Prediction, variance: Variance = .fixedSmall, weighting: LossWeighting = .uniform,
        variationalWeight: Double = 0.001
    ) {
        self.prediction = prediction
        self.variance = variance
        self.weighting = weighting
        self.variationalWeight = variationalWeight
    }

    public struct Terms {
        /// The mean over the batch: a scalar to go backward from.
        public let total: Tensor
        /// What `total` is the mean of, [N].
        public let perExample: Tensor
        /// The squared error's mean over each example's elements, not weighted, [N].
        public let squaredError: Tensor
        /// Where the variance is learned: each example's variational term in bits a dimension, not weighted, [N].
        public let variational: Tensor?
    }

    /// - Parameter output: the network's answer to `batch.xt` at `batch.timesteps`, [N, C, …], or [N, 2C, …] where the
    ///   variance is learned.
    /// - Parameter emphasis: how much each element's squared error counts, to be broadcast over `output`, of mean 1; all
    ///   the same unless given. The variational term does not heed it.
    /// - Throws: `DiffusionError.time` where the variance is learned and a time is no whole step.
    public func callAsFunction(_ output: Tensor, _ batch: NoisedBatch, emphasis: Tensor? = nil) throws -> Terms {
        let (predicted, range) = try variance.split(output, like: batch.xt)
        let target = try prediction.target(x0: batch.x0, noise: batch.noise, batch.scales)
        // Half precision is too coarse for a mean of squares.
        let difference = try (predicted.to(batch.xt.dtype) - target).widened()
        let squares = try difference.square()
        let squaredError = try squares.meanFlat()
        let counted = try emphasis.map { try (squares * $0.to(squares.dtype)).meanFlat() } ?? squaredError
        let weights = batch.levels.map { weighting.weight(prediction, at: $0) }
        var perExample = try counted * Tensor(weights).to(counted.dtype).to(device: counted.device)
        var variational: Tensor?
        if let range {
            let bound = VariationalBound(prediction: prediction)
            let term = try bound.bitsPerDimension(predicted.to(batch.xt.dtype), range, batch)
            // One step drawn of T stands for the sum over all.
            perExample = try perExample + term * (variationalWeight * Double(batch.schedule.count))
            variational = term
        }
        return Terms(
            total: try perExample.mean(), perExample: perExample, squaredError: squaredError, variational: variational)
    }
}

extension Tensor {
    /// Half-precision numbers as float32; others as they are.
    func widened() throws -> Tensor { dtype == .float16 || dtype == .bfloat16 ? try to(.float32) : self }
}
