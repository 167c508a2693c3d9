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

    /// The square root of a symmetric matrix [n, n] with no negative eigenvalue; what rounding made negative counts as 0.
    public func symmetricSquareRoot() throws -> Tensor {
        let (values, vectors) = try symmetricEigen()
        let scaled = try vectors * values.clamp(min: 0).sqrt()
        return try scaled.matmul(vectors.transpose(0, 1))
    }
}
