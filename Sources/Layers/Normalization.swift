public import Tensors

/// Group normalisation over [N, C, ...] (Wu & He 2018), computed in float32.
public struct GroupNorm {
    public let weight: Tensor
    public let bias: Tensor
    public let groups: Int
    public let epsilon: Double

    public init(_ weights: Weights, channels: Int, groups: Int = 32, epsilon: Double = 1e-5) throws {
        weight = try weights.normParameter("weight", [channels], initial: .ones)
        bias = try weights.normParameter("bias", [channels], initial: .zeros)
        self.groups = groups
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try inFloat32(x) { try $0.groupNorm(groups: groups, weight: weight, bias: bias, epsilon: epsilon) }
    }

    /// The normalisation and what follows it in a residual block: SiLU(norm(x + offset) · (1 + scale) + shift).
    ///
    /// - Parameters:
    ///   - x: [N, C, H, W].
    ///   - offset, scale, shift: [N, C, 1, 1]; scale and shift come together.
    package func activated(
        _ x: Tensor, offset: Tensor? = nil, scale: Tensor? = nil, shift: Tensor? = nil
    ) throws -> Tensor {
        if let fused = try x.groupNormSiLU(
            groups: groups, weight: weight, bias: bias, epsilon: epsilon, offset: offset, scale: scale, shift: shift)
        { return fused }
        // One operation a line: at full resolution each tensor that lives on takes gigabytes.
        var h = try offset.map { try x + $0 } ?? x
        h = try self(h)
        if let scale, let shift { h = try h * (scale + 1) + shift }
        return try h.silu()
    }
}

/// Layer normalisation over the last dimension (Ba et al. 2016), computed in float32.
public struct LayerNorm {
    public let weight: Tensor
    public let bias: Tensor
    public let epsilon: Double

    public init(_ weights: Weights, width: Int, epsilon: Double = 1e-5) throws {
        weight = try weights.normParameter("weight", [width], initial: .ones)
        bias = try weights.normParameter("bias", [width], initial: .zeros)
        self.epsilon = epsilon
    }

    /// Over parameters that are there already, for networks whose keys are other than `weight` and `bias`.
    package init(weight: Tensor, bias: Tensor, epsilon: Double = 1e-5) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try inFloat32(x) { try $0.layerNorm(weight: weight, bias: bias, epsilon: epsilon) }
    }
}

/// libtorch's CPU kernels read bfloat16 and accumulate in float32 by themselves; elsewhere the input is converted.
private func inFloat32(_ x: Tensor, _ norm: (Tensor) throws -> Tensor) throws -> Tensor {
    let dtype = x.dtype
    if dtype == .float32 || (dtype == .bfloat16 && x.device == .cpu) { return try norm(x) }
    return try norm(x.to(.float32)).to(dtype)
}
