internal import CTorch

// What networks are made of: pictures are [N, C, H, W], sequences [N, L, C].

extension Tensor {
    public func matmul(_ other: Tensor) throws -> Tensor {
        try make("matmul", self, other) { ct_matmul(pointer, other.pointer, $0) }
    }

    /// `self · weightᵀ + bias`; the weight is [out, in].
    public func linear(_ weight: Tensor, bias: Tensor? = nil) throws -> Tensor {
        try make("linear", of: [self, weight] + bias.list) { ct_linear(pointer, weight.pointer, bias?.pointer, $0) }
    }

    /// The rows of a table [count, width] that int64 indices name.
    public func embedding(_ indices: Tensor) throws -> Tensor {
        try make("embedding", self, indices) { ct_embedding(pointer, indices.pointer, $0) }
    }

    /// A 1-D or 2-D convolution, by the weight: [out, in / groups, k] or [out, in / groups, k, k].
    public func convolution(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
    ) throws -> Tensor {
        try make("convolution", of: [self, weight] + bias.list) {
            ct_convolution(pointer, weight.pointer, bias?.pointer, stride, padding, dilation, groups, $0)
        }
    }

    /// A 2-D transposed convolution; the weight is [in, out / groups, k, k].
    public func transposedConvolution(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
        groups: Int = 1
    ) throws -> Tensor {
        try make("transposedConvolution", of: [self, weight] + bias.list) {
            ct_transposed_convolution(
                pointer, weight.pointer, bias?.pointer, stride, padding, outputPadding, groups, $0)
        }
    }

    /// Group normalisation over [N, C, ...] (Wu & He 2018).
    public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) throws -> Tensor {
        try make("groupNorm", of: [self] + weight.list + bias.list) {
            ct_group_norm(pointer, groups, weight?.pointer, bias?.pointer, epsilon, $0)
        }
    }

    /// Layer normalisation over the last dimension (Ba et al. 2016).
    public func layerNorm(weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) throws -> Tensor {
        let width = [try size(-1)]
        return try make("layerNorm", of: [self] + weight.list + bias.list) {
            ct_layer_norm(pointer, width, 1, weight?.pointer, bias?.pointer, epsilon, $0)
        }
    }

    /// `softmax(q·kᵀ·scale + mask)·v` with q, k, v as [N, heads, length, width].
    ///
    /// - Parameters:
    ///   - mask: boolean (true takes part) or additive, broadcast to [N, heads, queries, keys].
    ///   - scale: 1/√width where nil.
    public static func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, causal: Bool = false, scale: Double? = nil
    ) throws -> Tensor {
        let width = try q.size(-1)
        let scale = scale ?? 1 / Double(width).squareRoot()
        return try make("attention", of: [q, k, v] + mask.list) {
            ct_attention(q.pointer, k.pointer, v.pointer, mask?.pointer, causal, scale, $0)
        }
    }

    /// Attention by libtorch's own operation, never by our kernels, with a scale of 1/√width: for comparison.
    package static func libtorchAttention(_ q: Tensor, _ k: Tensor, _ v: Tensor) throws -> Tensor {
        try make("libtorchAttention", q, k, v) { ct_libtorch_attention(q.pointer, k.pointer, v.pointer, $0) }
    }

    /// Means over blocks of `size` × `size` pixels.
    public func averagePool(_ size: Int = 2) throws -> Tensor { try make("averagePool", self) { ct_average_pool(pointer, size, $0) } }

    public enum Interpolation: Int32, Sendable { case nearest, bilinear, bicubic }

    /// [N, C, H, W] at another size; corners not aligned.
    public func resize(height: Int, width: Int, _ mode: Interpolation, antialias: Bool = false) throws -> Tensor {
        try make("resize", self) { ct_resize(pointer, height, width, mode.rawValue, antialias, $0) }
    }

    /// [N, C·f², H, W] → [N, C, H·f, W·f].
    public func pixelShuffle(_ factor: Int) throws -> Tensor { try make("pixelShuffle", self) { ct_pixel_shuffle(pointer, factor, $0) } }
    /// [N, C, H·f, W·f] → [N, C·f², H, W].
    public func pixelUnshuffle(_ factor: Int) throws -> Tensor { try make("pixelUnshuffle", self) { ct_pixel_unshuffle(pointer, factor, $0) } }

    /// Constant padding; pairs of (before, after), from the last dimension on.
    public func pad(_ pairs: [(before: Int, after: Int)], value: Double = 0) throws -> Tensor {
        let flat = pairs.flatMap { [$0.before, $0.after] }
        return try make("pad", self) { ct_pad(pointer, flat, Int32(flat.count), value, $0) }
    }

    /// Zeroes each element with probability `p` and divides the rest by 1 − p.
    public func dropout(_ p: Double, generator: RandomGenerator) throws -> Tensor {
        if p == 0 { return self }
        return try withExtendedLifetime(generator) {
            try make("dropout", self) { ct_dropout(pointer, p, generator.pointer, $0) }
        }
    }

    /// The mean squared error, a scalar.
    public func meanSquaredError(_ target: Tensor) throws -> Tensor {
        try make("meanSquaredError", self, target) { ct_mse_loss(pointer, target.pointer, true, $0) }
    }

    /// The mean cross-entropy of logits [N, classes] against int64 classes [N].
    public func crossEntropy(_ classes: Tensor) throws -> Tensor {
        try make("crossEntropy", self, classes) { ct_cross_entropy(pointer, classes.pointer, $0) }
    }
}

extension Tensor? {
    var list: [Tensor] { map { [$0] } ?? [] }
}
