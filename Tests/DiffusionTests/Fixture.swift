import Foundation
import Tensors
import Testing

/// A safetensors file of `Tests/Fixtures`, read for tests.
struct Fixture {
    let metadata: [String: String]
    private let entries: [String: [String: Any]]
    private let data: Data
    private let start: Int

    init(_ name: String, file: String = #filePath) throws {
        let tests = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
        data = try Data(contentsOf: tests.appendingPathComponent("Fixtures/\(name).safetensors"))
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        start = 8 + length
        let header = try JSONSerialization.jsonObject(with: data.subdata(in: 8..<start))
        let entries = try #require(header as? [String: [String: Any]])
        metadata = entries["__metadata__"] as? [String: String] ?? [:]
        self.entries = entries.filter { $0.key != "__metadata__" }
    }

    var keys: [String] { entries.keys.sorted() }

    /// The options of a case, kept as JSON in the metadata.
    func options(_ name: String) throws -> [String: Any] {
        let text = try #require(metadata[name])
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    subscript(_ key: String) -> Tensor {
        get throws {
            let entry = try #require(entries[key], "\(key) is not in the fixture")
            let offsets = try #require(entry["data_offsets"] as? [Int])
            let types: [String: DType] = [
                "F64": .float64, "F32": .float32, "F16": .float16, "I64": .int64, "BOOL": .bool, "U8": .uint8,
            ]
            let dtype = try #require(types[entry["dtype"] as? String ?? ""])
            let bytes = data.subdata(in: start + offsets[0]..<start + offsets[1])
            let shape = try #require(entry["shape"] as? [Int])
            return try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: dtype) }
        }
    }
}

/// The largest difference of two arrays, relative to the largest element of the second.
func difference(_ actual: Tensor, _ expected: Tensor) throws -> Double {
    try #require(actual.shape == expected.shape)
    let largest = try expected.to(.float64).abs().max().item()
    return try (actual.to(.float64) - expected.to(.float64)).abs().max().item() / max(largest, .leastNormalMagnitude)
}

/// Whether all elements agree, each to its own size.
func agree(_ actual: [Double], _ expected: [Double], relative: Double = 1e-12, absolute: Double = 1e-14) -> Bool {
    actual.count == expected.count
        && zip(actual, expected).allSatisfy { abs($0 - $1) <= relative * abs($1) + absolute }
}

func normal(_ shape: [Int], seed: UInt64 = 1, dtype: DType = .float64) throws -> Tensor {
    try .randn(shape, dtype: dtype, generator: RandomGenerator(seed: seed))
}
