import Layers
import Tensors

/// A residual block that sees the time (guided-diffusion `ResBlock`; Dhariwal & Nichol 2021).
///
/// norm → SiLU → (resize) → convolution → modulated by the embedding → SiLU → dropout → convolution, plus the input.
package struct ResidualBlock {
    enum Resampling { case none, up, down }

    let inNorm: GroupNorm
    let inConvolution: Convolution2D
    let embedding: Linear
    let outNorm: GroupNorm
    let outConvolution: Convolution2D
    let skip: Convolution2D?
    let resampling: Resampling
    let scaleShiftNorm: Bool
    let dropout: Double

    init(
        _ weights: Weights, in channels: Int, out: Int, configuration: UNetConfiguration, resampling: Resampling = .none
    ) throws {
        let groups = configuration.normGroups
        scaleShiftNorm = configuration.scaleShiftNorm
        dropout = configuration.dropout
        self.resampling = resampling
        inNorm = try GroupNorm(weights / "in_layers" / 0, channels: channels, groups: groups)
        inConvolution = try Convolution2D(weights / "in_layers" / 2, in: channels, out: out)
        embedding = try Linear(
            weights / "emb_layers" / 1, in: configuration.embeddingWidth, out: scaleShiftNorm ? 2 * out : out)
        outNorm = try GroupNorm(weights / "out_layers" / 0, channels: out, groups: groups)
        outConvolution = try Convolution2D(weights / "out_layers" / 3, in: out, out: out, initial: .zeros)
        skip = channels == out ? nil : try Convolution2D(weights / "skip_connection", in: channels, out: out, kernel: 1)
    }

    /// - Parameters:
    ///   - x: [N, in, H, W].
    ///   - emb: [N, embedding width], already through SiLU: every block wants it so.
    /// - Returns: [N, out, H', W'].
    func callAsFunction(_ x: Tensor, _ emb: Tensor, _ context: UNetContext) throws -> Tensor {
        var x = x
        var h = try inNorm.activated(x)
        switch resampling {
        case .none: break
        case .up:
            h = try enlarged(h)
            x = try enlarged(x)
        case .down:
            h = try h.averagePool(2)
            x = try x.averagePool(2)
        }
        h = try inConvolution(h)
        let modulation = try embedding(emb).to(h.dtype).unsqueeze(-1).unsqueeze(-1)  // [N, out or 2·out, 1, 1]
        if scaleShiftNorm {
            let parts = try modulation.chunk(2, dim: 1)
            h = try outNorm.activated(h, scale: parts[0], shift: parts[1])
        } else {
            h = try outNorm.activated(h, offset: modulation)
        }
        if let generator = context.dropout { h = try h.dropout(dropout, generator: generator) }
        h = try outConvolution(h)
        return try (skip?(x) ?? x) + h
    }
}

/// Nearest-neighbour enlargement by 2.
func enlarged(_ x: Tensor) throws -> Tensor {
    let shape = x.shape
    return try x.resize(height: shape[2] * 2, width: shape[3] * 2, .nearest)
}
