internal import Foundation
internal import Tensors

/// The packed weight of a convolution that only draws: made at its first use, when the pictures' size is known.
final class ConvolutionPacking: @unchecked Sendable {
    // Touched under the lock.
    private var packed: PackedConvolution?
    private var isTried = false
    private let lock = NSLock()
    private let release: () -> Void

    /// Below so many numbers there is little to gain.
    private static let least = 1 << 14

    /// - Parameter release: is called when the weight itself is no longer read.
    init(release: @escaping () -> Void) { self.release = release }

    /// - Returns: nil where the convolution is to be computed as it stands.
    func callAsFunction(_ x: Tensor, _ convolution: Convolution2D) throws -> Tensor? {
        let weight = convolution.weight
        guard !Tensor.isRecordingGradients, x.device == .cpu, x.dtype == weight.dtype, x.isChannelsLast,
            x.dtype == .float32 || x.dtype == .bfloat16, weight.count >= Self.least
        else { return nil }
        let packed = try lock.withLock {
            if !isTried {
                isTried = true
                self.packed = try PackedConvolution(
                    weight.channelsLast(), stride: convolution.stride, padding: convolution.padding, for: x.shape)
                if self.packed != nil { release() }
            }
            return self.packed
        }
        return try packed?(x, bias: convolution.bias)
    }
}
