import Layers
public import Tensors

/// Learned codes, and the nearest of them for each pixel of latents (van den Oord et al. 2017; taming-transformers
/// `VectorQuantizer2`).
public struct Codebook {
    /// [count, c]; in float32 whatever the run's type, since a code rounded may be another one's neighbour.
    public let codes: Tensor

    init(_ weights: Weights, count: Int, width: Int) throws {
        codes = try (weights / "embedding").normParameter(
            "weight", [count, width], initial: .uniform(bound: 1 / Double(count)))
    }

    /// Numbers of distances held at a time.
    private static let distances = 1 << 24

    /// Which code is nearest: [N, c, h, w] → [N, h, w], int64.
    public func nearest(_ latents: Tensor) throws -> Tensor {
        let shape = latents.shape
        guard shape.count == 4, shape[1] == codes.shape[1] else {
            throw TensorError(
                operation: "nearest code", shapes: [shape], message: "expected [N, \(codes.shape[1]), h, w]")
        }
        return try withoutGradients {
            let pixels = try latents.to(.float32).permute([0, 2, 3, 1]).reshape([-1, shape[1]])  // [N·h·w, c]
            // |z − e|² = |z|² − 2 z·e + |e|², of which |z|² is the same for all codes.
            let half = try codes.square().sum([1]) * -0.5
            let count = pixels.shape[0]
            let step = max(1, Self.distances / codes.shape[0])
            let parts = try stride(from: 0, to: count, by: step).map { start in
                try pixels.rows(start..<min(start + step, count)).linear(codes, bias: half).argmax(dim: 1)
            }
            return try Tensor.concatenate(parts).reshape([shape[0], shape[2], shape[3]])
        }
    }

    /// The codes by number: [N, h, w], int64 → [N, c, h, w].
    public func look(up indices: Tensor) throws -> Tensor {
        guard indices.rank == 3, indices.dtype == .int64 else {
            throw TensorError(
                operation: "look up codes", shapes: [indices.shape], message: "expected int64 numbers, [N, h, w]")
        }
        let codes = codes.shape[0]
        guard try indices.min().item() >= 0, try indices.max().item() < Double(codes) else {
            throw TensorError(
                operation: "look up codes", shapes: [indices.shape], message: "there are codes 0 to \(codes - 1) only")
        }
        return try self.codes.embedding(indices).permute([0, 3, 1, 2])
    }

    /// Each pixel's nearest code in its place; gradients pass as if nothing had happened: [N, c, h, w] → the same shape.
    public func quantise(_ latents: Tensor) throws -> Tensor {
        let quantised = try look(up: nearest(latents)).to(like: latents)
        return Tensor.isRecordingGradients ? try latents + (quantised - latents).detach() : quantised
    }
}
