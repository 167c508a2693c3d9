internal import CTorch

/// An n-dimensional array of numbers, held and computed by libtorch.
///
/// A `Tensor` is a small value around one reference; copying it copies no numbers. Operations are pure and throw a
/// `TensorError` that carries the operation, the shapes and libtorch's message. Tensors are not `Sendable`: one thread
/// or actor at a time.
///
/// ```swift
/// var generator = try RandomGenerator(seed: 7)
/// let x = try Tensor.randn([2, 3], generator: generator)
/// let y = try (x * 2 + 1).softmax(dim: -1)
/// ```
public struct Tensor {
    let handle: Handle

    /// Takes over a pointer from the shim.
    init(_ pointer: OpaquePointer) {
        handle = Handle(pointer)
    }

    var pointer: OpaquePointer { handle.pointer }

    // MARK: What it is

    /// The lengths of the dimensions, outermost first; empty for a scalar.
    public var shape: [Int] {
        withExtendedLifetime(handle) {
            let rank = Int(ct_rank(pointer))
            return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
                if let base = buffer.baseAddress { ct_shape(pointer, base) }
                count = rank
            }
        }
    }

    public var rank: Int { withExtendedLifetime(handle) { Int(ct_rank(pointer)) } }

    /// The number of elements.
    public var count: Int { withExtendedLifetime(handle) { ct_count(pointer) } }

    public var dtype: DType {
        // The shim makes no tensor of another type: every creation and cast goes through `DType`.
        withExtendedLifetime(handle) { DType(c: ct_dtype(pointer)) } ?? .float32
    }

    public var device: Device { withExtendedLifetime(handle) { Device(ct_tensor_device(pointer)) } }

    /// The length of one dimension; negative counts from the end.
    public func size(_ dim: Int) throws -> Int {
        let shape = shape
        let index = dim < 0 ? shape.count + dim : dim
        guard shape.indices.contains(index) else {
            throw TensorError(operation: "size", shapes: [shape], message: "there is no dimension \(dim)")
        }
        return shape[index]
    }

    public var isContiguous: Bool { withExtendedLifetime(handle) { ct_is_contiguous(pointer, false) } }
    public var isChannelsLast: Bool {
        withExtendedLifetime(handle) { rank == 4 && ct_is_contiguous(pointer, true) }
    }

    /// Whether two tensors are views of the same memory.
    public func sharesMemory(with other: Tensor) -> Bool {
        withExtendedLifetime((self, other)) { ct_is_same_storage(pointer, other.pointer) }
    }
}

extension Tensor: CustomStringConvertible {
    public var description: String {
        "Tensor[\(shape.map(String.init).joined(separator: ", "))] \(dtype.rawValue) on \(device)"
    }
}
