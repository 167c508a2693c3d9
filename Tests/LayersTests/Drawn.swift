import Layers
import Tensors

/// Normal numbers, the same for the same seed.
func normal(_ shape: [Int], _ seed: UInt64, mean: Double = 0, deviation: Double = 1) throws -> Tensor {
    try Tensor.randn(shape, generator: RandomGenerator(seed: seed)) * deviation + mean
}

/// A weight [out, width] and a bias [out], as a file would hold them.
func drawnLinear(in width: Int, out: Int, deviation: Double = 0.05) throws -> TensorDictionary {
    TensorDictionary(
        [
            (name: "weight", value: try normal([out, width], 1, deviation: deviation)),
            (name: "bias", value: try normal([out], 2)),
        ], name: "drawn")
}

/// The largest difference, of the largest number of `b`.
func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
    let (a, b) = (try a.to(.float64), try b.to(.float64))
    return try (a - b).abs().max().item() / max(1e-12, b.abs().max().item())
}
