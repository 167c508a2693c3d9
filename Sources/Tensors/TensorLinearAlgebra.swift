internal import CTorch

extension Tensor {
    /// A = V · diag(λ) · Vᵀ of real symmetric matrices, by LAPACK on the CPU.
    ///
    /// - Returns: λ [..., n], ascending, and V [..., n, n], whose columns are of length 1.
    /// - Throws: `TensorError` where the last two dimensions are not equal, or the iteration does not end, as where an
    ///   element is not a number. Only the lower triangle is read.
    public func symmetricEigen() throws -> (values: Tensor, vectors: Tensor) {
        var vectors: OpaquePointer?
        let values = try make("symmetricEigen", self) { ct_symmetric_eigen(pointer, &vectors, $0) }
        guard let vectors else {
            throw TensorError(operation: "symmetricEigen", shapes: [shape], message: "no vectors came")
        }
        return (values, Tensor(vectors))
    }

    /// The square root of a symmetric matrix [n, n] with no negative eigenvalue, in its own precision. Eigenvalues that
    /// rounding cannot tell from 0 count as 0.
    public func symmetricSquareRoot() throws -> Tensor {
        let (values, vectors) = try symmetricEigen()
        let scaled = try vectors * values.roundedRoots()
        return try scaled.matmul(vectors.transpose(0, 1))
    }

    /// Square roots of eigenvalues, ascending [n]; of those that rounding cannot tell from 0, 0.
    package func roundedRoots() throws -> Tensor {
        let numbers = try doubles()
        let precision = dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
        let noise = (numbers.map { Swift.abs($0) }.max() ?? 0) * Double(numbers.count) * precision
        return try Tensor(numbers.map { $0 > noise ? $0.squareRoot() : 0 }).to(like: self)
    }
}
