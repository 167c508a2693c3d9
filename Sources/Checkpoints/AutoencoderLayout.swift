package import Layers
package import Models

/// Recognises an autoencoder in latent diffusion's layout from keys and shapes alone; what stands before the keys in a
/// whole model's file, `first_stage_model.`, is taken off by the caller.
package enum AutoencoderLayout {
    /// Whose autoencoder it is: numbers that weights do not show.
    package enum Lineage: Sendable {
        case stableDiffusion
        case stableDiffusionXL
    }

    /// - Parameters:
    ///   - normGroups: cannot be seen in the weights; all published ones have 32.
    /// - Returns: nil where the keys are no autoencoder's.
    /// - Throws: `CheckpointError` where they are, but contradict one another.
    package static func recognise(
        _ source: any TensorSource, lineage: Lineage = .stableDiffusion, normGroups: Int = 32
    ) throws -> AutoencoderConfiguration? {
        guard let first = source.shape(of: "encoder.conv_in.weight"),
            let last = source.shape(of: "decoder.conv_out.weight"),
            let z = source.shape(of: "decoder.conv_in.weight"),
            source.shape(of: "decoder.mid.block_1.conv1.weight") != nil,
            first.count == 4, last.count == 4, z.count == 4
        else { return nil }
        var levels: [AutoencoderConfiguration.Level] = []
        while let block = source.shape(of: "encoder.down.\(levels.count).block.0.conv1.weight") {
            levels.append(
                .init(
                    channels: block.first ?? 0,
                    attention: source.shape(of: "encoder.down.\(levels.count).attn.0.q.weight") != nil))
        }
        var residualBlocks = 0
        while source.shape(of: "encoder.down.0.block.\(residualBlocks).conv1.weight") != nil { residualBlocks += 1 }

        let codes = source.shape(of: "quantize.embedding.weight")
        if let codes, codes.count != 2 {
            throw CheckpointError(
                source.sourceName, "quantize.embedding.weight is \(codes)", expected: "codes of two dimensions")
        }
        let post = source.shape(of: "post_quant_conv.weight")
        if let post, post.count != 4 {
            throw CheckpointError(
                source.sourceName, "post_quant_conv.weight is \(post)", expected: "a convolution's four dimensions")
        }
        let isXL = lineage == .stableDiffusionXL
        let configuration = AutoencoderConfiguration(
            kind: codes.map { .vectorQuantised(codes: $0[0]) } ?? .kl,
            inputChannels: first[1], outputChannels: last[0], latentChannels: codes?[1] ?? post?[1] ?? z[1],
            zChannels: z[1], channels: first[0], levels: levels, residualBlocks: residualBlocks,
            middleAttention: source.shape(of: "decoder.mid.attn_1.q.weight") != nil,
            quantConvolution: source.shape(of: "quant_conv.weight") != nil, postQuantConvolution: post != nil,
            normGroups: normGroups, scalingFactor: codes != nil ? 1 : isXL ? 0.13025 : 0.18215,
            sampleSize: codes != nil ? 256 : isXL ? 1024 : 512)
        do { try configuration.validate() } catch {
            throw CheckpointError(
                source.sourceName, "an autoencoder's keys, but \(error)", expected: "one that can be built")
        }
        return configuration
    }
}
