public import Layers
public import Tensors

/// What a CLIP text tower says of N texts of L tokens.
public struct CLIPTextStates {
    /// Before the first layer, and after each: layers + 1 of [N, L, width], not normalised.
    public let hidden: [Tensor]
    /// The last of them, normalised: [N, L, width]. What Stable Diffusion 1 and 2 attend to.
    public let last: Tensor
    /// The normalised state at the end token: [N, width].
    public let pooled: Tensor
    /// That, in the space shared with pictures: [N, projection], where the tower projects.
    public let projected: Tensor?

    /// The states before the last layer, not normalised: what XL attends to.
    public var penultimate: Tensor { hidden[hidden.count - 2] }
}

/// CLIP's text transformer: causal, normalisation first, a learned position for each token (Radford et al. 2021;
/// transformers `CLIPTextModel` and `CLIPTextModelWithProjection`, OpenAI's `clip/model.py`).
///
/// Keys are those of transformers below `text_model.`, with `text_projection.weight` beside them.
public struct CLIPTextTower {
    public let configuration: CLIPTextConfiguration
    let tokens: Embedding
    let positions: Embedding
    let layers: [CLIPTextLayer]
    let finalNorm: LayerNorm
    let projection: Linear?

    /// Of a token table's drawn numbers.
    package static let tokenDeviation = 0.02

    public init(_ weights: Weights, configuration: CLIPTextConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        let width = configuration.width
        let embeddings = weights / "embeddings"
        tokens = try Embedding(
            embeddings / "token_embedding", count: configuration.vocabulary, width: width, deviation: Self.tokenDeviation)
        positions = try Embedding(
            embeddings / "position_embedding", count: configuration.context, width: width, deviation: 0.01)
        layers = try (0..<configuration.layers).map {
            try CLIPTextLayer(weights / "encoder" / "layers" / $0, configuration: configuration)
        }
        finalNorm = try LayerNorm(weights / "final_layer_norm", width: width, epsilon: configuration.epsilon)
        projection = try configuration.projection.map {
            try Linear(weights / "text_projection", in: width, out: $0, bias: false)
        }
    }

    /// - Parameters:
    ///   - tokens: int64 [N, L], L at most the context.
    ///   - added: rows for tokens beyond the table, [count, width]: token `vocabulary + i` is row i. For textual
    ///     inversion.
    /// - Throws: `TensorError` for other shapes, and for tokens in neither table.
    public func callAsFunction(_ tokens: Tensor, added: Tensor? = nil) throws -> CLIPTextStates {
        try check(tokens, added)
        var x = try embed(tokens, added)  // [N, L, width]
        var hidden = [x]
        for layer in layers {
            x = try layer(x)
            hidden.append(x)
        }
        let last = try finalNorm(x)
        let pooled = try state(of: last, at: endPlaces(tokens))
        return CLIPTextStates(hidden: hidden, last: last, pooled: pooled, projected: try projection?(pooled))
    }

    /// Where its weights are.
    public var device: Device { tokens.weight.device }

    /// The final normalisation, for states taken from an earlier layer ("clip skip").
    public func normalised(_ states: Tensor) throws -> Tensor { try finalNorm(states) }

    private func embed(_ tokens: Tensor, _ added: Tensor?) throws -> Tensor {
        let places = try positions.weight.rows(0..<tokens.size(1))  // [L, width]
        guard let added else { return try self.tokens(tokens) + places }
        let vocabulary = Double(configuration.vocabulary)
        let isAdded = try tokens.compare(.greaterOrEqual, vocabulary)  // [N, L]
        let own = try self.tokens(withoutAdded(tokens))
        let rows = try added.to(like: own).embedding((tokens - vocabulary).clamp(min: 0).to(.int64))
        return try isAdded.unsqueeze(-1).choose(rows, else: own) + places
    }

    /// Added tokens stand as token 0.
    private func withoutAdded(_ tokens: Tensor) throws -> Tensor {
        let isOwn = try tokens.compare(.less, Double(configuration.vocabulary))
        return try tokens * isOwn.to(.int64)
    }

    /// Where each text ends: int64 [N].
    private func endPlaces(_ tokens: Tensor) throws -> Tensor {
        // The first of equal maxima.
        guard let end = configuration.endToken else { return try withoutAdded(tokens).argmax(dim: 1) }
        return try tokens.compare(.equal, Double(end)).to(.int64).argmax(dim: 1)
    }

    private func check(_ tokens: Tensor, _ added: Tensor?) throws {
        func refuse(_ message: String) -> TensorError {
            TensorError(
                operation: "CLIP text tower", shapes: [tokens.shape] + (added.map { [$0.shape] } ?? []),
                message: message)
        }
        let shape = tokens.shape
        guard shape.count == 2, shape[0] > 0, (1...configuration.context).contains(shape[1]), tokens.dtype == .int64
        else {
            throw refuse("expected int64 tokens of [N, 1 to \(configuration.context)]")
        }
        if let added, added.rank != 2 || added.shape[1] != configuration.width || added.shape[0] == 0 {
            throw refuse("expected added rows of [count, \(configuration.width)]")
        }
        // On a GPU a row that is not there would end the process.
        let count = configuration.vocabulary + (added?.shape[0] ?? 0)
        let (lowest, highest) = try (tokens.min().item(), tokens.max().item())
        guard lowest >= 0, highest < Double(count) else {
            throw refuse("there are tokens 0 to \(count - 1), not \(Int(lowest < 0 ? lowest : highest))")
        }
    }
}

/// The state at one place of each sequence: [N, L, width] and int64 [N] → [N, width].
func state(of states: Tensor, at places: Tensor) throws -> Tensor {
    let (count, width) = try (states.size(0), states.size(2))
    let index = try places.reshape([count, 1, 1]).expand([count, 1, width])
    return try states.gather(1, index).squeeze(1)
}

/// One layer of CLIP's: attention to what came before, then a perceptron (transformers `CLIPEncoderLayer`).
struct CLIPTextLayer {
    let attentionNorm, perceptronNorm: LayerNorm
    let query, key, value, output: Linear
    let expand, contract: Linear
    let heads: Int
    let activation: CLIPTextConfiguration.Activation

    init(_ weights: Weights, configuration: CLIPTextConfiguration) throws {
        let width = configuration.width
        heads = configuration.heads
        activation = configuration.activation
        attentionNorm = try LayerNorm(weights / "layer_norm1", width: width, epsilon: configuration.epsilon)
        let attention = weights / "self_attn"
        query = try Linear(attention / "q_proj", in: width, out: width)
        key = try Linear(attention / "k_proj", in: width, out: width)
        value = try Linear(attention / "v_proj", in: width, out: width)
        output = try Linear(attention / "out_proj", in: width, out: width)
        perceptronNorm = try LayerNorm(weights / "layer_norm2", width: width, epsilon: configuration.epsilon)
        expand = try Linear(weights / "mlp" / "fc1", in: width, out: configuration.expandedWidth)
        contract = try Linear(weights / "mlp" / "fc2", in: configuration.expandedWidth, out: width)
    }

    /// [N, L, width] → the same shape.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let normed = try attentionNorm(x)
        let q = try Heads.split(query(normed), heads: heads)  // [N, H, L, c]
        let k = try Heads.split(key(normed), heads: heads)
        let v = try Heads.split(value(normed), heads: heads)
        let x = try x + output(Heads.join(.attention(q, k, v, causal: true)))
        return try x + contract(activation(expand(perceptronNorm(x))))
    }
}

extension CLIPTextConfiguration.Activation {
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        switch self {
        case .quickGELU: try x * (x * 1.702).sigmoid()
        case .gelu: try x.gelu()
        }
    }
}
