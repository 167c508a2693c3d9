import Layers
import Tensors

/// Attention of every pixel to all pixels and, before them, to the text, under one softmax (glide-text2im
/// `AttentionBlock`; Nichol et al. 2022, §2.3).
package struct JointAttentionBlock {
    /// Where it stands in the network: `input_blocks.5.1`.
    let path: String
    let norm: GroupNorm
    let queriesKeysValues: PointwiseConvolution1D
    let textKeysValues: PointwiseConvolution1D?
    let output: PointwiseConvolution1D
    let heads: Int

    init(_ weights: Weights, channels: Int, heads: Int, configuration: UNetConfiguration) throws {
        self.heads = heads
        path = weights.path
        norm = try GroupNorm(weights / "norm", channels: channels, groups: configuration.normGroups)
        queriesKeysValues = try PointwiseConvolution1D(weights / "qkv", in: channels, out: 3 * channels)
        switch configuration.text {
        case .none, .cross: textKeysValues = nil
        case .joint(let width):
            textKeysValues = try PointwiseConvolution1D(weights / "encoder_kv", in: width, out: 2 * channels)
        }
        output = try PointwiseConvolution1D(weights / "proj_out", in: channels, out: channels, initial: .zeros)
    }

    /// [N, C, H, W] → the same shape.
    func callAsFunction(_ x: Tensor, _ context: UNetContext) throws -> Tensor {
        let shape = x.shape  // [N, C, H, W]
        let pixels = try norm(x).permute([0, 2, 3, 1]).reshape([shape[0], shape[2] * shape[3], shape[1]])
        let own = try Heads.splitInterleaved(queriesKeysValues(pixels), heads: heads, parts: 3)  // 3 × [N, heads, HW, c]
        var (keys, values) = (own[1], own[2])
        if let textKeysValues, let states = context.text {
            let text = try Heads.splitInterleaved(textKeysValues(states), heads: heads, parts: 2)
            keys = try .concatenate([text[0], keys], dim: 2)
            values = try .concatenate([text[1], values], dim: 2)
            try context.attention?.add(
                path, queries: own[0], keys: keys, tokens: text[0].size(2), height: shape[2], width: shape[3])
        }
        let attended = try output(Heads.join(.attention(own[0], keys, values)))  // [N, HW, C]
        return try x + attended.reshape([shape[0], shape[2], shape[3], shape[1]]).permute([0, 3, 1, 2])
    }
}
