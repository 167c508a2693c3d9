public import Tensors

/// Splitting a width into heads, attending, and joining again. Sequences are [N, L, width], heads [N, H, L, width / H].
public enum Heads {
    /// [N, L, H·c] → [N, H, L, c].
    public static func split(_ x: Tensor, heads: Int) throws -> Tensor {
        let shape = x.shape
        guard shape.count == 3, heads > 0, shape[2] % heads == 0 else {
            throw TensorError(operation: "split heads", shapes: [shape], message: "not [N, L, \(heads) · width]")
        }
        return try x.reshape([shape[0], shape[1], heads, shape[2] / heads]).transpose(1, 2)
    }

    /// [N, H, L, c] → [N, L, H·c].
    public static func join(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        guard shape.count == 4 else {
            throw TensorError(operation: "join heads", shapes: [shape], message: "not [N, H, L, width]")
        }
        return try x.transpose(1, 2).reshape([shape[0], shape[2], shape[1] * shape[3]])
    }

    /// [N, L, H·(parts·c)] → `parts` times [N, H, L, c]: the layout of GLIDE and CLIP's ancestors, where each head's
    /// queries, keys and values stand together.
    public static func splitInterleaved(_ x: Tensor, heads: Int, parts: Int) throws -> [Tensor] {
        let shape = x.shape
        guard shape.count == 3, heads > 0, parts > 0, shape[2] % (heads * parts) == 0 else {
            throw TensorError(
                operation: "split heads", shapes: [shape], message: "not [N, L, \(heads) · \(parts) · width]")
        }
        let width = shape[2] / (heads * parts)
        let split = try x.reshape([shape[0], shape[1], heads, parts, width]).permute([3, 0, 2, 1, 4])
        return try (0..<parts).map { try split.at($0) }
    }
}

/// Multi-head attention with separate projections: of a sequence to itself, or across to another (Vaswani et al. 2017).
///
/// Keys: `to_q`, `to_k`, `to_v`, `to_out.0`, as latent diffusion's `CrossAttention` names them.
public struct CrossAttention {
    let query, key, value, output: Linear
    let heads: Int

    /// - Parameter context: the width of the sequence attended to; nil for self-attention.
    public init(_ weights: Weights, width: Int, context: Int? = nil, heads: Int, headWidth: Int) throws {
        let inner = heads * headWidth
        query = try Linear(weights / "to_q", in: width, out: inner, bias: false)
        key = try Linear(weights / "to_k", in: context ?? width, out: inner, bias: false)
        value = try Linear(weights / "to_v", in: context ?? width, out: inner, bias: false)
        output = try Linear(weights / "to_out" / 0, in: inner, out: width)
        self.heads = heads
    }

    /// Keys and values of a sequence attended to, [N, H, M, c] each: worth keeping where the same sequence is attended
    /// to again and again, as a prompt is at every step.
    public struct Memory {
        public let keys, values: Tensor
    }

    /// - Parameter context: [N, M, context width].
    public func memory(of context: Tensor) throws -> Memory {
        try Memory(
            keys: Heads.split(key(context), heads: heads), values: Heads.split(value(context), heads: heads))
    }

    /// - Parameters:
    ///   - x: [N, L, width].
    ///   - memory: of N sequences.
    ///   - asking: is shown the queries, [N, H, L, c].
    /// - Returns: [N, L, width].
    public func callAsFunction(
        _ x: Tensor, memory: Memory, asking: (_ queries: Tensor) throws -> Void = { _ in }
    ) throws -> Tensor {
        let q = try Heads.split(query(x), heads: heads)  // [N, H, L, c]
        try asking(q)
        return try output(Heads.join(.attention(q, memory.keys, memory.values)))
    }

    /// - Parameters:
    ///   - x: [N, L, width].
    ///   - context: [N, M, context width]; `x` itself where nil.
    /// - Returns: [N, L, width].
    public func callAsFunction(_ x: Tensor, context: Tensor? = nil) throws -> Tensor {
        try self(x, memory: memory(of: context ?? x))
    }
}
