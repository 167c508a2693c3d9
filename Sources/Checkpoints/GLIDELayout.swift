internal import Diffusion
package import Layers
package import Models
internal import Tensors

/// Recognises OpenAI's GLIDE files, and networks of the same layout in other sizes, from keys and shapes alone.
package enum GLIDELayout {
    /// The width of an attention head cannot be seen in the weights; all of OpenAI's have 64.
    static let publishedHeadWidth = 64

    /// - Returns: nil where the keys are not GLIDE's.
    /// - Throws: `CheckpointError` where they are, but contradict one another.
    package static func recognise(_ source: any TensorSource) throws -> GLIDEConfiguration? {
        guard let first = source.shape(of: "input_blocks.0.0.weight"),
            let time = source.shape(of: "time_embed.0.weight"),
            let table = source.shape(of: "token_embedding.weight"),
            let padding = source.shape(of: "padding_embedding"),
            let out = source.shape(of: "out.2.weight"),
            first.count == 4, time.count == 2, table.count == 2, padding.count == 2, out.count == 4
        else { return nil }
        guard let input = GLIDEInput.allCases.first(where: { $0.channels == first[1] }) else {
            throw CheckpointError(
                source.sourceName, "GLIDE's keys, but \(first[1]) input channels",
                expected: "3 (text), 6 (upsampler), 7 (inpainting) or 10 (both)")
        }
        let layers = count { source.shape(of: "transformer.resblocks.\($0).ln_1.weight") != nil }
        let unet = UNetConfiguration(
            inputChannels: first[1], outputChannels: out[0], modelChannels: time[1], levels: levels(source),
            headWidth: publishedHeadWidth, dropout: 0.1,
            residualResampling: !source.tensorNames.contains { $0.hasSuffix(".op.weight") },
            scaleShiftNorm: scaleShift(source), text: .joint(width: table[1]))
        return GLIDEConfiguration(
            input: input, unet: unet,
            text: TextTransformerConfiguration(
                vocabulary: table[0], context: padding[0], width: table[1], layers: layers,
                heads: max(1, table[1] / publishedHeadWidth)))
    }

    /// Input blocks run level by level: residual blocks, then one that changes the size. A block changes the size when
    /// no attention can follow and its successor begins another level: told by counting output blocks, which end a level
    /// with a third or second part that enlarges.
    private static func levels(_ source: any TensorSource) -> [UNetConfiguration.Level] {
        // On the way up, a level's last block carries an enlarging part behind residual (and attention).
        var levels: [UNetConfiguration.Level] = []
        var blocks = 0
        var index = 0
        while let out = source.shape(of: "output_blocks.\(index).0.out_layers.3.weight") {
            let path = "output_blocks.\(index)"
            let attention = source.shape(of: path + ".1.qkv.weight") != nil
            let last = attention ? 2 : 1
            let enlarges =
                source.shape(of: "\(path).\(last).in_layers.2.weight") != nil
                || source.shape(of: "\(path).\(last).conv.weight") != nil
            blocks += 1
            let ends = enlarges || source.shape(of: "output_blocks.\(index + 1).0.out_layers.3.weight") == nil
            if ends {
                levels.append(.init(channels: out.first ?? 0, residualBlocks: blocks - 1, attention: attention))
                blocks = 0
            }
            index += 1
        }
        return levels.reversed()
    }

    private static func scaleShift(_ source: any TensorSource) -> Bool {
        guard let embedding = source.shape(of: "input_blocks.1.0.emb_layers.1.weight"),
            let out = source.shape(of: "input_blocks.1.0.out_layers.3.weight")
        else { return true }
        // Compared without doubling: sizes come from a file.
        guard let doubled = embedding.first else { return true }
        return doubled % 2 == 0 && doubled / 2 == out.first
    }

    private static func count(while holds: (Int) -> Bool) -> Int {
        var index = 0
        while holds(index) { index += 1 }
        return index
    }

    /// What OpenAI's notebooks sample with, and the process each file was trained for.
    package static func published(_ network: GLIDEConfiguration) -> ModelConfiguration {
        let upsamples = network.input.seesLowResolution
        let names: [GLIDEInput: String] = [
            .text: "GLIDE base", .lowResolution: "GLIDE upsampler", .masked: "GLIDE inpainting base",
            .maskedLowResolution: "GLIDE inpainting upsampler",
        ]
        let variance: Variance =
            network.unet.outputChannels == 6 ? .learnedRange : .fixedSmall
        return ModelConfiguration(
            name: names[network.input] ?? "GLIDE", network: network,
            diffusion: DiffusionConfiguration(
                schedule: upsamples ? .linear : .squaredCosine, steps: 1000, prediction: .noise, variance: variance),
            text: TextConfiguration(vocabulary: .gpt2, context: network.text.context),
            imageSize: upsamples ? 256 : 64,
            sampling: SamplingDefaults(
                sampler: upsamples && !network.input.seesMask ? .ddim : .ddpm, schedule: upsamples ? "fast27" : nil,
                steps: upsamples ? 27 : 100,
                guidanceScale: upsamples ? 1 : network.input.seesMask ? 5 : 3))
    }
}
