import Foundation
import Layers
import Tensors
import Testing

/// A safetensors file of `Tests/Fixtures`.
func golden(_ name: String) throws -> TensorArchive {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try .open(tests.appending(path: "Fixtures/\(name).safetensors").path)
}

/// The L2 distance of two tensors, relative to the second.
func relativeError(_ a: Tensor, _ b: Tensor) throws -> Double {
    try #require(a.shape == b.shape, "\(a) and \(b)")
    return try ((a.to(.float64) - b.to(.float64)).norm() / b.to(.float64).norm()).item()
}
