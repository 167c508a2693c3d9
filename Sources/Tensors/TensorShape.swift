internal import CTorch

// Dimensions may be negative: −1 is the last.

extension Tensor {
    /// One length may be −1: what is left over.
    public func reshape(_ shape: [Int]) throws -> Tensor {
        try make("reshape", self) { ct_reshape(pointer, shape, Int32(shape.count), $0) }
    }
    public func permute(_ dims: [Int]) throws -> Tensor {
        try make("permute", self) { ct_permute(pointer, dims, Int32(dims.count), $0) }
    }
    public func transpose(_ a: Int, _ b: Int) throws -> Tensor { try make("transpose", self) { ct_transpose(pointer, a, b, $0) } }
    public func unsqueeze(_ dim: Int) throws -> Tensor { try make("unsqueeze", self) { ct_unsqueeze(pointer, dim, $0) } }
    public func squeeze(_ dim: Int) throws -> Tensor { try make("squeeze", self) { ct_squeeze(pointer, dim, $0) } }
    /// Repeats dimensions of length 1 without copying; −1 keeps a length.
    public func expand(_ shape: [Int]) throws -> Tensor {
        try make("expand", self) { ct_expand(pointer, shape, Int32(shape.count), $0) }
    }
    public func repeated(_ times: [Int]) throws -> Tensor {
        try make("repeated", self) { ct_repeat(pointer, times, Int32(times.count), $0) }
    }
    /// `length` entries of a dimension from `start` on, as a view.
    public func narrow(_ dim: Int, start: Int, length: Int) throws -> Tensor {
        try make("narrow", self) { ct_narrow(pointer, dim, start, length, $0) }
    }
    /// One entry of a dimension, which falls away.
    public func select(_ dim: Int, _ index: Int) throws -> Tensor { try make("select", self) { ct_select(pointer, dim, index, $0) } }
    /// One entry of the first dimension.
    public func at(_ index: Int) throws -> Tensor { try select(0, index) }
    /// A range of the first dimension.
    public func rows(_ range: Range<Int>) throws -> Tensor { try narrow(0, start: range.lowerBound, length: range.count) }
    public func indexSelect(_ dim: Int, _ indices: Tensor) throws -> Tensor {
        try make("indexSelect", self, indices) { ct_index_select(pointer, dim, indices.pointer, $0) }
    }
    public func gather(_ dim: Int, _ indices: Tensor) throws -> Tensor {
        try make("gather", self, indices) { ct_gather(pointer, dim, indices.pointer, $0) }
    }
    public func flip(_ dims: [Int]) throws -> Tensor { try make("flip", self) { ct_flip(pointer, dims, Int32(dims.count), $0) } }
    /// Zeroes what is above (or below) a diagonal.
    public func lowerTriangle(diagonal: Int = 0) throws -> Tensor { try make("lowerTriangle", self) { ct_triangle(pointer, diagonal, false, $0) } }
    public func upperTriangle(diagonal: Int = 0) throws -> Tensor { try make("upperTriangle", self) { ct_triangle(pointer, diagonal, true, $0) } }

    /// `count` equal parts of a dimension, as views.
    public func chunk(_ count: Int, dim: Int) throws -> [Tensor] {
        let length = try size(dim)
        guard count > 0, length % count == 0 else {
            throw TensorError(operation: "chunk", shapes: [shape], message: "\(length) is not \(count) equal parts")
        }
        return try (0..<count).map { try narrow(dim, start: $0 * (length / count), length: length / count) }
    }

    public static func concatenate(_ tensors: [Tensor], dim: Int = 0) throws -> Tensor {
        try withPointers(tensors) { pointers, n in
            try make("concatenate", of: tensors) { ct_concatenate(pointers, n, dim, $0) }
        }
    }
    public static func stack(_ tensors: [Tensor], dim: Int = 0) throws -> Tensor {
        try withPointers(tensors) { pointers, n in try make("stack", of: tensors) { ct_stack(pointers, n, dim, $0) } }
    }
}
