internal import Tensors

/// Classifier-free guidance: unconditional + scale · (conditional − unconditional) (Ho & Salimans 2022).
///
/// Whatever the network predicts is combined; a learned variance is the conditional one, as in GLIDE. With a negative
/// prompt, the network answers `Branch.unconditional` for that prompt instead of the empty one.
public struct ClassifierFreeGuidance: Guidance, Hashable, Codable {
    /// 1 is no guidance, and costs none; 0 is unconditional.
    public var scale: Double
    /// φ: how far the guided prediction's deviation is brought back to the conditional one's, picture by picture
    /// (Lin et al. 2023, section 3.4); 0 leaves it.
    public var rescale: Double
    /// The σ at which to guide; elsewhere the conditional answer is taken as it is (Kynkäänniemi et al. 2024).
    public var interval: ClosedRange<Double>?
    /// Whether both answers come from one call with a doubled batch; else the network is asked twice.
    public var isBatched: Bool

    public init(
        scale: Double, rescale: Double = 0, interval: ClosedRange<Double>? = nil, isBatched: Bool = true
    ) {
        self.scale = scale
        self.rescale = rescale
        self.interval = interval
        self.isBatched = isBatched
    }

    public func guide(_ network: @escaping Network) -> Network {
        { query in
            guard scale != 1, interval?.contains(query.level.sigma) ?? true else { return try network(query) }
            let channels = try query.x.size(1)
            let (conditional, unconditional) = try answers(of: network, to: query)
            let wanted = try conditional.narrow(1, start: 0, length: channels)
            let unwanted = try unconditional.narrow(1, start: 0, length: channels)
            let guided = try rescaled(unwanted + (wanted - unwanted) * scale, to: wanted)
            let variance = try conditional.size(1) - channels
            guard variance > 0 else { return guided }
            return try .concatenate([guided, conditional.narrow(1, start: channels, length: variance)], dim: 1)
        }
    }

    private func answers(of network: Network, to query: Query) throws -> (conditional: Tensor, unconditional: Tensor) {
        let answers: [Tensor]
        if isBatched {
            let doubled = try Tensor.concatenate([query.x, query.x])
            answers = try network(Query(x: doubled, level: query.level, branch: .both)).chunk(2, dim: 0)
        } else {
            answers = try [Branch.conditional, .unconditional].map {
                try network(Query(x: query.x, level: query.level, branch: $0))
            }
        }
        let expected = query.x.shape
        for answer in answers
        where answer.rank != expected.count || answer.shape[0] != expected[0] || answer.shape[1] < expected[1] {
            throw DiffusionError.shape(what: "the network's output", expected: expected, actual: answer.shape)
        }
        return (answers[0], answers[1])
    }

    private func rescaled(_ guided: Tensor, to conditional: Tensor) throws -> Tensor {
        guard rescale != 0 else { return guided }
        let dims = Array(1..<guided.rank)
        let wanted = try conditional.widened().variance(dims, keepDims: true).sqrt()
        let actual = try guided.widened().variance(dims, keepDims: true).sqrt()
        // A constant picture has no deviation to bring back.
        let ratio = try (wanted / actual.clamp(min: 1e-12)).to(guided.dtype)
        return try guided.lerp(guided * ratio, weight: rescale)
    }
}
