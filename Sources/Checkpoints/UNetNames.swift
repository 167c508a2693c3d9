package import Models

/// The foreign names of a U-Net's parameters.
package enum UNetNames {
    /// What diffusers' `UNet2DConditionModel` calls each parameter, by our key: the translation of diffusers'
    /// `convert_ldm_unet_checkpoint`, read backwards.
    ///
    /// - Throws: `ConfigurationError` for a network that diffusers' class cannot be, or that cannot be at all.
    package static func diffusers(_ configuration: UNetConfiguration) throws -> [String: String] {
        try configuration.validate()
        guard case .cross = configuration.text, !configuration.residualResampling, configuration.patchSize == 1 else {
            throw ConfigurationError("a U-Net of this kind has no names in diffusers: it takes text as \(configuration.text)")
        }
        var names = Names()
        names.add("time_embed.0", "time_embedding.linear_1")
        names.add("time_embed.2", "time_embedding.linear_2")
        if configuration.addedWidth != nil {
            names.add("label_emb.0.0", "add_embedding.linear_1")
            names.add("label_emb.0.2", "add_embedding.linear_2")
        }
        names.add("input_blocks.0.0", "conv_in")
        names.add("out.0", "conv_norm_out")
        names.add("out.2", "conv_out")

        let levels = configuration.levels
        var channels = levels[0].channels
        var kept = [channels]
        for (index, level) in levels.enumerated() {
            let theirs = "down_blocks.\(index)"
            for block in 0..<level.residualBlocks {
                let path = "input_blocks.\(kept.count)"
                names.addResidual("\(path).0", "\(theirs).resnets.\(block)", skips: channels != level.channels)
                if level.attention { names.addTransformer("\(path).1", "\(theirs).attentions.\(block)", level.depth) }
                channels = level.channels
                kept.append(channels)
            }
            if index < levels.count - 1 {
                names.add("input_blocks.\(kept.count).0.op", "\(theirs).downsamplers.0.conv")
                kept.append(channels)
            }
        }

        names.addResidual("middle_block.0", "mid_block.resnets.0", skips: false)
        names.addTransformer("middle_block.1", "mid_block.attentions.0", configuration.middleDepth ?? 1)
        names.addResidual("middle_block.2", "mid_block.resnets.1", skips: false)

        var count = 0
        for (index, level) in levels.reversed().enumerated() {
            let theirs = "up_blocks.\(index)"
            for block in 0...level.residualBlocks {
                let path = "output_blocks.\(count)"
                let width = channels + (kept.popLast() ?? 0)
                names.addResidual("\(path).0", "\(theirs).resnets.\(block)", skips: width != level.channels)
                if level.attention { names.addTransformer("\(path).1", "\(theirs).attentions.\(block)", level.depth) }
                if index < levels.count - 1, block == level.residualBlocks {
                    names.add("\(path).\(level.attention ? 2 : 1).conv", "\(theirs).upsamplers.0.conv")
                }
                channels = level.channels
                count += 1
            }
        }
        return names.pairs
    }

    private struct Names {
        var pairs: [String: String] = [:]

        /// A layer's weight and bias.
        mutating func add(_ ours: String, _ theirs: String, bias: Bool = true) {
            pairs[ours + ".weight"] = theirs + ".weight"
            if bias { pairs[ours + ".bias"] = theirs + ".bias" }
        }

        /// - Parameter skips: whether a convolution brings the input to the output's width.
        mutating func addResidual(_ ours: String, _ theirs: String, skips: Bool) {
            for (own, other) in [
                ("in_layers.0", "norm1"), ("in_layers.2", "conv1"), ("emb_layers.1", "time_emb_proj"),
                ("out_layers.0", "norm2"), ("out_layers.3", "conv2"),
            ] {
                add("\(ours).\(own)", "\(theirs).\(other)")
            }
            if skips { add("\(ours).skip_connection", "\(theirs).conv_shortcut") }
        }

        /// Below the transformer, names are the same.
        mutating func addTransformer(_ ours: String, _ theirs: String, _ depth: Int) {
            for name in ["norm", "proj_in", "proj_out"] { add("\(ours).\(name)", "\(theirs).\(name)") }
            for block in 0..<depth {
                let path = ".transformer_blocks.\(block)"
                for name in ["norm1", "norm2", "norm3", "ff.net.0.proj", "ff.net.2", "attn1.to_out.0", "attn2.to_out.0"] {
                    add("\(ours)\(path).\(name)", "\(theirs)\(path).\(name)")
                }
                for name in ["to_q", "to_k", "to_v"] {
                    for attention in ["attn1", "attn2"] {
                        add("\(ours)\(path).\(attention).\(name)", "\(theirs)\(path).\(attention).\(name)", bias: false)
                    }
                }
            }
        }
    }
}

extension UNetConfiguration.Level {
    fileprivate var depth: Int { transformerDepth ?? 1 }
}
