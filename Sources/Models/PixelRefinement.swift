import Layers
import Tensors

/// What joins the blocks of a folded picture: a small residual block at the picture's own resolution, behind the unfolding.
///
/// The last convolution of a network that folds `patchSize` × `patchSize` pixels into channels makes each block by itself,
/// so that edges between blocks do not meet; here convolutions go across them. It sees the network's answer, the noisy
/// picture and the time, and begins by changing nothing.
struct PixelRefinement {
    let inConvolution, convolution, outConvolution: Convolution2D
    let inNorm, outNorm: GroupNorm
    let embedding: Linear
    /// Of both normalisations.
    static let groups = 8

    init(_ weights: Weights, channels: Int, configuration: UNetConfiguration) throws {
        inConvolution = try Convolution2D(
            weights / "conv_in", in: configuration.outputChannels + configuration.inputChannels, out: channels)
        inNorm = try GroupNorm(weights / "norm1", channels: channels, groups: Self.groups)
        embedding = try Linear(weights / "emb_layers", in: configuration.embeddingWidth, out: 2 * channels)
        convolution = try Convolution2D(weights / "conv", in: channels, out: channels)
        outNorm = try GroupNorm(weights / "norm2", channels: channels, groups: Self.groups)
        outConvolution = try Convolution2D(
            weights / "conv_out", in: channels, out: configuration.outputChannels, initial: .zeros)
    }

    /// - Parameters:
    ///   - y: what the network answers, [N, output channels, H, W].
    ///   - x: what it saw, [N, input channels, H, W].
    ///   - emb: [N, embedding width], through SiLU.
    func callAsFunction(_ y: Tensor, _ x: Tensor, _ emb: Tensor) throws -> Tensor {
        var h = try inConvolution(Tensor.concatenate([y, x], dim: 1).laidOutForConvolutions())
        let parts = try embedding(emb).to(h.dtype).unsqueeze(-1).unsqueeze(-1).chunk(2, dim: 1)
        h = try inNorm.activated(h, scale: parts[0], shift: parts[1])
        h = try outNorm.activated(convolution(h))
        return try y + outConvolution(h)
    }
}
