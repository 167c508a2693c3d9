package import Layers
package import Models

/// Recognises a U-Net with cross-attending transformers (latent diffusion, Stable Diffusion 1, 2 and XL) from the
/// lineage's own keys and from shapes, as single files have them below `model.diffusion_model.`.
package enum UNetLayout {
    /// How attention is cut into heads, which cannot be seen in the weights.
    package enum Heads: Sendable, Equatable {
        case count(Int)
        case width(Int)
    }

    /// - Parameters:
    ///   - source: its names without the prefix.
    ///   - heads: where known from elsewhere; nil stands for what was published with text of this width.
    ///   - normGroups: cannot be seen either; all published networks have 32.
    /// - Returns: nil where the keys are not those of such a network.
    /// - Throws: `CheckpointError` where they are, but contradict one another.
    package static func recognise(
        _ source: any TensorSource, heads: Heads? = nil, normGroups: Int = 32
    ) throws -> UNetConfiguration? {
        guard let first = source.shape(of: "input_blocks.0.0.weight"), first.count == 4,
            let time = source.shape(of: "time_embed.0.weight"), time.count == 2,
            let out = source.shape(of: "out.2.weight"), out.count == 4,
            let text = source.shape(of: "middle_block.1.transformer_blocks.0.attn2.to_k.weight"), text.count == 2,
            let projection = source.shape(of: "middle_block.1.proj_in.weight")
        else { return nil }
        let levels = try levels(source)
        let middleDepth = depth(source, "middle_block")
        var configuration = UNetConfiguration(
            inputChannels: first[1], outputChannels: out[0], modelChannels: time[1], levels: levels,
            residualResampling: false, scaleShiftNorm: scaleShift(source),
            text: .cross(width: text[1], linearProjections: projection.count == 2), normGroups: normGroups,
            middleDepth: middleDepth > 1 ? middleDepth : nil, addedWidth: try addedWidth(source))
        switch heads ?? published(configuration) {
        case .count(let count): configuration.heads = count
        case .width(let width): configuration.headWidth = width
        }
        do { try configuration.validate() } catch let error as ConfigurationError {
            throw CheckpointError(
                source.sourceName, "its U-Net's shapes fit no network: \(error)",
                expected: "the shapes of a latent or Stable Diffusion U-Net")
        }
        return configuration
    }

    /// Stable Diffusion 1 and the latent diffusion of 1.4 billion parameters have eight heads; later networks have heads
    /// of width 64, as many as fit.
    private static func published(_ network: UNetConfiguration) -> Heads {
        guard case .cross(let width, let linear) = network.text else { return .width(64) }
        let isLatentDiffusion = width == 1280 && !linear && network.outputChannels == 4
        return width == 768 || isLatentDiffusion ? .count(8) : .width(64)
    }

    /// Input blocks run level by level: residual blocks, then one that changes the size.
    private static func levels(_ source: any TensorSource) throws -> [UNetConfiguration.Level] {
        var levels: [UNetConfiguration.Level] = []
        var level: UNetConfiguration.Level?
        var index = 1
        while true {
            let path = "input_blocks.\(index)"
            if source.shape(of: "\(path).0.op.weight") != nil {
                guard let ended = level else { throw contradiction(source, path, "no residual block before it") }
                levels.append(ended)
                level = nil
            } else if let out = source.shape(of: "\(path).0.out_layers.3.weight") {
                let depth = depth(source, path)
                let channels = out.first ?? 0
                var known = level ?? self.level(channels, depth: depth, blocks: 0)
                guard known == self.level(channels, depth: depth, blocks: known.residualBlocks) else {
                    throw contradiction(
                        source, path, "another width or attention than its level's \(known.channels) channels")
                }
                known.residualBlocks += 1
                level = known
            } else {
                break
            }
            index += 1
        }
        if let level { levels.append(level) }
        try checkOutput(source, levels)
        return levels
    }

    private static func level(_ channels: Int, depth: Int, blocks: Int) -> UNetConfiguration.Level {
        UNetConfiguration.Level(
            channels: channels, residualBlocks: blocks, attention: depth > 0, transformerDepth: depth > 1 ? depth : nil)
    }

    /// The way up mirrors the way down, with one block more at each level.
    private static func checkOutput(_ source: any TensorSource, _ levels: [UNetConfiguration.Level]) throws {
        var index = 0
        for level in levels.reversed() {
            for _ in 0...level.residualBlocks {
                let path = "output_blocks.\(index)"
                let depth = depth(source, path)
                let found = source.shape(of: "\(path).0.out_layers.3.weight")?.first
                guard found == level.channels, depth == (level.attention ? level.transformerDepth ?? 1 : 0) else {
                    let what = found.map { "\($0) channels and \(depth) transformer blocks" } ?? "no residual block"
                    throw contradiction(source, path, what, expected: "the way up as the mirror image of the way down")
                }
                index += 1
            }
        }
    }

    /// Transformer blocks of a block's attention; 0 where it has none.
    private static func depth(_ source: any TensorSource, _ path: String) -> Int {
        var depth = 0
        while source.shape(of: "\(path).1.transformer_blocks.\(depth).attn1.to_q.weight") != nil { depth += 1 }
        return depth
    }

    private static func scaleShift(_ source: any TensorSource) -> Bool {
        let embedding = source.shape(of: "input_blocks.1.0.emb_layers.1.weight")?.first
        return embedding != source.shape(of: "input_blocks.1.0.out_layers.3.weight")?.first
    }

    /// Classes instead of pooled text have a table here, which no text-to-picture model has.
    private static func addedWidth(_ source: any TensorSource) throws -> Int? {
        if source.shape(of: "label_emb.weight") != nil {
            throw CheckpointError(
                source.sourceName, "its U-Net takes classes (label_emb.weight)",
                expected: "one that takes text, and at most pooled text and sizes (label_emb.0.0.weight)")
        }
        guard let shape = source.shape(of: "label_emb.0.0.weight") else { return nil }
        guard shape.count == 2 else {
            throw contradiction(source, "label_emb.0.0.weight", "the shape \(shape)", expected: "a matrix")
        }
        return shape[1]
    }

    private static func contradiction(
        _ source: any TensorSource, _ path: String, _ what: String, expected: String? = nil
    ) -> CheckpointError {
        CheckpointError(source.sourceName, "its U-Net has at \(path) \(what)", expected: expected)
    }
}
