import Foundation
public import Tensors

/// The sinusoidal embedding of time steps, cosines first (glide-text2im `nn.timestep_embedding`; Vaswani et al. 2017).
///
/// - Parameters:
///   - timesteps: [N], may be fractional.
///   - width: of the embedding; frequencies are `maximumPeriod^(−i / (width/2))`.
/// - Returns: [N, width] in float32, or float64 for float64 timesteps.
public func timestepEmbedding(_ timesteps: Tensor, width: Int, maximumPeriod: Double = 10_000) throws -> Tensor {
    let half = width / 2
    let dtype: DType = timesteps.dtype == .float64 ? .float64 : .float32
    // In float32 from the start, as the reference computes them.
    let exponents = try Tensor.arange(0, Double(half), dtype: dtype, device: timesteps.device)
    let frequencies = try (exponents * -log(maximumPeriod) / Double(half)).exp()
    let angles = try timesteps.to(dtype).unsqueeze(1) * frequencies.unsqueeze(0)  // [N, half]
    let embedding = try Tensor.concatenate([angles.cos(), angles.sin()], dim: 1)
    return width % 2 == 0 ? embedding : try embedding.pad([(0, 1)])
}
