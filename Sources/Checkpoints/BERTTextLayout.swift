package import Layers
package import Models
package import Tensors

/// The text transformer of the 1.4-billion latent diffusion model as files hold it: in `model.ckpt` under
/// `cond_stage_model.transformer.`, or in the `bert` folder that diffusers made of it.
package struct BERTTextLayout {
    package let source: any TensorSource
    package let configuration: BERTTextConfiguration

    /// - Parameter prefix: `cond_stage_model.` in a single file, `""` in a folder.
    /// - Returns: nil where there is no such transformer.
    /// - Throws: `CheckpointError` where there is one whose tensors contradict one another.
    package init?(_ base: any TensorSource, under prefix: String = "") throws {
        for root in ["transformer.", "model.transformer.", ""] {
            let part = SourcePart(base, prefix: prefix + root) { $0.hasPrefix("to_logits.") }
            if part.shape(of: "token_emb.weight") != nil, part.shape(of: "attn_layers.layers.0.1.to_q.weight") != nil {
                source = part
                configuration = try Self.recognise(
                    part, tokens: "token_emb.weight", positions: "pos_emb.emb.weight",
                    query: "attn_layers.layers.0.1.to_q.weight", perceptron: "attn_layers.layers.1.1.net.0.0.weight"
                ) { "attn_layers.layers.\(2 * $0).1.to_q.weight" }
                return
            }
        }
        let part = SourcePart(base, prefix: prefix) {
            $0.hasPrefix("to_logits.") || $0 == "model.embed_positions.position_ids"
        }
        guard part.shape(of: "model.embed_tokens.weight") != nil,
            part.shape(of: "model.layers.0.self_attn.q_proj.weight") != nil
        else { return nil }
        let configuration = try Self.recognise(
            part, tokens: "model.embed_tokens.weight", positions: "model.embed_positions.weight",
            query: "model.layers.0.self_attn.q_proj.weight", perceptron: "model.layers.0.fc1.weight"
        ) { "model.layers.\($0).self_attn.q_proj.weight" }
        self.configuration = configuration
        source = RenamedSource(part, names: Self.diffusersNames(layers: configuration.layers))
    }

    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    package func load(dtype: DType = .float32, device: Device = .cpu) throws -> BERTTextTransformer {
        let store = WeightStore(.tensors(source), dtype: dtype, device: device)
        let transformer = try BERTTextTransformer(Weights(store), configuration: configuration)
        try store.finish()
        return transformer
    }

    /// diffusers' `LDMBertModel`.
    private static func diffusersNames(layers: Int) -> [String: Origin] {
        var names: [String: Origin] = [
            "token_emb.weight": .whole("model.embed_tokens.weight"),
            "pos_emb.emb.weight": .whole("model.embed_positions.weight"),
            "norm.weight": .whole("model.layer_norm.weight"), "norm.bias": .whole("model.layer_norm.bias"),
        ]
        for layer in 0..<layers {
            let theirs = "model.layers.\(layer)."
            let (first, second) = ("attn_layers.layers.\(2 * layer).", "attn_layers.layers.\(2 * layer + 1).")
            for kind in ["q", "k", "v"] {
                names["\(first)1.to_\(kind).weight"] = .whole("\(theirs)self_attn.\(kind)_proj.weight")
            }
            for part in ["weight", "bias"] {
                names["\(first)0.\(part)"] = .whole("\(theirs)self_attn_layer_norm.\(part)")
                names["\(first)1.to_out.\(part)"] = .whole("\(theirs)self_attn.out_proj.\(part)")
                names["\(second)0.\(part)"] = .whole("\(theirs)final_layer_norm.\(part)")
                names["\(second)1.net.0.0.\(part)"] = .whole("\(theirs)fc1.\(part)")
                names["\(second)1.net.2.\(part)"] = .whole("\(theirs)fc2.\(part)")
            }
        }
        return names
    }

    /// Heads cannot be seen in the weights; latent diffusion's are 64 wide, whatever the width.
    private static let publishedHeadWidth = 64

    private static func recognise(
        _ part: SourcePart, tokens: String, positions: String, query: String, perceptron: String,
        layer: (Int) -> String
    ) throws -> BERTTextConfiguration {
        func matrix(_ name: String) throws -> [Int] {
            guard let shape = part.shape(of: name) else {
                throw WeightError(source: part.sourceName, mistakes: [.missing(part.nameInFile(name), [0, 0])])
            }
            guard shape.count == 2, shape.allSatisfy({ $0 > 0 }) else {
                throw CheckpointError(
                    part.sourceName, "\(part.nameInFile(name)) has the shape \(shape)", expected: "a matrix")
            }
            return shape
        }
        let (table, places, inner) = try (matrix(tokens), matrix(positions), matrix(query))
        let expanded = try matrix(perceptron)
        guard inner[0] % publishedHeadWidth == 0 || inner[0] < publishedHeadWidth else {
            throw CheckpointError(
                part.sourceName, "\(part.nameInFile(query)) has the shape \(inner)",
                expected: "heads of \(publishedHeadWidth)")
        }
        var layers = 0
        while layers < 1024, part.shape(of: layer(layers)) != nil { layers += 1 }
        let headWidth = min(publishedHeadWidth, inner[0])
        let configuration = BERTTextConfiguration(
            vocabulary: table[0], context: places[0], width: table[1], layers: layers, heads: inner[0] / headWidth,
            headWidth: headWidth, expandedWidth: expanded[0])
        do { try configuration.validate() } catch let error as ConfigurationError {
            throw CheckpointError(part.sourceName, error.description, expected: "a transformer that can be built")
        }
        return configuration
    }
}
