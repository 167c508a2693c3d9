internal import CTorch

// No dimensions given means over all elements.

extension Tensor {
    public func sum(_ dims: [Int] = [], keepDims: Bool = false) throws -> Tensor {
        try make("sum", self) { ct_sum(pointer, dims, Int32(dims.count), keepDims, $0) }
    }
    public func mean(_ dims: [Int] = [], keepDims: Bool = false) throws -> Tensor {
        try make("mean", self) { ct_mean(pointer, dims, Int32(dims.count), keepDims, $0) }
    }
    /// The mean over every dimension but the first: one number a batch element.
    public func meanFlat() throws -> Tensor { rank < 2 ? self : try mean(Array(1..<rank)) }
    public func variance(_ dims: [Int] = [], unbiased: Bool = true, keepDims: Bool = false) throws -> Tensor {
        try make("variance", self) { ct_variance(pointer, dims, Int32(dims.count), unbiased, keepDims, $0) }
    }
    public func max(_ dims: [Int] = [], keepDims: Bool = false) throws -> Tensor {
        try make("max", self) { ct_amax(pointer, dims, Int32(dims.count), keepDims, $0) }
    }
    public func min(_ dims: [Int] = [], keepDims: Bool = false) throws -> Tensor {
        try make("min", self) { ct_amin(pointer, dims, Int32(dims.count), keepDims, $0) }
    }
    /// The L2 norm.
    public func norm(_ dims: [Int] = [], keepDims: Bool = false) throws -> Tensor {
        try make("norm", self) { ct_norm(pointer, dims, Int32(dims.count), keepDims, $0) }
    }
    public func argmax(dim: Int) throws -> Tensor { try make("argmax", self) { ct_argmax(pointer, dim, $0) } }
    /// Linearly interpolated quantile along a dimension; `q` in 0...1. libtorch's own takes no more than 2²⁴ numbers.
    public func quantile(_ q: Double, dim: Int, keepDim: Bool = false) throws -> Tensor {
        let last = try size(dim) - 1
        guard (0...1).contains(q), last >= 0 else {
            throw TensorError(operation: "quantile", shapes: [shape], message: "\(q) of \(last + 1) numbers")
        }
        let rank = q * Double(last)
        let below = Int(rank)
        let ascending = try sorted(dim: dim).values
        let above = try ascending.select(dim, Swift.min(below + 1, last))
        let found = try ascending.select(dim, below).lerp(above, weight: rank - Double(below))
        return keepDim ? try found.unsqueeze(dim) : found
    }
    public func cumulativeSum(dim: Int) throws -> Tensor {
        try make("cumulativeSum", self) { ct_cumulative_sum(pointer, dim, $0) }
    }
    /// Sorted values, stably, and where each came from (int64).
    public func sorted(dim: Int, descending: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        var indices: OpaquePointer?
        let values = try make("sorted", self) { ct_sort(pointer, dim, descending, &indices, $0) }
        guard let indices else { throw TensorError(operation: "sorted", shapes: [shape], message: "no indices came") }
        return (values, Tensor(indices))
    }
    /// - Parameter dtype: the type to compute in and to return; nil keeps this tensor's.
    public func softmax(dim: Int, dtype: DType? = nil) throws -> Tensor {
        try make("softmax", self) { ct_softmax(pointer, dim, dtype?.c ?? -1, $0) }
    }
    public func logSoftmax(dim: Int) throws -> Tensor { try make("logSoftmax", self) { ct_log_softmax(pointer, dim, $0) } }
    public func logSumExp(dim: Int, keepDim: Bool = false) throws -> Tensor {
        try make("logSumExp", self) { ct_logsumexp(pointer, dim, keepDim, $0) }
    }
}
