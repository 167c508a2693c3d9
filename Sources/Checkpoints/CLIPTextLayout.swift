package import Layers
package import Models
package import Tensors

/// A CLIP text tower as files hold it, seen under `CLIPTextTower`'s names: transformers' layout with or without its
/// `text_model.`, or OpenCLIP's, whose attention is fused and whose projection is transposed.
package struct CLIPTextLayout {
    package enum Kind: Sendable, Equatable { case transformers, openCLIP }

    package let kind: Kind
    /// The tower's tensors alone, under our names; what else stands among them shows under its own.
    package let source: any TensorSource
    package let configuration: CLIPTextConfiguration

    /// Finds the tower under a prefix: `""` in a `text_encoder` folder, `cond_stage_model.` in a single file of Stable
    /// Diffusion 1 or 2, `conditioner.embedders.0.` and `.1.` in one of XL.
    ///
    /// - Parameter configuration: from the file beside the weights; nil recognises it from keys and shapes.
    /// - Returns: nil where there is no tower.
    /// - Throws: `CheckpointError` where there is one whose tensors contradict one another.
    package init?(
        _ base: any TensorSource, under prefix: String = "", configuration given: CLIPTextConfiguration? = nil
    ) throws {
        for root in ["", "transformer.", "model."] {
            let path = prefix + root
            for inner in ["text_model.", ""]
            where base.shape(of: path + inner + "embeddings.token_embedding.weight") != nil {
                try self.init(transformers: SourcePart(base, prefix: path), inner: inner, given)
                return
            }
            if base.shape(of: path + "token_embedding.weight") != nil,
                base.shape(of: path + "transformer.resblocks.0.attn.in_proj_weight") != nil
            {
                let isSecond = prefix.hasPrefix("cond_stage_model.")
                try self.init(openCLIP: SourcePart(base, prefix: path), given, isOfStableDiffusion2: isSecond)
                return
            }
        }
        return nil
    }

    /// Builds the tower with the file's weights.
    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape.
    package func load(dtype: DType = .float32, device: Device = .cpu) throws -> CLIPTextTower {
        let store = WeightStore(.tensors(source), dtype: dtype, device: device)
        let tower = try CLIPTextTower(Weights(store), configuration: configuration)
        try store.finish()
        return tower
    }

    // MARK: transformers

    private init(transformers part: SourcePart, inner: String, _ given: CLIPTextConfiguration?) throws {
        let projection = part.shape(of: "text_projection.weight")
        var configuration =
            try given
            ?? Self.recognise(
                part, tokens: inner + "embeddings.token_embedding.weight",
                positions: inner + "embeddings.position_embedding.weight",
                perceptron: inner + "encoder.layers.0.mlp.fc1.weight"
            ) { inner + "encoder.layers.\($0).layer_norm1.weight" }
        if configuration.projection == nil { configuration.projection = projection?.first }
        var names: [String: Origin] = [:]
        for name in Self.names(configuration) {
            names[name] = .whole(name.hasPrefix("text_projection") ? name : inner + name)
        }
        // Buffers that older versions saved, and the factor of CLIP's loss.
        let ignored: Set = [inner + "embeddings.position_ids", "logit_scale"]
        kind = .transformers
        source = RenamedSource(SourcePart(part, ignoring: ignored.contains), names: names)
        self.configuration = configuration
    }

    // MARK: OpenCLIP

    private init(openCLIP part: SourcePart, _ given: CLIPTextConfiguration?, isOfStableDiffusion2: Bool) throws {
        let blocks = Self.count { part.shape(of: "transformer.resblocks.\($0).ln_1.weight") != nil }
        let projection = part.shape(of: "text_projection")
        var configuration =
            try given
            ?? Self.recognise(
                part, tokens: "token_embedding.weight", positions: "positional_embedding",
                perceptron: "transformer.resblocks.0.mlp.c_fc.weight"
            ) { "transformer.resblocks.\($0).ln_1.weight" }
        // Stable Diffusion 2 attends to the states before the last layer. Its own files hold the whole tower, those that
        // were converted from diffusers' only the layers that are used, 23, and no projection.
        let saysDepth = given.map { [blocks - 1, blocks].contains($0.layers) } ?? false
        let dropsLast = saysDepth ? configuration.layers < blocks : isOfStableDiffusion2 && (projection != nil || blocks == 24)
        if given == nil, dropsLast { configuration.layers = max(1, configuration.layers - 1) }
        // Without the last layer there is no state to project.
        if !dropsLast, configuration.projection == nil { configuration.projection = projection?.last }
        let isProjected = configuration.projection != nil
        // The factor of CLIP's loss, and buffers: the last is transformers', handed on by diffusers' conversion.
        let ignored: Set = ["logit_scale", "attn_mask", "transformer.text_model.embeddings.position_ids"]
        let last = "transformer.resblocks.\(blocks - 1)."
        let isDropped: (String) -> Bool = { name in
            ignored.contains(name) || (!isProjected && name == "text_projection") || (dropsLast && name.hasPrefix(last))
        }
        kind = .openCLIP
        source = RenamedSource(
            SourcePart(part, ignoring: isDropped), names: Self.openCLIPNames(configuration))
        self.configuration = configuration
    }

    private static func openCLIPNames(_ configuration: CLIPTextConfiguration) -> [String: Origin] {
        let width = configuration.width
        var names: [String: Origin] = [
            "embeddings.token_embedding.weight": .whole("token_embedding.weight"),
            "embeddings.position_embedding.weight": .whole("positional_embedding"),
            "final_layer_norm.weight": .whole("ln_final.weight"), "final_layer_norm.bias": .whole("ln_final.bias"),
        ]
        if configuration.projection != nil { names["text_projection.weight"] = .transposed("text_projection") }
        let plain = [
            "layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc",
            "mlp.fc2": "mlp.c_proj",
        ]
        for layer in 0..<configuration.layers {
            let (ours, theirs) = ("encoder.layers.\(layer).", "transformer.resblocks.\(layer).")
            for part in ["weight", "bias"] {
                for (our, their) in plain { names["\(ours)\(our).\(part)"] = .whole("\(theirs)\(their).\(part)") }
                for (index, kind) in ["q", "k", "v"].enumerated() {
                    names["\(ours)self_attn.\(kind)_proj.\(part)"] = .rows(
                        "\(theirs)attn.in_proj_\(part)", index * width..<(index + 1) * width)
                }
            }
        }
        return names
    }

    // MARK: Recognition

    /// All names that a tower asks for.
    private static func names(_ configuration: CLIPTextConfiguration) -> [String] {
        var names = ["embeddings.token_embedding.weight", "embeddings.position_embedding.weight"]
        for layer in 0..<configuration.layers {
            for part in [
                "layer_norm1", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
                "layer_norm2", "mlp.fc1", "mlp.fc2",
            ] {
                names += ["weight", "bias"].map { "encoder.layers.\(layer).\(part).\($0)" }
            }
        }
        names += ["final_layer_norm.weight", "final_layer_norm.bias"]
        return names + (configuration.projection == nil ? [] : ["text_projection.weight"])
    }

    /// The width of an attention head, which cannot be seen in the weights: all published towers have 64.
    private static let publishedHeadWidth = 64

    private static func recognise(
        _ part: SourcePart, tokens: String, positions: String, perceptron: String, layer: (Int) -> String
    ) throws -> CLIPTextConfiguration {
        func matrix(_ name: String) throws -> [Int] {
            guard let shape = part.shape(of: name) else {
                throw WeightError(source: part.sourceName, mistakes: [.missing(part.nameInFile(name), [0, 0])])
            }
            guard shape.count == 2, shape.allSatisfy({ $0 > 0 }) else {
                throw CheckpointError(
                    part.sourceName, "\(part.nameInFile(name)) has the shape \(shape)", expected: "a table")
            }
            return shape
        }
        let (table, context, expanded) = try (matrix(tokens), matrix(positions), matrix(perceptron))
        let width = table[1]
        let layers = count { part.shape(of: layer($0)) != nil }
        let configuration = CLIPTextConfiguration(
            vocabulary: table[0], context: context[0], width: width, expandedWidth: expanded[0], layers: layers,
            heads: max(1, width / publishedHeadWidth),
            // OpenAI's are 768 wide here, OpenCLIP's wider.
            activation: width == CLIPTextConfiguration.openAILarge.width ? .quickGELU : .gelu)
        do { try configuration.validate() } catch let error as ConfigurationError {
            throw CheckpointError(part.sourceName, error.description, expected: "a tower that can be built")
        }
        return configuration
    }

    private static func count(while holds: (Int) -> Bool) -> Int {
        var index = 0
        // More layers than any configuration may have are counted no further.
        while index < 1024, holds(index) { index += 1 }
        return index
    }
}

extension CLIPTextConfiguration {
    /// Reads `config.json` as transformers writes it for `CLIPTextModel`, `CLIPTextModelWithProjection` or a whole
    /// `CLIPModel`; what is absent has `CLIPTextConfig`'s defaults.
    ///
    /// - Throws: `CheckpointError` naming file and key.
    package init(huggingFace file: JSONObject) throws {
        let json = try file.object("text_config") ?? file
        let size = 1...1 << 22
        let activation: Activation
        switch try json.string("hidden_act") ?? "quick_gelu" {
        case "quick_gelu": activation = .quickGELU
        case "gelu": activation = .gelu
        default: throw json.wrong("hidden_act", expected: "quick_gelu or gelu")
        }
        if try json.bool("use_attention_mask") == true {
            throw json.wrong("use_attention_mask", expected: "false: padding is attended to")
        }
        let width = try json.int("hidden_size", in: size) ?? 512
        // 2 stands in configurations written when the number was not looked at.
        let end = try json.int("eos_token_id", in: 0...1 << 22) ?? 49_407
        let projects = try file.strings("architectures")?.contains { $0 != "CLIPTextModel" } ?? false
        self.init(
            vocabulary: try json.int("vocab_size", in: size) ?? 49_408,
            context: try json.int("max_position_embeddings", in: size) ?? 77, width: width,
            expandedWidth: try json.int("intermediate_size", in: size) ?? 2048,
            layers: try json.int("num_hidden_layers", in: size) ?? 12,
            heads: try json.int("num_attention_heads", in: size) ?? 8, activation: activation,
            endToken: end == 2 ? nil : end,
            projection: projects ? try json.int("projection_dim", in: size) ?? 512 : nil,
            epsilon: try json.number("layer_norm_eps") ?? 1e-5)
        do { try validate() } catch let error as ConfigurationError {
            throw CheckpointError(file.file, error.description, expected: "a tower that can be built")
        }
    }
}
