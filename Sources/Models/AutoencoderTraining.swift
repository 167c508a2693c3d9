package import Layers
package import Tensors

/// What training sees of an autoencoder besides pictures: the last layer, at which losses are weighed against each other
/// (Esser et al. 2021, eq. 7), and how far latents are from their codes.
extension Autoencoder {
    /// What the last layer makes the picture of: [N, c, h, w], quantised already → [N, channels, h · factor, w · factor].
    package func beforeLastLayer(_ latents: Tensor) throws -> Tensor {
        let z = try latents.to(decoder.inConvolution.weight.dtype).laidOutForConvolutions()
        return try decoder.beforeLastLayer(postQuantConvolution?(z) ?? z)
    }

    package var lastLayer: Convolution2D { decoder.outConvolution }
}

extension Codebook {
    /// Latents with each pixel's nearest code in its place, through which gradients pass as if nothing had happened, and
    /// the losses that draw the two together (van den Oord et al. 2017, eq. 3).
    package struct Choice {
        /// [N, c, h, w].
        package let quantised: Tensor
        /// ‖z − sg[e]‖², which moves the encoder: a mean for each picture, [N].
        package let commitment: Tensor
        /// ‖sg[z] − e‖², which moves the codes, [N].
        package let codebook: Tensor
        /// [N, h, w].
        package let numbers: Tensor
    }

    /// - Parameter latents: [N, c, h, w].
    package func choose(_ latents: Tensor) throws -> Choice {
        let numbers = try nearest(latents)
        let latents = try latents.to(.float32)
        let codes = try look(up: numbers)
        return Choice(
            quantised: try latents + (codes - latents).detach(),
            commitment: try (latents - codes.detach()).square().meanFlat(),
            codebook: try (codes - latents.detach()).square().meanFlat(), numbers: numbers)
    }
}
