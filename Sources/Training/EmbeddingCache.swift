package import Tensors

/// Gradients of a loss that compares every example with every other, where the examples are embedded in parts
/// (GradCache; Gao et al. 2021): all embeddings first, then the loss's gradient with respect to them, then through each
/// part. Equal to the whole batch's gradient.
package struct EmbeddingCache {
    package let workers: WorkerGroup
    /// Embeds each part twice, at first without a graph, so that only so many graphs are in memory as there are workers;
    /// otherwise all parts' graphs are kept.
    package let recomputes: Bool

    package init(workers: WorkerGroup, recomputes: Bool) {
        self.workers = workers
        self.recomputes = recomputes
    }

    /// - Parameters:
    ///   - parts: how many, side by side on the workers.
    ///   - parameters: what the embeddings depend on.
    ///   - embed: a part's embeddings, any number of tensors; a pure function of the part, called on any thread.
    ///   - loss: from all parts' embeddings, leaves of a graph, to a scalar.
    /// - Returns: for each part, and last for the loss by itself, its share of each parameter's gradient, nil where it does
    ///   not depend on it; their sum is the gradient. And what `loss` gave.
    package func gradients<Loss>(
        parts: Int, of parameters: [Tensor], embed: (Int) throws -> [Tensor],
        loss: ([[Tensor]]) throws -> (total: Tensor, loss: Loss)
    ) throws -> (shares: [[Tensor?]], loss: Loss) {
        // Without a graph other kernels would compute, to other last bits: the graph is made, and let go at once.
        let first = try workers.run(parts) { part in
            let embeddings = try embed(part)
            return try recomputes ? embeddings.map { try $0.detach() } : embeddings
        }
        let leaves = try first.map { try $0.map { try $0.detach() } }
        for leaf in leaves.joined() { try leaf.setRequiresGrad(true) }
        let found = try loss(leaves)
        let all = try found.total.gradients(of: leaves.flatMap { $0 } + parameters)
        var seeds = all[...]
        let parted = leaves.map { leaves in
            defer { seeds = seeds.dropFirst(leaves.count) }
            return Array(seeds.prefix(leaves.count))
        }
        let results = try workers.run(parts) { part in
            let embeddings = try recomputes ? embed(part) : first[part]
            let terms = try zip(embeddings, parted[part]).compactMap { embedding, seed in
                try seed.map { try (embedding * $0).sum() }
            }
            guard var total = terms.first else { return [Tensor?](repeating: nil, count: parameters.count) }
            for term in terms.dropFirst() { total = try total + term }
            return try total.gradients(of: parameters)
        }
        return (results + [Array(seeds)], found.loss)
    }
}
