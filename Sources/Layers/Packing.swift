internal import Foundation
package import Tensors

/// The packed weight of a layer that only draws: made at its first use, when the sizes it is used for are known. Small ones,
/// too: what libtorch's products make of a row may depend on how many others there are (with MKL on Intel's processors).
package final class Packing<Packed>: @unchecked Sendable {
    // Touched under the lock.
    private var packed: Packed?
    private var isTried = false
    private let lock = NSLock()
    private let quantizes: Bool
    private let release: () -> Void

    /// - Parameters:
    ///   - quantizes: keeps a large matrix in whole numbers of 8 bits.
    ///   - release: is called when the weight itself is no longer read.
    init(quantizes: Bool = false, release: @escaping () -> Void) {
        self.quantizes = quantizes
        self.release = release
    }

    private func serves(_ x: Tensor, _ weight: Tensor) -> Bool {
        !Tensor.isRecordingGradients && x.device == .cpu && x.dtype == weight.dtype
            && (x.dtype == .float32 || x.dtype == .bfloat16) && weight.count > 0 && x.count > 0
    }

    private func once(_ make: () throws -> Packed?) throws -> Packed? {
        try lock.withLock {
            if !isTried {
                isTried = true
                packed = try make()
                if packed != nil { release() }
            }
            return packed
        }
    }
}

extension Packing<PackedConvolution> {
    /// - Returns: nil where the convolution is to be computed as it stands.
    func callAsFunction(_ x: Tensor, _ layer: Convolution2D) throws -> Tensor? {
        guard x.isChannelsLast, serves(x, layer.weight) else { return nil }
        let made = try once {
            try PackedConvolution(layer.weight, stride: layer.stride, padding: layer.padding, for: x.shape)
        }
        return try made?(x, bias: layer.bias)
    }
}

/// Whole numbers pay for matrices so large.
private let leastQuantized = 1 << 16

extension Packing<PackedLinear> {
    /// - Parameters:
    ///   - x: [..., in].
    ///   - weight: [out, in], always the same.
    ///   - gated: the first half of what comes out times GELU (exact) of the second.
    /// - Returns: nil where the product is to be computed as it stands.
    package func callAsFunction(_ x: Tensor, weight: Tensor, bias: Tensor?, gated: Bool = false) throws -> Tensor? {
        guard serves(x, weight), x.shape.last == weight.shape.last else { return nil }
        let isWorth = quantizes && weight.count >= leastQuantized
        let made = try once { try PackedLinear(weight, gated: gated, quantized: isWorth) }
        return made?.isGated == gated ? try made?(x, bias: bias) : nil
    }
}

extension Packing<PackedLinear>? {
    /// `x·Wᵀ + b` by the packed weight, or as it stands.
    package func linear(_ x: Tensor, _ weight: Tensor, bias: Tensor?) throws -> Tensor {
        if let packed = try self?(x, weight: weight, bias: bias) { return packed }
        return try x.linear(weight, bias: bias)
    }
}
