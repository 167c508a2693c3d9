internal import CTorch

// Operations that write to a tensor. They serve training only.

extension Tensor {
    package func copyInPlace(_ source: Tensor) throws {
        try perform("copyInPlace", [self, source]) { ct_copy_in_place(pointer, source.pointer, $0) }
    }
    package func fillInPlace(_ value: Double) throws {
        try perform("fillInPlace", [self]) { ct_fill_in_place(pointer, value, $0) }
    }
    package func addInPlace(_ other: Tensor, factor: Double = 1) throws {
        try perform("addInPlace", [self, other]) { ct_add_in_place(pointer, other.pointer, factor, $0) }
    }
    package func multiplyInPlace(_ factor: Double) throws {
        try perform("multiplyInPlace", [self]) { ct_multiply_in_place(pointer, factor, $0) }
    }
}

/// Operations over whole lists of parameters, each one call of libtorch's.
package enum TensorLists {
    /// One AdamW step (Loshchilov & Hutter 2019) with libtorch's fused kernel. `steps` are float32 scalars that already
    /// count this step. Moments (`first`, `second`) lie in memory as their parameters do, or it is an error.
    package static func adamW(
        parameters: [Tensor], gradients: [Tensor], first: [Tensor], second: [Tensor], steps: [Tensor], rate: Double,
        betas: (Double, Double), decay: Double, epsilon: Double
    ) throws {
        let lists = [parameters, gradients, first, second, steps]
        guard Set(lists.map(\.count)).count == 1 else {
            throw TensorError(operation: "adamW", message: "lists of different lengths: \(lists.map(\.count))")
        }
        try withPointers(parameters) { p, n in
            try withPointers(gradients) { g, _ in
                try withPointers(first) { m, _ in
                    try withPointers(second) { v, _ in
                        try withPointers(steps) { s, _ in
                            try perform("adamW", []) {
                                ct_adamw_step(p, g, m, v, s, n, rate, betas.0, betas.1, decay, epsilon, $0)
                            }
                        }
                    }
                }
            }
        }
    }

    /// `averages ← averages + weight · (values − averages)`.
    package static func lerp(_ averages: [Tensor], to values: [Tensor], weight: Double) throws {
        guard averages.count == values.count else {
            throw TensorError(operation: "lerp", message: "\(averages.count) averages of \(values.count) values")
        }
        try withPointers(averages) { a, n in
            try withPointers(values) { v, _ in try perform("lerp", []) { ct_lerp_lists(a, v, n, weight, $0) } }
        }
    }

    /// The L2 norm over all elements of all tensors.
    package static func totalNorm(_ tensors: [Tensor]) throws -> Tensor {
        try withPointers(tensors) { pointers, n in try make("totalNorm") { ct_total_norm(pointers, n, $0) } }
    }

    package static func multiply(_ tensors: [Tensor], by factor: Double) throws {
        try withPointers(tensors) { pointers, n in
            try perform("multiply", []) { ct_multiply_lists(pointers, n, factor, $0) }
        }
    }
}
