package import Layers
package import Models

/// What diffusers calls an autoencoder's parameters (`AutoencoderKL`, `VQModel`).
package enum AutoencoderNames {
    /// How an attention's projections are called.
    package enum Attention: Sendable, CaseIterable {
        /// `to_q`, `to_k`, `to_v`, `to_out.0`.
        case current
        /// `query`, `key`, `value`, `proj_attn`: older files.
        case deprecated

        var projections: [(ours: String, theirs: String)] {
            switch self {
            case .current: [("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")]
            case .deprecated: [("q", "query"), ("k", "key"), ("v", "value"), ("proj_out", "proj_attn")]
            }
        }
    }

    /// Our key → where diffusers has it. Attention's matrices are linear layers there and 1×1 convolutions here.
    package static func diffusers(
        _ configuration: AutoencoderConfiguration, attention: Attention = .current
    ) -> [String: Origin] {
        var table = Table(attention: attention)
        let levels = configuration.levels
        let last = levels.last?.channels ?? configuration.channels

        table.layer("encoder.conv_in", "encoder.conv_in")
        var channels = configuration.channels
        for (index, level) in levels.enumerated() {
            let (ours, theirs) = ("encoder.down.\(index)", "encoder.down_blocks.\(index)")
            table.blocks(ours, theirs, in: channels, level: level, count: configuration.residualBlocks)
            channels = level.channels
            if index < levels.count - 1 {
                table.layer(ours + ".downsample.conv", theirs + ".downsamplers.0.conv")
            }
        }
        table.layer("decoder.conv_in", "decoder.conv_in")
        channels = last
        for (index, level) in levels.enumerated().reversed() {
            // Theirs count from the smallest up.
            let (ours, theirs) = ("decoder.up.\(index)", "decoder.up_blocks.\(levels.count - 1 - index)")
            table.blocks(ours, theirs, in: channels, level: level, count: configuration.residualBlocks + 1)
            channels = level.channels
            if index > 0 { table.layer(ours + ".upsample.conv", theirs + ".upsamplers.0.conv") }
        }
        for part in ["encoder", "decoder"] {
            table.middle("\(part).mid", "\(part).mid_block", channels: last, attends: configuration.middleAttention)
            table.layer("\(part).norm_out", "\(part).conv_norm_out")
            table.layer("\(part).conv_out", "\(part).conv_out")
        }
        if configuration.quantConvolution { table.layer("quant_conv", "quant_conv") }
        if configuration.postQuantConvolution { table.layer("post_quant_conv", "post_quant_conv") }
        if case .vectorQuantised = configuration.kind {
            table.names["quantize.embedding.weight"] = .whole("quantize.embedding.weight")
        }
        return table.names
    }

    /// A diffusers file seen under our names, whichever way it calls its attention.
    package static func source(
        _ base: any TensorSource, configuration: AutoencoderConfiguration
    ) -> RenamedSource {
        let old = base.tensorNames.contains { $0.hasSuffix(".query.weight") }
        return RenamedSource(base, names: diffusers(configuration, attention: old ? .deprecated : .current))
    }

    /// Whether a published file's tensor served training alone: losses, and averages beside the weights.
    package static func isOfTraining(_ name: String) -> Bool {
        name.hasPrefix("loss.") || name.hasPrefix("model_ema.") || name == "colorize"
    }

    private struct Table {
        let attention: Attention
        var names: [String: Origin] = [:]

        init(attention: Attention) { self.attention = attention }

        mutating func layer(_ ours: String, _ theirs: String) {
            for parameter in ["weight", "bias"] {
                names["\(ours).\(parameter)"] = .whole("\(theirs).\(parameter)")
            }
        }

        mutating func residual(_ ours: String, _ theirs: String, resized: Bool) {
            for name in ["norm1", "conv1", "norm2", "conv2"] { layer("\(ours).\(name)", "\(theirs).\(name)") }
            if resized { layer(ours + ".nin_shortcut", theirs + ".conv_shortcut") }
        }

        mutating func attention(_ ours: String, _ theirs: String, channels: Int) {
            layer(ours + ".norm", theirs + ".group_norm")
            for (our, their) in attention.projections {
                names["\(ours).\(our).weight"] = .reshaped("\(theirs).\(their).weight", [channels, channels, 1, 1])
                names["\(ours).\(our).bias"] = .whole("\(theirs).\(their).bias")
            }
        }

        mutating func blocks(
            _ ours: String, _ theirs: String, in channels: Int, level: AutoencoderConfiguration.Level, count: Int
        ) {
            for index in 0..<max(0, count) {
                residual(
                    "\(ours).block.\(index)", "\(theirs).resnets.\(index)",
                    resized: index == 0 && channels != level.channels)
                guard level.attention else { continue }
                attention("\(ours).attn.\(index)", "\(theirs).attentions.\(index)", channels: level.channels)
            }
        }

        mutating func middle(_ ours: String, _ theirs: String, channels: Int, attends: Bool) {
            residual(ours + ".block_1", theirs + ".resnets.0", resized: false)
            if attends { attention(ours + ".attn_1", theirs + ".attentions.0", channels: channels) }
            residual(ours + ".block_2", theirs + ".resnets.1", resized: false)
        }
    }
}
