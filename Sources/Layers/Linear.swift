public import Tensors

/// `x·Wᵀ + b` over the last dimension: [..., in] → [..., out].
public struct Linear {
    public let weight: Tensor
    public let bias: Tensor?
    private let packing: Packing<PackedLinear>?

    public init(
        _ weights: Weights, in width: Int, out: Int, bias: Bool = true, initial: Initial? = nil
    ) throws {
        let bound = Initial.uniform(bound: 1 / Double(width).squareRoot())
        weight = try weights.parameter("weight", [out, width], initial: initial ?? bound)
        self.bias = bias ? try weights.parameter("bias", [out], initial: initial == nil ? bound : .zeros) : nil
        packing = weights.packing(of: "weight")
    }

    /// Over parameters that are there already, for networks whose keys are other than `weight` and `bias`.
    package init(weight: Tensor, bias: Tensor? = nil) {
        self.weight = weight
        self.bias = bias
        packing = nil
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor { try packing.linear(x, weight, bias: bias) }

    /// The first half of what comes out times GELU (exact) of the second: [..., in] → [..., out / 2] (Shazeer 2020, GEGLU).
    package func gatedGELU(_ x: Tensor) throws -> Tensor {
        if let packed = try packing?(x, weight: weight, bias: bias, gated: true) { return packed }
        let hidden = try x.linear(weight, bias: bias)
        if let gated = try hidden.gatedGELU() { return gated }
        let parts = try hidden.chunk(2, dim: -1)
        return try parts[0] * parts[1].gelu()
    }
}

/// Rows of a table by int64 index: [...] → [..., width].
public struct Embedding {
    public let weight: Tensor

    public init(_ weights: Weights, count: Int, width: Int, deviation: Double = 1) throws {
        weight = try weights.parameter("weight", [count, width], initial: .normal(deviation: deviation))
    }

    public func callAsFunction(_ indices: Tensor) throws -> Tensor { try weight.embedding(indices) }
}
