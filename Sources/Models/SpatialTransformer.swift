import Layers
import Tensors

/// Transformer blocks over the pixels of a picture, which attend to one another and then across to the text
/// (latent-diffusion `SpatialTransformer`; Rombach et al. 2022, §3.3).
///
/// norm → projection → blocks → projection, plus the input.
package struct SpatialTransformer {
    /// Where it stands in the network: `input_blocks.1.1`.
    let path: String
    let norm: GroupNorm
    let projectionIn: PixelProjection
    let blocks: [SpatialTransformerBlock]
    let projectionOut: PixelProjection

    /// - Parameters:
    ///   - context: the width of the text's states.
    ///   - linear: how the projections' weights are shaped.
    init(
        _ weights: Weights, channels: Int, context: Int, linear: Bool, heads: Int, depth: Int, normGroups: Int
    ) throws {
        path = weights.path
        norm = try GroupNorm(weights / "norm", channels: channels, groups: normGroups, epsilon: 1e-6)
        projectionIn = try PixelProjection(weights / "proj_in", channels: channels, linear: linear)
        blocks = try (0..<depth).map {
            try SpatialTransformerBlock(
                weights / "transformer_blocks" / $0, width: channels, context: context, heads: heads)
        }
        projectionOut = try PixelProjection(weights / "proj_out", channels: channels, linear: linear, initial: .zeros)
    }

    /// Each block's keys and values of a text [N, L, width].
    func memories(of text: Tensor) throws -> [CrossAttention.Memory] {
        try blocks.map { try $0.textAttention.memory(of: text) }
    }

    /// [N, C, H, W] → the same shape.
    func callAsFunction(_ x: Tensor, _ context: UNetContext) throws -> Tensor {
        guard let text = context.text else {
            throw TensorError(operation: "spatial transformer", shapes: [x.shape], message: "\(path) needs a text")
        }
        let shape = x.shape  // [N, C, H, W]
        var h = try norm(x).permute([0, 2, 3, 1]).reshape([shape[0], shape[2] * shape[3], shape[1]])
        h = try projectionIn(h)  // [N, HW, C]
        let memories = try context.memories[path] ?? memories(of: text.to(h.dtype))
        for (index, (block, memory)) in zip(blocks, memories).enumerated() {
            h = try block(h, text: memory) { queries in
                try context.attention?.add(
                    "\(path).transformer_blocks.\(index)", queries: queries, keys: memory.keys,
                    tokens: memory.keys.size(2), height: shape[2], width: shape[3])
            }
        }
        h = try projectionOut(h)
        return try x + h.reshape([shape[0], shape[2], shape[3], shape[1]]).permute([0, 3, 1, 2])
    }
}

/// Attention among the pixels, attention to the text, a gated perceptron; each behind a normalisation and added to its
/// input (latent-diffusion `BasicTransformerBlock`).
struct SpatialTransformerBlock {
    let pixelNorm: LayerNorm
    let pixelAttention: CrossAttention
    let textNorm: LayerNorm
    let textAttention: CrossAttention
    let perceptronNorm: LayerNorm
    let perceptron: GatedPerceptron

    init(_ weights: Weights, width: Int, context: Int, heads: Int) throws {
        let headWidth = width / heads
        pixelAttention = try CrossAttention(weights / "attn1", width: width, heads: heads, headWidth: headWidth)
        perceptron = try GatedPerceptron(weights / "ff", width: width)
        textAttention = try CrossAttention(
            weights / "attn2", width: width, context: context, heads: heads, headWidth: headWidth)
        pixelNorm = try LayerNorm(weights / "norm1", width: width)
        textNorm = try LayerNorm(weights / "norm2", width: width)
        perceptronNorm = try LayerNorm(weights / "norm3", width: width)
    }

    /// [N, HW, width] → the same shape.
    /// - Parameter asking: is shown the queries to the text, [N, heads, HW, c].
    func callAsFunction(
        _ x: Tensor, text: CrossAttention.Memory, asking: (_ queries: Tensor) throws -> Void
    ) throws -> Tensor {
        var x = x
        x = try pixelAttention(pixelNorm(x)) + x
        x = try textAttention(textNorm(x), memory: text, asking: asking) + x
        return try perceptron(perceptronNorm(x)) + x
    }
}

/// A perceptron of four times the width, one half of whose hidden values gates the other by exact GELU
/// (latent-diffusion `FeedForward` with `GEGLU`; Shazeer 2020).
struct GatedPerceptron {
    let expand: Linear
    let contract: Linear

    init(_ weights: Weights, width: Int) throws {
        expand = try Linear(weights / "net" / 0 / "proj", in: width, out: 8 * width)
        contract = try Linear(weights / "net" / 2, in: 4 * width, out: width)
    }

    /// [N, L, width] → the same shape.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try contract(expand.gatedGELU(x))
    }
}

/// The same linear map at every pixel, kept in its published shape: [out, in], or [out, in, 1, 1] as a convolution.
struct PixelProjection {
    let weight: Tensor
    let bias: Tensor
    let channels: Int
    private let packing: Packing<PackedLinear>?

    init(_ weights: Weights, channels: Int, linear: Bool, initial: Initial? = nil) throws {
        let bound = Initial.uniform(bound: 1 / Double(channels).squareRoot())
        let shape = [channels, channels] + (linear ? [] : [1, 1])
        weight = try weights.parameter("weight", shape, initial: initial ?? bound)
        bias = try weights.parameter("bias", [channels], initial: initial == nil ? bound : .zeros)
        self.channels = channels
        packing = weights.packing(of: "weight")
    }

    /// [N, L, channels] → the same shape.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try packing.linear(x, weight.reshape([channels, channels]), bias: bias)
    }
}
