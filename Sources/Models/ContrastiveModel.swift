internal import Foundation
public import Layers
public import Tensors

/// A picture tower and a text tower whose embeddings are compared by their product (CLIP; Radford et al. 2021, figure 3).
///
/// Keys: `picture.…`, `text.…` and `logit_scale`, the logarithm of what a product is multiplied with.
public struct ContrastiveModel {
    public let configuration: ContrastiveConfiguration
    let picture: PictureTower
    let text: ContrastiveTextTower
    let logScale: Tensor

    /// The highest factor that training reaches, as CLIP's: beyond it training becomes unstable.
    public static let highestScale = 100.0
    /// Where training begins: a temperature of 0.07.
    package static let firstScale = 1 / 0.07

    enum PictureTower {
        case transformer(NoisedCLIPImageTower)
        case convolutional(ConvolutionalPictureTower)
    }

    public init(_ weights: Weights, configuration: ContrastiveConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        if let transformer = configuration.transformer {
            picture = .transformer(try NoisedCLIPImageTower(weights / "picture", configuration: transformer))
        } else {
            picture = .convolutional(try ConvolutionalPictureTower(weights / "picture", configuration: configuration))
        }
        text = try ContrastiveTextTower(
            weights / "text", configuration: configuration.text, embedding: configuration.embedding)
        logScale = try weights.normParameter(Self.scaleName, [], initial: .constant(log(Self.firstScale)))
    }

    /// - Parameters:
    ///   - pictures: [N, 3, side, side] in −1...1, with the noise of their steps.
    ///   - timesteps: [N], where the tower reads noisy pictures; nil is step 0.
    /// - Returns: [N, embedding], float32, each of length 1; differentiable with respect to the pictures.
    public func embeddings(ofPictures pictures: Tensor, timesteps: Tensor? = nil) throws -> Tensor {
        let shape = pictures.shape
        let side = configuration.side
        func refuse(_ message: String) -> TensorError {
            TensorError(
                operation: "picture tower", shapes: [shape] + (timesteps.map { [$0.shape] } ?? []), message: message)
        }
        guard shape.count == 4, shape[0] > 0, Array(shape[1...]) == [3, side, side] else {
            throw refuse("expected pictures of [N, 3, \(side), \(side)]")
        }
        var steps: Tensor?
        if let count = configuration.timesteps {
            steps = try timesteps ?? .zeros([shape[0]], device: pictures.device)
            guard let steps, steps.shape == [shape[0]] else { throw refuse("expected \(shape[0]) time steps") }
            guard try steps.min().item() >= 0, try steps.max().item() <= Double(count - 1) else {
                throw refuse("time steps are 0 to \(count - 1)")
            }
        } else if timesteps != nil {
            throw refuse("this tower reads clean pictures, without time steps")
        }
        switch picture {
        case .transformer(let tower): return try unit(tower(pictures, timesteps: steps))
        case .convolutional(let tower): return try unit(tower(pictures, timesteps: steps))
        }
    }

    /// - Parameters:
    ///   - tokens: int64 [N, context].
    ///   - mask: boolean [N, context], true where a token stands.
    /// - Returns: [N, embedding], float32, each of length 1.
    public func embeddings(ofTokens tokens: Tensor, mask: Tensor) throws -> Tensor {
        try unit(text(tokens, mask: mask))
    }

    /// What a product of embeddings is multiplied with, a scalar that learns.
    public func logitScale() throws -> Tensor { try logScale.exp() }

    /// The name of the parameter behind `logitScale`.
    package static let scaleName = "logit_scale"

    /// Brings the parameter behind `logitScale` back to the highest one, after a step of training. Bounded in the graph
    /// instead, it would have no gradient to come down by.
    ///
    /// - Parameter parameters: of the model, or some of them.
    package static func boundScale(of parameters: [(name: String, value: Tensor)]) throws {
        for (name, value) in parameters where name == scaleName {
            try withoutGradients { try value.copyInPlace(value.clamp(max: log(highestScale))) }
        }
    }

    private func unit(_ x: Tensor) throws -> Tensor { try noisedCLIPUnit(x.to(.float32)) }
}

/// A text transformer whose padding does not exist for it: masked, not causal, read as the mean of its states.
///
/// It reads no further than its longest text, and what it says of a text does not depend on the others.
public struct ContrastiveTextTower {
    let configuration: TextTransformerConfiguration
    let tokens: Embedding
    let positions: Tensor
    /// Stands before each text, so that also an empty one has a state.
    let start: Tensor
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let projection: Linear

    init(_ weights: Weights, configuration: TextTransformerConfiguration, embedding: Int) throws {
        self.configuration = configuration
        let width = configuration.width
        tokens = try Embedding(
            weights / "token_embedding", count: configuration.vocabulary, width: width, deviation: 0.02)
        positions = try weights.parameter(
            "positional_embedding", [configuration.context, width], initial: .normal(deviation: 0.01))
        start = try weights.parameter("start_embedding", [1, width], initial: .normal(deviation: 0.02))
        blocks = try (0..<configuration.layers).map {
            try TransformerBlock(weights / "transformer" / "resblocks" / $0, width: width, heads: configuration.heads)
        }
        norm = try LayerNorm(weights / "final_ln", width: width)
        projection = try Linear(weights / "projection", in: width, out: embedding, bias: false)
    }

    /// - Returns: [N, embedding], of any length.
    func callAsFunction(_ tokens: Tensor, mask: Tensor) throws -> Tensor {
        let shape = tokens.shape
        guard shape.count == 2, shape[0] > 0, shape == mask.shape, shape[1] == configuration.context,
            tokens.dtype == .int64, mask.dtype == .bool, try tokens.min().item() >= 0,
            try tokens.max().item() < Double(configuration.vocabulary)
        else {
            throw TensorError(
                operation: "text tower", shapes: [shape, mask.shape],
                message: "expected int64 tokens below \(configuration.vocabulary) and a boolean mask of "
                    + "[N, \(configuration.context)]")
        }
        let length = try lastPlace(mask)
        let shown = try mask.narrow(1, start: 0, length: length)
        var x = try self.tokens(tokens.narrow(1, start: 0, length: length)) + positions.rows(0..<length)
        let width = configuration.width
        x = try .concatenate([start.expand([shape[0], 1, width]), x], dim: 1)  // [N, 1 + length, width]
        let whole = try Tensor.ones([shape[0], 1], device: mask.device).to(.bool)
        let present = try Tensor.concatenate([whole, shown], dim: 1)  // [N, 1 + length]
        let keys = try present.unsqueeze(1).unsqueeze(1)  // [N, 1, 1, 1 + length]
        for block in blocks { x = try block(x, mask: keys) }
        x = try norm(x)
        let share = try present.to(x.dtype).unsqueeze(-1)
        return try projection((x * share).sum([1]) / share.sum([1]))
    }

    /// One more than the last place where any text has a token.
    private func lastPlace(_ mask: Tensor) throws -> Int {
        let places = try Tensor.arange(1, Double(configuration.context + 1), device: mask.device)
        return Int(try (mask.to(.int64) * places).max().item())
    }
}
