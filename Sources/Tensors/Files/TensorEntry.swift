/// Where a tensor lies in a weight file, and how its elements are to be read.
///
/// Element (i₀, i₁, …) is number `storageOffset + Σ iₖ·strides[k]` of the storage at `storage`. All of it was
/// checked against the storage when the file was opened. Bytes are little-endian; their address need not be aligned.
public struct TensorEntry: Sendable, Hashable {
    public let name: String
    public let dtype: DType
    public let shape: [Int]
    /// Steps in elements, one a dimension; none leads from a dimension's only entry further than the storage is long.
    public let strides: [Int]
    /// The first element's place in the storage, in elements; 0 where there is none.
    public let storageOffset: Int
    /// The bytes of the file that hold the storage. Tensors of a `.pt` file may share one.
    public let storage: Range<Int>
    /// The number of elements: the product of `shape`, 1 for a scalar.
    public let elementCount: Int

    /// The tensor's size in bytes when its elements stand side by side.
    public var byteCount: Int { elementCount * dtype.byteCount }

    /// Whether the elements stand side by side in row-major order, so that `bytes` is the tensor.
    public var isContiguous: Bool {
        if elementCount == 0 { return true }
        var step = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            if stride != step { return false }
            step *= extent
        }
        return true
    }

    /// The bytes of the file from the tensor's first element; they are the whole tensor where `isContiguous`.
    public var bytes: Range<Int>? {
        guard isContiguous else { return nil }
        if elementCount == 0 { return storage.lowerBound..<storage.lowerBound }
        let start = storage.lowerBound + storageOffset * dtype.byteCount
        return start..<start + byteCount
    }

    /// Checks that the described elements lie in the storage.
    /// - Parameters:
    ///   - strides: without them, the elements stand side by side and fill the storage.
    ///   - storage: bytes within a mapped file.
    /// - Throws: what is wrong, in words, as `Complaint`.
    package init(
        name: String, dtype: DType, shape: [Int], strides: [Int]? = nil, storageOffset: Int = 0, storage: Range<Int>
    ) throws(Complaint) {
        guard shape.count <= 64 else { throw Complaint("\(shape.count) dimensions", "at most 64") }
        guard shape.allSatisfy({ $0 >= 0 }) else { throw Complaint("shape \(shape)", "no negative extents") }
        let size = dtype.byteCount
        let capacity = storage.count / size
        // Zeros first: 0 × anything is 0, whatever the other extents would overflow to.
        var elements = shape.contains(0) ? 0 : 1
        for extent in shape where elements > 0 {
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= Int.max / size else { throw Complaint("shape \(shape) overflows") }
            elements = product
        }
        if strides == nil, elements * size != storage.count {
            throw Complaint(
                "it spans \(storage.count) bytes", "\(elements * size) for shape \(shape) in \(dtype.rawValue)")
        }
        let steps = strides ?? Self.rowMajor(shape)
        guard steps.count == shape.count else {
            throw Complaint("\(steps.count) strides \(steps)", "\(shape.count), one a dimension")
        }
        guard storageOffset >= 0, steps.allSatisfy({ $0 >= 0 }) else {
            throw Complaint("strides \(steps) and offset \(storageOffset)", "no negative numbers")
        }
        if elements > 0 {
            var last = storageOffset
            for (extent, stride) in zip(shape, steps) {
                let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
                let (sum, overflowed) = last.addingReportingOverflow(reach)
                guard !overflow, !overflowed, sum < capacity else {
                    throw Complaint(
                        "shape \(shape) with strides \(steps) from element \(storageOffset) ends outside its storage",
                        "at most \(capacity) elements")
                }
                last = sum
            }
            guard last < capacity else {
                throw Complaint("element \(storageOffset) lies outside its storage", "at most \(capacity) elements")
            }
        }
        self.name = name
        self.dtype = dtype
        self.shape = shape
        // What no element needs may be any number in a file, and must not overflow where it is counted with.
        self.strides = zip(shape, steps).map { extent, step in extent > 1 || step <= capacity ? step : 1 }
        self.storageOffset = elements > 0 ? storageOffset : 0
        self.storage = storage
        elementCount = elements
    }

    private init(_ entry: TensorEntry, renamed name: String) {
        self.name = name
        dtype = entry.dtype
        shape = entry.shape
        strides = entry.strides
        storageOffset = entry.storageOffset
        storage = entry.storage
        elementCount = entry.elementCount
    }

    /// The same tensor under another name.
    package func renamed(_ name: String) -> TensorEntry { TensorEntry(self, renamed: name) }

    /// The strides of elements side by side; wrapping is of no consequence, as it needs an empty tensor.
    private static func rowMajor(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            let (step, overflow) = strides[axis + 1].multipliedReportingOverflow(by: max(shape[axis + 1], 1))
            strides[axis] = overflow ? Int.max : step
        }
        return strides
    }
}

/// What is wrong with a part of a file, before the file and the place are known.
package struct Complaint: Error {
    package let problem: String
    package let expected: String?

    package init(_ problem: String, _ expected: String? = nil) {
        self.problem = problem
        self.expected = expected
    }
}
