import Foundation
import Tensors

/// What a sampler works on, as plain numbers: noise to begin with, or what became of it. [N, C, H, W], row-major.
///
/// In files: safetensors with one tensor, `latents`.
public struct Latents: Sendable, Hashable, Codable {
    public let shape: [Int]
    public let values: [Float]

    static let name = "latents"

    /// - Throws: `GenerationError.invalid` unless the shape has four positive extents and as many values.
    public init(shape: [Int], values: [Float]) throws {
        guard shape.count == 4, shape.allSatisfy({ $0 > 0 }), Self.count(shape) == values.count else {
            throw GenerationError.invalid(
                option: "latents", value: "\(values.count) numbers of shape \(shape)", expected: "[N, C, H, W]")
        }
        self.shape = shape
        self.values = values
    }

    /// - Throws: `DecodingError`, or `GenerationError.invalid` as above.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            shape: values.decode([Int].self, forKey: .shape), values: values.decode([Float].self, forKey: .values))
    }

    /// Several one after another.
    /// - Throws: `GenerationError.invalid` where their pictures are not of one size.
    public init(joining parts: [Latents]) throws {
        let rest = parts.first?.shape.dropFirst() ?? []
        guard parts.allSatisfy({ $0.shape.dropFirst() == rest }) else {
            throw GenerationError.invalid(option: "latents", value: "of several sizes", expected: "one size")
        }
        try self.init(shape: [parts.reduce(0) { $0 + $1.shape[0] }] + rest, values: parts.flatMap(\.values))
    }

    /// One picture's, [1, C, H, W].
    /// - Throws: `GenerationError.invalid` where there are not so many.
    func row(_ index: Int) throws -> Latents {
        guard (0..<shape[0]).contains(index) else {
            throw GenerationError.invalid(
                option: "initial-noise", value: "of shape \(shape)",
                expected: "all that was given then: this picture began from its row \(index), counted from 0")
        }
        let size = values.count / shape[0]
        return try Latents(
            shape: [1] + shape.dropFirst(), values: Array(values[index * size..<(index + 1) * size]))
    }

    init(_ tensor: Tensor) throws { try self.init(shape: tensor.shape, values: tensor.floats()) }

    /// Reads the tensor `latents` of a safetensors or `.pt` file, whatever its floating-point type.
    /// - Throws: `TensorFileError`, naming the file.
    public init(path: String) throws {
        let archive = try TensorArchive.open(path)
        let entry = try archive.entry(Self.name)
        guard entry.shape.count == 4, !entry.shape.contains(0), entry.dtype.isFloatingPoint else {
            throw TensorFileError(
                .unsupported, file: path, tensor: Self.name, "is \(entry.dtype.rawValue) of shape \(entry.shape)",
                expected: "real numbers of shape [N, C, H, W]")
        }
        try self.init(archive.tensor(Self.name))
    }

    /// Writes a safetensors file: the old one or the whole new one, never a part.
    /// - Throws: `TensorFileError` of kind `unwritable`.
    public func write(to path: String) throws {
        try Safetensors.write(
            [.init(name: Self.name, dtype: .float32, shape: shape) { sink in try values.withUnsafeBytes(sink) }],
            to: path)
    }

    /// Some of the pictures as a tensor.
    func tensor(_ rows: Range<Int>) throws -> Tensor {
        let size = Self.count(Array(shape.dropFirst()))
        return try Tensor(
            Array(values[rows.lowerBound * size..<rows.upperBound * size]), shape: [rows.count] + shape.dropFirst())
    }

    /// The product, or the largest number where it overflows.
    private static func count(_ shape: [Int]) -> Int {
        shape.reduce(1) { product, extent in
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            return overflow ? Int.max : next
        }
    }
}
