internal import Tensors

/// How much pictures of one text differ: the mean cosine distance between two of them.
enum Diversity {
    /// - Parameter embeddings: [N, width], each of length 1; N at least 2.
    static func meanDistance(_ embeddings: Tensor) throws -> Double {
        let embeddings = try embeddings.to(.float64, device: .cpu)
        let count = Double(embeddings.shape[0])
        guard count >= 2 else { throw EvaluationError.tooFew("one picture", expected: "two or more") }
        // |Σ e|² = N + Σ over pairs, both ways, of their cosines.
        let whole = try embeddings.sum([0]).square().sum().item()
        let own = try embeddings.square().sum().item()
        return 1 - (whole - own) / (count * (count - 1))
    }
}
