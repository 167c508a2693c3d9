public import Layers
public import Tensors

/// The autoencoder of latent diffusion and Stable Diffusion (Rombach et al. 2022; latent-diffusion
/// `ldm/models/autoencoder.py`, `AutoencoderKL` and `VQModelInterface`): pictures to latents and back.
///
/// Parameter keys are that lineage's own: `encoder.down.0.block.0.norm1.weight`, `quant_conv.weight`.
public struct Autoencoder {
    public let configuration: AutoencoderConfiguration
    let encoder: AutoencoderEncoder
    let decoder: AutoencoderDecoder
    /// Of a vector-quantised one.
    public let codebook: Codebook?
    let quantConvolution: Convolution2D?
    let postQuantConvolution: Convolution2D?

    public init(_ weights: Weights, configuration: AutoencoderConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        let (latent, z) = (configuration.latentChannels, configuration.zChannels)
        encoder = try AutoencoderEncoder(weights / "encoder", configuration: configuration)
        decoder = try AutoencoderDecoder(weights / "decoder", configuration: configuration)
        let parts: Int
        switch configuration.kind {
        case .kl:
            parts = 2
            codebook = nil
        case .vectorQuantised(let codes):
            parts = 1
            codebook = try Codebook(weights / "quantize", count: codes, width: latent)
        }
        quantConvolution =
            configuration.quantConvolution
            ? try Convolution2D(weights / "quant_conv", in: parts * z, out: parts * latent, kernel: 1) : nil
        postQuantConvolution =
            configuration.postQuantConvolution
            ? try Convolution2D(weights / "post_quant_conv", in: latent, out: z, kernel: 1) : nil
    }

    // MARK: Pictures to latents

    /// - Parameter image: [N, 3, H, W] in −1...1. Where a side does not divide by the factor, the rest gives no latent.
    /// - Returns: [N, c, H / factor, W / factor], unscaled; a vector-quantised autoencoder's before quantisation.
    public func encode(_ image: Tensor) throws -> Posterior {
        try checkImage(image)
        return try posterior(oneByOne(image, moments))
    }

    /// The same in overlapping tiles: memory does not grow with the picture, and numbers near seams differ a little.
    public func encodeTiled(_ image: Tensor, tiling: Tiling? = nil) throws -> Posterior {
        let tiling = tiling ?? configuration.tiling
        try tiling.validate()
        try checkImage(image)
        let grid = tiling.encoding(factor: configuration.factor)
        return try posterior(oneByOne(image) { try grid.covers($0, moments) })
    }

    /// [N, 3, H, W] → [N, c or 2·c, h, w], in the picture's type; laid out as from a file, for what is computed from
    /// latents that were kept to be the same to the bit.
    private func moments(_ image: Tensor) throws -> Tensor {
        let h = try encoder(image.to(encoder.inConvolution.weight.dtype).laidOutForConvolutions())
        return try (quantConvolution?(h) ?? h).to(image.dtype).contiguous()
    }

    /// What moments [N, c or 2·c, h, w] say.
    package func posterior(_ moments: Tensor) throws -> Posterior {
        configuration.kind == .kl ? try Posterior(moments: moments) : Posterior(mean: moments)
    }

    // MARK: Latents to pictures

    /// - Parameter latents: [N, c, h, w], unscaled. A vector-quantised autoencoder takes each pixel's nearest code.
    /// - Returns: [N, 3, h · factor, w · factor], near −1...1.
    public func decode(_ latents: Tensor) throws -> Tensor {
        try checkLatents(latents)
        return try oneByOne(codebook?.quantise(latents) ?? latents, picture)
    }

    /// The same in overlapping tiles: memory does not grow with the picture, and numbers near seams differ a little.
    public func decodeTiled(_ latents: Tensor, tiling: Tiling? = nil) throws -> Tensor {
        let tiling = tiling ?? configuration.tiling
        try tiling.validate()
        try checkLatents(latents)
        let grid = tiling.decoding(factor: configuration.factor)
        return try oneByOne(codebook?.quantise(latents) ?? latents) { try grid.covers($0, picture) }
    }

    /// - Parameter codes: [N, h, w], int64: numbers of codes.
    public func decode(codes: Tensor) throws -> Tensor {
        guard let codebook else {
            throw TensorError(operation: "decode", shapes: [codes.shape], message: "this autoencoder has no codes")
        }
        let latents = try codebook.look(up: codes)
        try checkLatents(latents)
        return try oneByOne(latents, picture)
    }

    /// [N, c, h, w], quantised → [N, 3, H, W], in the latents' type.
    private func picture(_ latents: Tensor) throws -> Tensor {
        let z = try latents.to(decoder.inConvolution.weight.dtype).laidOutForConvolutions()
        return try decoder(postQuantConvolution?(z) ?? z).to(latents.dtype).contiguous()
    }

    // MARK: How

    /// One picture after another: a batch takes no more memory than one picture, and each comes out as it would alone.
    /// A graph would keep everything of all of them anyway.
    private func oneByOne(_ x: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
        let count = x.shape[0]
        if count == 1 || Tensor.isRecordingGradients { return try body(x) }
        return try .concatenate((0..<count).map { try body(x.rows($0..<$0 + 1)) })
    }

    private func checkImage(_ image: Tensor) throws {
        let shape = image.shape
        let factor = configuration.factor
        guard shape.count == 4, shape[0] > 0, shape[1] == configuration.inputChannels,
            shape[2] >= factor, shape[3] >= factor
        else {
            throw TensorError(
                operation: "encode", shapes: [shape],
                message: "expected [N, \(configuration.inputChannels), H, W] of at least \(factor) pixels a side")
        }
    }

    private func checkLatents(_ latents: Tensor) throws {
        let shape = latents.shape
        guard shape.count == 4, shape[1] == configuration.latentChannels, !shape.contains(0) else {
            throw TensorError(
                operation: "decode", shapes: [shape], message: "expected [N, \(configuration.latentChannels), h, w]")
        }
    }
}

extension Autoencoder {
    /// The latents as a diffusion network sees them: `(latents − shift) · scalingFactor`.
    public func scaled(_ latents: Tensor) throws -> Tensor {
        try checkLatents(latents)
        var scaled = latents
        if let shift = configuration.shiftFactor { scaled = try scaled - shift }
        if let (mean, deviation) = try statistics(like: latents) { scaled = try (scaled - mean) / deviation }
        return try scaled * configuration.scalingFactor
    }

    /// What `decode` takes, from what a diffusion network gives.
    public func unscaled(_ latents: Tensor) throws -> Tensor {
        try checkLatents(latents)
        var unscaled = try latents / configuration.scalingFactor
        if let (mean, deviation) = try statistics(like: latents) { unscaled = try unscaled * deviation + mean }
        if let shift = configuration.shiftFactor { unscaled = try unscaled + shift }
        return unscaled
    }

    /// Mean and deviation of each channel, [1, c, 1, 1].
    private func statistics(like latents: Tensor) throws -> (mean: Tensor, deviation: Tensor)? {
        guard let mean = configuration.latentMean, let deviation = configuration.latentDeviation else { return nil }
        let shape = [1, configuration.latentChannels, 1, 1]
        return try (
            Tensor(mean, shape: shape).to(like: latents), Tensor(deviation, shape: shape).to(like: latents)
        )
    }
}
