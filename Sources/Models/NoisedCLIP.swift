public import Layers
public import Tensors

/// The image tower of GLIDE's noised CLIP: a vision transformer that knows how noisy its picture is, for the class
/// token is a row for each time step (glide-text2im `clip/encoders.py`, `ImageEncoder`; Nichol et al. 2022, §4.2).
///
/// Everything is differentiable with respect to the picture: guidance follows that gradient.
public struct NoisedCLIPImageTower {
    public let configuration: NoisedCLIPTowerConfiguration
    let side, patch: Int
    let patches: Tensor
    let classTokens: Tensor
    let isNoised: Bool
    let positions: Tensor
    let norm: LayerNorm
    let blocks: [NoisedCLIPBlock]
    let output: NoisedCLIPOutput

    /// - Parameter configuration: with an image for input.
    public init(_ weights: Weights, configuration: NoisedCLIPTowerConfiguration) throws {
        try configuration.validate()
        guard case .image(let side, let patch, let timesteps) = configuration.input else {
            throw ConfigurationError("an image tower whose input is \(configuration.input)")
        }
        self.configuration = configuration
        (self.side, self.patch) = (side, patch)
        let width = configuration.width
        let input = weights / "blocks" / "input"
        let deviation = Initial.normal(deviation: 1 / Double(width).squareRoot())
        patches = try input.parameter(
            "patch_proj", [width, 3, patch, patch],
            initial: .normal(deviation: (2 / Double(width * patch * patch)).squareRoot()))
        isNoised = timesteps != nil
        classTokens =
            try timesteps.map { try input.parameter("w_t", [$0, width], initial: deviation) }
            ?? input.parameter("pred_state", [width], initial: deviation)
        positions = try input.parameter("w_pos", [1 + (side / patch) * (side / patch), width], initial: deviation)
        norm = try LayerNorm(noisedCLIP: input / "ln", width: width)
        blocks = try noisedCLIPBlocks(weights, configuration)
        output = try NoisedCLIPOutput(weights / "blocks" / "output", configuration: configuration)
    }

    /// - Parameters:
    ///   - picture: [N, 3, side, side] in −1...1, with the noise of its step.
    ///   - timesteps: [N], whole numbers; nil for a tower of clean pictures.
    /// - Returns: [N, embedding], of any length.
    public func callAsFunction(_ picture: Tensor, timesteps: Tensor? = nil) throws -> Tensor {
        let shape = picture.shape
        guard shape.count == 4, shape[0] > 0, Array(shape[1...]) == [3, side, side] else {
            throw TensorError(
                operation: "noised CLIP", shapes: [shape], message: "expected pictures of [N, 3, \(side), \(side)]")
        }
        var x = try states(of: picture, timesteps: timesteps)
        for block in blocks { x = try block(x, causal: false) }
        return try output(x.select(1, 0))
    }

    /// What each block reads of the patches, [N, width, grid, grid] each. What the last one writes there is read by nobody.
    ///
    /// - Parameters:
    ///   - picture: [N, 3, side, side].
    ///   - timesteps: [N], of a noised tower.
    func maps(of picture: Tensor, timesteps: Tensor?) throws -> [Tensor] {
        let (count, width, grid) = (picture.shape[0], configuration.width, side / patch)
        var x = try states(of: picture, timesteps: timesteps)
        var maps: [Tensor] = []
        for block in blocks {
            let seen = try x.narrow(1, start: 1, length: grid * grid)
            maps.append(try seen.transpose(1, 2).reshape([count, width, grid, grid]))
            if maps.count < blocks.count { x = try block(x, causal: false) }
        }
        return maps
    }

    /// The class token's and the patches', normalised: [N, 1 + grid², width].
    private func states(of picture: Tensor, timesteps: Tensor?) throws -> Tensor {
        let (count, width, grid) = (picture.shape[0], configuration.width, side / patch)
        let pixels = try normalised(picture).to(patches.dtype)
        var x = try pixels.convolution(patches, stride: patch)  // [N, width, grid, grid]
        x = try x.reshape([count, width, grid * grid]).transpose(1, 2)
        x = try .concatenate([classToken(timesteps, count: count), x], dim: 1) + positions
        return try norm(x)
    }

    /// [N, 1, width].
    private func classToken(_ timesteps: Tensor?, count: Int) throws -> Tensor {
        func refuse(_ message: String) -> TensorError {
            TensorError(operation: "noised CLIP", shapes: timesteps.map { [$0.shape] } ?? [], message: message)
        }
        guard isNoised else {
            guard timesteps == nil else { throw refuse("this tower reads clean pictures, without time steps") }
            return try classTokens.expand([count, 1, configuration.width])
        }
        guard let timesteps, timesteps.shape == [count] else { throw refuse("expected \(count) time steps") }
        let steps = try timesteps.to(.int64)
        let limit = try classTokens.size(0)
        let (lowest, highest) = try (steps.min().item(), steps.max().item())
        guard lowest >= 0, highest < Double(limit) else { throw refuse("time steps are 0 to \(limit - 1)") }
        return try classTokens.embedding(steps).unsqueeze(1)
    }

    /// CLIP's channel means and deviations, of pixels of 0...255.
    private func normalised(_ picture: Tensor) throws -> Tensor {
        func column(_ values: [Double]) throws -> Tensor {
            try Tensor(values, shape: [1, 3, 1, 1]).to(.float32, device: picture.device)
        }
        let pixels = try (picture.to(.float32) + 1) * 127.5
        let means = try column([122.77093945, 116.74601272, 104.09373519])
        let deviations = try column([68.50053285, 66.63215831, 70.32316309])
        return try (pixels - means) / deviations
    }
}

/// The text tower of GLIDE's noised CLIP: causal, read off at each text's end (glide-text2im `clip/encoders.py`,
/// `TextEncoder`).
public struct NoisedCLIPTextTower {
    public let configuration: NoisedCLIPTowerConfiguration
    let context, vocabulary: Int
    let tokens: Tensor
    let positions: Tensor
    let blocks: [NoisedCLIPBlock]
    let output: NoisedCLIPOutput

    /// - Parameter configuration: with text for input.
    public init(_ weights: Weights, configuration: NoisedCLIPTowerConfiguration) throws {
        try configuration.validate()
        guard case .text(let vocabulary, let context) = configuration.input else {
            throw ConfigurationError("a text tower whose input is \(configuration.input)")
        }
        self.configuration = configuration
        (self.context, self.vocabulary) = (context, vocabulary)
        let input = weights / "blocks" / "input"
        tokens = try input.parameter("w_voc", [vocabulary, configuration.width], initial: .normal(deviation: 0.02))
        positions = try input.parameter("w_pos", [context, configuration.width], initial: .normal(deviation: 0.01))
        blocks = try noisedCLIPBlocks(weights, configuration)
        output = try NoisedCLIPOutput(weights / "blocks" / "output", configuration: configuration)
    }

    /// - Parameters:
    ///   - tokens: int64 [N, context]: start, text, end, zeros.
    ///   - lengths: int64 [N], tokens without padding; nil counts to the last that is not 0.
    /// - Returns: [N, embedding], of any length.
    public func callAsFunction(_ tokens: Tensor, lengths: Tensor? = nil) throws -> Tensor {
        let shape = tokens.shape
        guard shape.count == 2, shape[0] > 0, shape[1] == context, tokens.dtype == .int64,
            try tokens.min().item() >= 0, try tokens.max().item() < Double(vocabulary)
        else {
            throw TensorError(
                operation: "noised CLIP", shapes: [shape],
                message: "expected int64 tokens of [N, \(context)], each below \(vocabulary)")
        }
        let ends =
            try lengths.map { try ($0 - 1).clamp(min: 0, max: Double(context - 1)).to(.int64) } ?? lastPlaces(tokens)
        var x = try self.tokens.embedding(tokens) + positions  // [N, context, width]
        for block in blocks { x = try block(x, causal: true) }
        return try output(state(of: x, at: ends))
    }

    /// The place of each row's last token that is not 0: int64 [N].
    private func lastPlaces(_ tokens: Tensor) throws -> Tensor {
        let places = try Tensor.arange(Double(context), device: tokens.device)  // [context]
        return try (tokens.compare(.notEqual, 0).to(.int64) * places).argmax(dim: 1)
    }
}

/// Both towers' embeddings brought to length 1, as guidance and scores compare them.
public func noisedCLIPUnit(_ embedding: Tensor) throws -> Tensor {
    try embedding / (embedding.norm([-1], keepDims: true) + 1e-12)
}

private func noisedCLIPBlocks(
    _ weights: Weights, _ configuration: NoisedCLIPTowerConfiguration
) throws -> [NoisedCLIPBlock] {
    try (0..<configuration.layers).map {
        try NoisedCLIPBlock(weights / "blocks" / "block_\($0)", configuration: configuration)
    }
}

/// Attention, then a perceptron of four times the width with exact GELU, both normalised first. Keys have no bias.
struct NoisedCLIPBlock {
    let attentionNorm, perceptronNorm: LayerNorm
    let query, key, value, output: Linear
    let expand, contract: Linear
    let heads: Int

    init(_ weights: Weights, configuration: NoisedCLIPTowerConfiguration) throws {
        let width = configuration.width
        heads = configuration.heads
        let (attention, perceptron) = (weights / "f_attn", weights / "f_mlp")
        let deviation = 1 / Double(width).squareRoot()
        let last = 1 / (Double(width) * 4 * Double(configuration.layers * configuration.layers)).squareRoot()
        attentionNorm = try LayerNorm(noisedCLIP: attention / "ln", width: width)
        query = try Linear(noisedCLIP: attention / "f_q", in: width, out: width, deviation: deviation)
        key = try Linear(noisedCLIP: attention / "f_k", in: width, out: width, bias: false, deviation: deviation)
        value = try Linear(noisedCLIP: attention / "f_v", in: width, out: width, deviation: deviation)
        output = try Linear(noisedCLIP: attention / "f_c", in: width, out: width, deviation: last)
        perceptronNorm = try LayerNorm(noisedCLIP: perceptron / "ln", width: width)
        expand = try Linear(
            noisedCLIP: perceptron / "f_1", in: width, out: 4 * width,
            deviation: (2 / Double(4 * width)).squareRoot())
        contract = try Linear(noisedCLIP: perceptron / "f_2", in: 4 * width, out: width, deviation: last)
    }

    /// [N, L, width] → the same shape.
    func callAsFunction(_ x: Tensor, causal: Bool) throws -> Tensor {
        let normed = try attentionNorm(x)
        let q = try Heads.split(query(normed), heads: heads)  // [N, H, L, c]
        let k = try Heads.split(key(normed), heads: heads)
        let v = try Heads.split(value(normed), heads: heads)
        let x = try x + output(Heads.join(.attention(q, k, v, causal: causal)))
        return try x + contract(expand(perceptronNorm(x)).gelu())
    }
}

/// The last normalisation and the projection of one state a text or picture.
struct NoisedCLIPOutput {
    let norm: LayerNorm
    let projection: Linear

    init(_ weights: Weights, configuration: NoisedCLIPTowerConfiguration) throws {
        let (width, embedding) = (configuration.width, configuration.embedding)
        norm = try LayerNorm(noisedCLIP: weights / "ln", width: width)
        projection = try Linear(
            noisedCLIP: weights / "f", in: width, out: embedding, bias: false,
            deviation: (2 / Double(width + embedding)).squareRoot())
    }

    /// [N, width] → [N, embedding].
    func callAsFunction(_ x: Tensor) throws -> Tensor { try projection(norm(x)) }
}

// The published files call weights and biases `w` and `b`, a normalisation's scale and shift `g` and `b`.

extension Linear {
    fileprivate init(
        noisedCLIP weights: Weights, in width: Int, out: Int, bias: Bool = true, deviation: Double
    ) throws {
        self.init(
            weight: try weights.parameter("w", [out, width], initial: .normal(deviation: deviation)),
            bias: bias ? try weights.parameter("b", [out], initial: .zeros) : nil)
    }
}

extension LayerNorm {
    fileprivate init(noisedCLIP weights: Weights, width: Int) throws {
        self.init(
            weight: try weights.normParameter("g", [width], initial: .ones),
            bias: try weights.normParameter("b", [width], initial: .zeros))
    }
}
