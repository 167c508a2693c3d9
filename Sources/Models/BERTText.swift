public import Layers
public import Tensors

/// The shape of latent diffusion's text transformer.
public struct BERTTextConfiguration: Codable, Sendable, Equatable {
    /// Rows of the token table.
    public var vocabulary: Int
    /// Tokens it reads at most.
    public var context: Int
    public var width: Int
    public var layers: Int
    public var heads: Int
    public var headWidth: Int
    /// The width between the two layers of a perceptron.
    public var expandedWidth: Int

    /// - Parameter expandedWidth: four times the width where nil.
    public init(
        vocabulary: Int = 30_522, context: Int = 77, width: Int, layers: Int, heads: Int = 8, headWidth: Int = 64,
        expandedWidth: Int? = nil
    ) {
        self.vocabulary = vocabulary
        self.context = context
        self.width = width
        self.layers = layers
        self.heads = heads
        self.headWidth = headWidth
        self.expandedWidth = expandedWidth ?? width.multipliedReportingOverflow(by: 4).partialValue
    }

    /// The text transformer of the published text-to-picture model, of 1.4 billion parameters in all.
    public static let published = BERTTextConfiguration(width: 1280, layers: 32)

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        for (name, value, limit) in [
            ("vocabulary", vocabulary, 1 << 22), ("context", context, 65_536), ("width", width, 65_536),
            ("layers", layers, 256), ("heads", heads, 1024), ("head's width", headWidth, 65_536),
            ("perceptron's width", expandedWidth, 1 << 18),
        ] where !(1...limit).contains(value) {
            throw ConfigurationError("the text transformer's \(name) must be 1 to \(limit), not \(value)")
        }
    }
}

/// The text transformer of the 1.4-billion latent diffusion model: sees both ways, sees padding, and reads the tokens
/// of BERT (latent-diffusion `ldm/modules/x_transformer.py`, `TransformerWrapper` around `Encoder`, as `BERTEmbedder`
/// makes it; Rombach et al. 2022).
///
/// Keys: `token_emb`, `pos_emb.emb`, `attn_layers.layers.N.0` (normalisation) and `.1` (by turns attention and
/// perceptron), `norm`.
public struct BERTTextTransformer {
    public let configuration: BERTTextConfiguration
    let tokens: Embedding
    let positions: Embedding
    let layers: [Layer]
    let norm: LayerNorm

    /// Two of the file's layers: attention, then a perceptron with exact GELU, each normalised first.
    struct Layer {
        let attentionNorm: LayerNorm
        let query, key, value, output: Linear
        let perceptronNorm: LayerNorm
        let expand, contract: Linear
    }

    public init(_ weights: Weights, configuration: BERTTextConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        let width = configuration.width
        let inner = configuration.heads * configuration.headWidth
        tokens = try Embedding(
            weights / "token_emb", count: configuration.vocabulary, width: width, deviation: 0.02)
        positions = try Embedding(
            weights / "pos_emb" / "emb", count: configuration.context, width: width, deviation: 0.02)
        layers = try (0..<configuration.layers).map { index in
            let first = weights / "attn_layers" / "layers" / (2 * index)
            let second = weights / "attn_layers" / "layers" / (2 * index + 1)
            let net = second / 1 / "net"
            return Layer(
                attentionNorm: try LayerNorm(first / 0, width: width),
                query: try Linear(first / 1 / "to_q", in: width, out: inner, bias: false),
                key: try Linear(first / 1 / "to_k", in: width, out: inner, bias: false),
                value: try Linear(first / 1 / "to_v", in: width, out: inner, bias: false),
                output: try Linear(first / 1 / "to_out", in: inner, out: width),
                perceptronNorm: try LayerNorm(second / 0, width: width),
                expand: try Linear(net / 0 / 0, in: width, out: configuration.expandedWidth),
                contract: try Linear(net / 2, in: configuration.expandedWidth, out: width))
        }
        norm = try LayerNorm(weights / "norm", width: width)
    }

    /// - Parameter tokens: int64 [N, L], L at most the context.
    /// - Returns: [N, L, width].
    public func callAsFunction(_ tokens: Tensor) throws -> Tensor {
        let shape = tokens.shape
        guard shape.count == 2, shape[0] > 0, (1...configuration.context).contains(shape[1]), tokens.dtype == .int64,
            try tokens.min().item() >= 0, try tokens.max().item() < Double(configuration.vocabulary)
        else {
            throw TensorError(
                operation: "text transformer", shapes: [shape],
                message: "expected int64 tokens of [N, 1 to \(configuration.context)], "
                    + "each below \(configuration.vocabulary)")
        }
        var x = try self.tokens(tokens) + positions.weight.rows(0..<shape[1])  // [N, L, width]
        let heads = configuration.heads
        for layer in layers {
            let normed = try layer.attentionNorm(x)
            let q = try Heads.split(layer.query(normed), heads: heads)  // [N, H, L, c]
            let k = try Heads.split(layer.key(normed), heads: heads)
            let v = try Heads.split(layer.value(normed), heads: heads)
            x = try x + layer.output(Heads.join(.attention(q, k, v)))
            x = try x + layer.contract(layer.expand(layer.perceptronNorm(x)).gelu())
        }
        return try norm(x)
    }
}
