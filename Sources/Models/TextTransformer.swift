public import Layers
public import Tensors

/// The shape of GLIDE's text transformer.
public struct TextTransformerConfiguration: Codable, Sendable, Equatable {
    /// Rows of the token table.
    public var vocabulary: Int
    /// Tokens it reads, padding included.
    public var context: Int
    public var width: Int
    public var layers: Int
    public var heads: Int

    public init(vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int) {
        self.vocabulary = vocabulary
        self.context = context
        self.width = width
        self.layers = layers
        self.heads = heads
    }

    /// - Throws: `ConfigurationError` for what no network can be built from.
    public func validate() throws {
        for (name, value, limit) in [
            ("vocabulary", vocabulary, 1 << 20), ("context", context, 4096), ("width", width, 65_536),
            ("layers", layers, 256), ("heads", heads, 1024),
        ] where !(1...limit).contains(value) {
            throw ConfigurationError("the text transformer's \(name) must be 1 to \(limit), not \(value)")
        }
        guard width % heads == 0 else {
            throw ConfigurationError("a text width of \(width) does not divide into \(heads) heads")
        }
    }
}

/// What the text says, in two forms.
public struct TextStates {
    /// Every token's state, for attention: [N, context, width].
    public let states: Tensor
    /// The last state, projected, for the time embedding: [N, embedding width].
    public let embedding: Tensor

    public init(states: Tensor, embedding: Tensor) {
        self.states = states
        self.embedding = embedding
    }
}

/// GLIDE's text transformer: pre-normalised, not causal, not masked; padded positions hold a learned embedding
/// (glide-text2im `Text2ImUNet.get_text_emb` and `xf.Transformer`; Nichol et al. 2022, §3).
public struct TextTransformer {
    public let configuration: TextTransformerConfiguration
    let tokenEmbedding: Embedding
    let positionalEmbedding: Tensor
    let paddingEmbedding: Tensor
    let blocks: [TransformerBlock]
    let finalNorm: LayerNorm
    let projection: Linear

    /// - Parameter embeddingWidth: of the U-Net's time embedding.
    public init(_ weights: Weights, configuration: TextTransformerConfiguration, embeddingWidth: Int) throws {
        try configuration.validate()
        self.configuration = configuration
        let width = configuration.width
        tokenEmbedding = try Embedding(
            weights / "token_embedding", count: configuration.vocabulary, width: width, deviation: 0.02)
        let shape = [configuration.context, width]
        positionalEmbedding = try weights.parameter("positional_embedding", shape, initial: .normal(deviation: 0.01))
        paddingEmbedding = try weights.parameter("padding_embedding", shape, initial: .normal(deviation: 0.01))
        blocks = try (0..<configuration.layers).map {
            try TransformerBlock(weights / "transformer" / "resblocks" / $0, width: width, heads: configuration.heads)
        }
        finalNorm = try LayerNorm(weights / "final_ln", width: width)
        projection = try Linear(weights / "transformer_proj", in: width, out: embeddingWidth)
    }

    /// - Parameters:
    ///   - tokens: int64 [N, context].
    ///   - mask: boolean [N, context], true where a token stands.
    public func callAsFunction(tokens: Tensor, mask: Tensor) throws -> TextStates {
        let expected = [configuration.context]
        guard tokens.rank == 2, tokens.shape == mask.shape, Array(tokens.shape[1...]) == expected else {
            throw TensorError(
                operation: "text transformer", shapes: [tokens.shape, mask.shape],
                message: "expected tokens and mask of [N, \(configuration.context)]")
        }
        var x = try tokenEmbedding(tokens) + positionalEmbedding  // [N, context, width]
        x = try mask.unsqueeze(-1).choose(x, else: paddingEmbedding)
        for block in blocks { x = try block(x) }
        x = try finalNorm(x)
        return try TextStates(states: x, embedding: projection(x.select(1, -1)))
    }
}

/// A pre-normalised transformer block: attention, then a perceptron of four times the width with exact GELU
/// (glide-text2im `ResidualAttentionBlock`, after CLIP's).
struct TransformerBlock {
    let attentionNorm: LayerNorm
    let queriesKeysValues: Linear
    let output: Linear
    let perceptronNorm: LayerNorm
    let expand: Linear
    let contract: Linear
    let heads: Int

    init(_ weights: Weights, width: Int, heads: Int) throws {
        self.heads = heads
        attentionNorm = try LayerNorm(weights / "ln_1", width: width)
        queriesKeysValues = try Linear(weights / "attn" / "c_qkv", in: width, out: 3 * width)
        output = try Linear(weights / "attn" / "c_proj", in: width, out: width)
        perceptronNorm = try LayerNorm(weights / "ln_2", width: width)
        expand = try Linear(weights / "mlp" / "c_fc", in: width, out: 4 * width)
        contract = try Linear(weights / "mlp" / "c_proj", in: 4 * width, out: width)
    }

    /// - Parameter mask: boolean, broadcast to [N, heads, L, L]: true takes part.
    /// - Returns: as `x`, [N, L, width].
    func callAsFunction(_ x: Tensor, mask: Tensor? = nil) throws -> Tensor {
        let qkv = try Heads.splitInterleaved(queriesKeysValues(attentionNorm(x)), heads: heads, parts: 3)
        let x = try x + output(Heads.join(.attention(qkv[0], qkv[1], qkv[2], mask: mask)))
        return try x + contract(expand(perceptronNorm(x)).gelu())
    }
}
