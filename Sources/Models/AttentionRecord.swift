public import Tensors

/// How strongly each place of a picture attended to each token of its text while it was drawn (Tang et al. 2023, "What
/// the DAAM"; `daam/trace.py`): for each block and head, summed over a network's answers.
public final class AttentionRecord {
    /// By the block's path: [N, heads, L, h, w], float32.
    public private(set) var sums: [String: Tensor] = [:]

    public init() {}

    /// What a network is told: where to record, and of which pictures of its batch.
    package struct Recording {
        package let record: AttentionRecord
        package let rows: Range<Int>

        package init(_ record: AttentionRecord, rows: Range<Int>) {
            (self.record, self.rows) = (record, rows)
        }

        /// - Parameters:
        ///   - path: the block's.
        ///   - queries: [N, heads, h · w, c].
        ///   - keys: [N, heads, M, c]; the text's stand first.
        ///   - tokens: how many of these are the text's.
        func add(_ path: String, queries: Tensor, keys: Tensor, tokens: Int, height: Int, width: Int) throws {
            try withoutGradients {
                let (q, k) = try (queries.detach().rows(rows).to(.float32), keys.detach().rows(rows).to(.float32))
                let scale = 1 / Double(try q.size(-1)).squareRoot()
                let weights = try (q.matmul(k.transpose(-2, -1)) * scale).softmax(dim: -1)  // [n, heads, h · w, M]
                let shape = weights.shape
                let text = try weights.narrow(3, start: 0, length: tokens).transpose(2, 3).contiguous()
                    .reshape([shape[0], shape[1], tokens, height, width])
                record.sums[path] = try record.sums[path].map { try $0 + text } ?? text
            }
        }
    }

    /// Maps of an eighth of the largest one's side say little of where, and are left out, as DAAM leaves out Stable
    /// Diffusion's.
    private static let coarsest = 8

    /// The mean of all blocks and heads, their maps enlarged bicubically and cut off at 0 (`compute_global_heat_map`).
    ///
    /// - Returns: [N, L, height, width]; nil where nothing was recorded.
    public func heat(height: Int, width: Int) throws -> Tensor? {
        let widest = sums.values.map { $0.shape[4] }.max() ?? 0
        var total: Tensor?
        var count = 0
        // In order, so that the sum is the same in every process.
        for (_, sum) in sums.sorted(by: { $0.key < $1.key }) where sum.shape[4] * Self.coarsest > widest {
            let shape = sum.shape  // [N, heads, L, h, w]
            let large = try sum.reshape([shape[0] * shape[1], shape[2], shape[3], shape[4]])
                .resize(height: height, width: width, .bicubic).clamp(min: 0)
                .reshape([shape[0], shape[1], shape[2], height, width]).sum([1])
            total = try total.map { try $0 + large } ?? large
            count += shape[1]
        }
        return try total.map { try $0 * (1 / Double(count)) }
    }
}
