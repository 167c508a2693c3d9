import Foundation
import Tensors
import Testing

/// A safetensors file of `Tests/Fixtures`.
func golden(_ name: String) throws -> TensorArchive {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try .open(tests.appending(path: "Fixtures/\(name).safetensors").path)
}

/// The largest difference of two tensors of one shape.
func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
    try #require(a.shape == b.shape, "\(a) and \(b)")
    return a.count == 0 ? 0 : try (a.to(.float64) - b.to(.float64)).abs().max().item()
}

/// A tensor's elements as they lie in memory.
func rawBytes(_ tensor: Tensor) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: tensor.count * tensor.dtype.byteCount)
    try bytes.withUnsafeMutableBytes { try tensor.copyBytes(to: $0) }
    return bytes
}

func tensor(_ values: [Double], _ shape: [Int], _ dtype: DType = .float32) throws -> Tensor {
    try Tensor(values, shape: shape).to(dtype)
}
