public import Tensors

/// A 2-D convolution over [N, in, H, W].
public struct Convolution2D {
    public let weight: Tensor
    public let bias: Tensor?
    public let stride: Int
    public let padding: Int
    private let packing: Packing<PackedConvolution>?

    /// - Parameter padding: nil keeps the size at stride 1.
    public init(
        _ weights: Weights, in channels: Int, out: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil,
        bias: Bool = true, initial: Initial? = nil
    ) throws {
        let bound = Initial.uniform(bound: 1 / Double(channels * kernel * kernel).squareRoot())
        weight = try weights.parameter("weight", [out, channels, kernel, kernel], initial: initial ?? bound)
        self.bias = bias ? try weights.parameter("bias", [out], initial: initial == nil ? bound : .zeros) : nil
        self.stride = stride
        self.padding = padding ?? kernel / 2
        packing = weights.packing(of: "weight")
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        if let packed = try packing?(x, self) { return packed }
        return try x.convolution(weight, bias: bias, stride: stride, padding: padding)
    }
}

/// A convolution of kernel 1 over a sequence, kept in its published shape [out, in, 1] and computed as a matrix product
/// over [N, L, in].
public struct PointwiseConvolution1D {
    public let weight: Tensor
    public let bias: Tensor?
    private let packing: Packing<PackedLinear>?

    public init(
        _ weights: Weights, in channels: Int, out: Int, bias: Bool = true, initial: Initial? = nil
    ) throws {
        let bound = Initial.uniform(bound: 1 / Double(channels).squareRoot())
        weight = try weights.parameter("weight", [out, channels, 1], initial: initial ?? bound)
        self.bias = bias ? try weights.parameter("bias", [out], initial: initial == nil ? bound : .zeros) : nil
        packing = weights.packing(of: "weight")
    }

    /// [N, L, in] → [N, L, out].
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try packing.linear(x, weight.squeeze(-1), bias: bias)
    }
}
