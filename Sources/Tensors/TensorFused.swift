internal import CTorch

// Several steps of a network in one pass over memory.

extension Tensor {
    /// SiLU(norm(x + offset) · (1 + scale) + shift) of [N, C, H, W], as one operation, with its gradients where a graph is
    /// recorded.
    ///
    /// - Parameters:
    ///   - weight, bias: of the group normalisation, [C].
    ///   - offset, scale, shift: N · C numbers.
    /// - Returns: nil where it is to be computed step by step: beside the CPU, for other types than float32 and bfloat16, and
    ///   for pictures whose channels are not innermost in memory.
    package func groupNormSiLU(
        groups: Int, weight: Tensor, bias: Tensor, epsilon: Double, offset: Tensor? = nil, scale: Tensor? = nil,
        shift: Tensor? = nil
    ) throws -> Tensor? {
        guard ct_fuses_group_norm(pointer) else { return nil }
        let operands = [self, weight, bias] + [offset, scale, shift].compactMap { $0 }
        return try make("groupNormSiLU", of: operands) {
            ct_fused_group_norm(
                pointer, offset?.pointer, groups, weight.pointer, bias.pointer, epsilon, scale?.pointer, shift?.pointer,
                true, $0)
        }
    }

    /// Whether networks of convolutions are faster with channels innermost: without a graph, and where there are kernels of
    /// our own for the CPU. With libtorch's, narrow levels train faster with each channel's pixels together.
    private var prefersChannelsLast: Bool {
        !Tensor.isRecordingGradients || (device == .cpu && ct_has_winograd(DType.float32.c, 32, 32))
    }

    /// [N, C, H, W], laid out in memory as networks of convolutions are faster.
    package func laidOutForConvolutions() throws -> Tensor { try prefersChannelsLast ? channelsLast() : self }

    /// [..., 2 · width] → [..., width]: the first half times GELU (exact) of the second, as one operation.
    ///
    /// - Returns: nil as in `groupNormSiLU`, and where a graph is recorded.
    package func gatedGELU() throws -> Tensor? {
        guard ct_fuses_gated_gelu(pointer) else { return nil }
        return try make("gatedGELU", self) { ct_gated_gelu(pointer, $0) }
    }
}

/// A convolution's weight as the fastest kernel there is reads it: transformed for Winograd's minimal filtering (3×3, stride
/// and padding 1), or in the order of oneDNN's, which else they bring it into at every call.
package struct PackedConvolution {
    private enum Way { case winograd(out: Int), oneDNN(stride: Int, padding: Int) }
    private let weight: Tensor
    private let way: Way

    /// - Parameters:
    ///   - weight: [out, in, k, k] on the CPU.
    ///   - shape: of the inputs to come, [N, in, H, W]; others are computed too.
    /// - Returns: nil where there is no such kernel for the weight's type.
    package init?(_ weight: Tensor, stride: Int, padding: Int, for shape: [Int]) throws {
        let sizes = weight.shape
        guard sizes.count == 4, shape.count == 4 else { return nil }
        if sizes[2...] == [3, 3], stride == 1, padding == 1, ct_has_winograd(weight.dtype.c, sizes[1], sizes[0]) {
            self.weight = try make("pack", weight) { ct_pack_winograd(weight.pointer, $0) }
            way = .winograd(out: sizes[0])
        } else {
            guard ct_packs_convolutions(weight.dtype.c) else { return nil }
            let ordered = try weight.channelsLast()
            self.weight = try make("pack", weight) { ct_pack_convolution(ordered.pointer, stride, padding, shape, $0) }
            way = .oneDNN(stride: stride, padding: padding)
        }
    }

    /// Without a graph.
    /// - Parameter x: [N, in, H, W] of the weight's type, channels innermost in memory.
    package func callAsFunction(_ x: Tensor, bias: Tensor?) throws -> Tensor {
        try make("convolution", of: [x] + bias.list) {
            switch way {
            case .winograd(let out): ct_winograd(x.pointer, weight.pointer, bias?.pointer, out, $0)
            case .oneDNN(let stride, let padding):
                ct_packed_convolution(x.pointer, weight.pointer, bias?.pointer, stride, padding, $0)
            }
        }
    }
}

/// A matrix as a product of ours reads it, which takes the gate of a perceptron along, and whole numbers of 8 bits. What comes
/// out for a row does not depend on how many others there are.
package struct PackedLinear {
    private let weight: Tensor
    private let width: Int
    private let out: Int
    /// The first half of what comes out is multiplied by GELU of the second.
    package let isGated: Bool
    /// Weights are whole numbers of 8 bits with a scale for each column; so are rows, each as it comes.
    package let isQuantized: Bool

    /// - Parameters:
    ///   - weight: [out, in] on the CPU.
    ///   - gated: the first half of what comes out is to be multiplied by GELU (exact) of the second.
    ///   - quantized: multiplies whole numbers of 8 bits.
    /// - Returns: nil where there is no such product for the weight's type on this processor.
    package init?(_ weight: Tensor, gated: Bool = false, quantized: Bool = false) throws {
        guard ct_has_product(weight.dtype.c, quantized) else { return nil }
        self.weight = try make("pack", weight) { ct_pack_product(weight.pointer, gated, quantized, $0) }
        (isGated, isQuantized, width, out) = (gated, quantized, weight.shape[1], weight.shape[0])
    }

    /// Without a graph.
    /// - Parameter x: [..., in] of the weight's type.
    package func callAsFunction(_ x: Tensor, bias: Tensor?) throws -> Tensor {
        guard x.shape.last == width else {
            throw TensorError(
                operation: "linear", shapes: [x.shape], message: "a packed weight for rows of \(width) numbers")
        }
        return try make("linear", of: [x] + bias.list) {
            ct_product(x.pointer, weight.pointer, bias?.pointer, out, isGated, isQuantized, $0)
        }
    }

    /// Whether this processor multiplies whole numbers of 8 bits by our kernels.
    package static var canQuantize: Bool { ct_has_product(DType.bfloat16.c, true) }
}
