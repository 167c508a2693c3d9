package import Foundation
package import Models

/// The `config.json` of diffusers' `UNet2DConditionModel`: what is absent is as diffusers has it by default.
struct DiffusersUNet: Decodable {
    var inChannels = 4
    var outChannels = 4
    var blockOutChannels = [320, 640, 1280, 1280]
    var downBlockTypes = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]
    var upBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]
    var layersPerBlock = OneOrMany.one(2)
    var dropout = 0.0
    var normNumGroups = 32
    var crossAttentionDim = OneOrMany.one(1280)
    var transformerLayersPerBlock = OneOrMany.one(1)
    /// The number of heads, in spite of its name.
    var attentionHeadDim = OneOrMany.one(8)
    var useLinearProjection = false
    var resnetTimeScaleShift = "default"
    var additionEmbedType: String?
    var additionTimeEmbedDim: Int?
    var projectionClassEmbeddingsInputDim: Int?
    /// Keys whose values no network here has: what stands there, and what could.
    var refused: [(key: String, found: String, expected: String)] = []

    /// A number for all levels, or one for each.
    enum OneOrMany: Decodable, Equatable {
        case one(Int)
        case many([Int])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .one(number)
            } else if let numbers = try? container.decode([Int].self) {
                self = .many(numbers)
            } else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "neither a number nor a list of them")
            }
        }
    }

    /// A value that can be compared with others.
    enum Plain: Decodable, Equatable, CustomStringConvertible {
        case null
        case flag(Bool)
        case number(Double)
        case text(String)
        case flags([Bool])
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .flag(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else if let values = try? container.decode([Bool].self) {
                self = Set(values) == [false] ? .flag(false) : .flags(values)
            } else {
                self = .other
            }
        }

        var description: String {
            switch self {
            case .null: "null"
            case .flag(let value): "\(value)"
            case .number(let value): "\(value)"
            case .text(let value): "\"\(value.prefix(40))\""
            case .flags(let values): "\(values.prefix(8))"
            case .other: "a list or an object"
            }
        }
    }

    /// Keys with the only values that are done here.
    private static let fixed: [(key: String, values: [Plain])] = [
        ("_class_name", [.text("UNet2DConditionModel")]), ("center_input_sample", [.flag(false)]),
        ("flip_sin_to_cos", [.flag(true)]), ("freq_shift", [.number(0)]),
        ("mid_block_type", [.text("UNetMidBlock2DCrossAttn")]), ("only_cross_attention", [.flag(false)]),
        ("downsample_padding", [.number(1)]), ("mid_block_scale_factor", [.number(1)]),
        ("act_fn", [.text("silu"), .text("swish")]), ("norm_eps", [.number(1e-5)]),
        ("reverse_transformer_layers_per_block", [.null]), ("encoder_hid_dim", [.null]),
        ("encoder_hid_dim_type", [.null]), ("num_attention_heads", [.null]), ("dual_cross_attention", [.flag(false)]),
        ("class_embed_type", [.null]), ("addition_embed_type", [.null, .text("text_time")]),
        ("num_class_embeds", [.null]), ("resnet_time_scale_shift", [.text("default"), .text("scale_shift")]),
        ("resnet_skip_time_act", [.flag(false)]), ("resnet_out_scale_factor", [.number(1)]),
        ("time_embedding_type", [.text("positional")]), ("time_embedding_dim", [.null]),
        ("time_embedding_act_fn", [.null]), ("timestep_post_act", [.null]), ("time_cond_proj_dim", [.null]),
        ("conv_in_kernel", [.number(3)]), ("conv_out_kernel", [.number(3)]), ("attention_type", [.text("default")]),
        ("class_embeddings_concat", [.flag(false)]), ("mid_block_only_cross_attention", [.null, .flag(false)]),
        ("cross_attention_norm", [.null]),
    ]

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        func read<Value: Decodable>(_ name: String, _ value: inout Value) throws {
            value = try keys.decodeIfPresent(Value.self, forKey: Key(name)) ?? value
        }
        for (name, values) in Self.fixed {
            let key = Key(name)
            guard keys.contains(key) else { continue }
            let found = try keys.decodeNil(forKey: key) ? .null : keys.decode(Plain.self, forKey: key)
            if !values.contains(found) {
                refused.append((name, found.description, values.map(\.description).joined(separator: " or ")))
            }
        }
        // The rest has no meaning, or not this one, where something else is asked for.
        if !refused.isEmpty { return }
        if keys.contains(Key("norm_num_groups")) { normNumGroups = try keys.decode(Int.self, forKey: Key("norm_num_groups")) }
        try read("in_channels", &inChannels)
        try read("out_channels", &outChannels)
        try read("block_out_channels", &blockOutChannels)
        try read("down_block_types", &downBlockTypes)
        try read("up_block_types", &upBlockTypes)
        try read("layers_per_block", &layersPerBlock)
        try read("dropout", &dropout)
        try read("cross_attention_dim", &crossAttentionDim)
        try read("transformer_layers_per_block", &transformerLayersPerBlock)
        try read("attention_head_dim", &attentionHeadDim)
        try read("use_linear_projection", &useLinearProjection)
        try read("resnet_time_scale_shift", &resnetTimeScaleShift)
        additionEmbedType = try keys.decodeIfPresent(String.self, forKey: Key("addition_embed_type"))
        additionTimeEmbedDim = try keys.decodeIfPresent(Int.self, forKey: Key("addition_time_embed_dim"))
        projectionClassEmbeddingsInputDim = try keys.decodeIfPresent(
            Int.self, forKey: Key("projection_class_embeddings_input_dim"))
    }
}

extension UNetConfiguration {
    /// Reads the `config.json` beside a U-Net in a diffusers folder.
    ///
    /// - Parameter file: for messages.
    /// - Throws: `CheckpointError` naming the file and the key: where the JSON does not read, or asks for what no network
    ///   here does.
    package init(diffusers json: Data, file: String) throws {
        do {
            self = try JSONDecoder().decode(DiffusersUNet.self, from: json).configuration(file: file)
            try validate()
        } catch let error as DecodingError {
            throw CheckpointError(file, "does not read: \(error.summary)", expected: "diffusers' UNet2DConditionModel")
        } catch let error as ConfigurationError {
            throw CheckpointError(file, error.description, expected: "a configuration that a network can be built from")
        }
    }
}

extension DiffusersUNet {
    func configuration(file: String) throws -> UNetConfiguration {
        if let first = refused.first {
            throw CheckpointError(file, "\(first.key) is \(first.found)", expected: first.expected)
        }
        let count = blockOutChannels.count
        func each(_ value: OneOrMany, _ key: String) throws -> [Int] {
            switch value {
            case .one(let number): return Array(repeating: number, count: count)
            case .many(let numbers):
                guard numbers.count == count else {
                    throw CheckpointError(file, "\(key) lists \(numbers.count) numbers", expected: "one, or \(count)")
                }
                return numbers
            }
        }
        let attention = try attention(file)
        let blocks = try each(layersPerBlock, "layers_per_block")
        let depths = try each(transformerLayersPerBlock, "transformer_layers_per_block")
        let widths = try each(crossAttentionDim, "cross_attention_dim")
        guard let width = widths.first, Set(widths).count == 1 else {
            throw CheckpointError(file, "cross_attention_dim is \(widths.prefix(8))", expected: "the same at each level")
        }
        let heads = try each(attentionHeadDim, "attention_head_dim")
        var levels = (0..<count).map {
            UNetConfiguration.Level(
                channels: blockOutChannels[$0], residualBlocks: blocks[$0], attention: attention[$0],
                transformerDepth: attention[$0] && depths[$0] != 1 ? depths[$0] : nil)
        }
        let common = commonHeads(levels, heads)
        if common == nil { for index in levels.indices { levels[index].heads = heads[index] } }
        var configuration = UNetConfiguration(
            inputChannels: inChannels, outputChannels: outChannels, modelChannels: blockOutChannels[0], levels: levels,
            dropout: dropout, residualResampling: false, scaleShiftNorm: resnetTimeScaleShift == "scale_shift",
            text: .cross(width: width, linearProjections: useLinearProjection), normGroups: normNumGroups,
            middleDepth: depths[count - 1] == 1 ? nil : depths[count - 1])
        switch common {
        case .count(let count): configuration.heads = count
        case .width(let width): configuration.headWidth = width
        case nil: break
        }
        if additionEmbedType != nil {
            guard let projectionClassEmbeddingsInputDim, let additionTimeEmbedDim else {
                throw CheckpointError(
                    file, "addition_embed_type is \"text_time\", without its widths",
                    expected: "projection_class_embeddings_input_dim and addition_time_embed_dim")
            }
            configuration.addedWidth = projectionClassEmbeddingsInputDim
            configuration.sizeSinusoidWidth = additionTimeEmbedDim == 256 ? nil : additionTimeEmbedDim
        }
        return configuration
    }

    /// Whether each level attends to the text; the way up must be the mirror image of the way down.
    private func attention(_ file: String) throws -> [Bool] {
        func read(_ types: [String], _ key: String, _ attending: String, _ plain: String) throws -> [Bool] {
            guard !types.isEmpty, types.count == blockOutChannels.count else {
                throw CheckpointError(
                    file, "\(key) lists \(types.count) blocks, and block_out_channels \(blockOutChannels.count)",
                    expected: "as many, and at least one")
            }
            return try types.map { type in
                guard type == attending || type == plain else {
                    throw CheckpointError(
                        file, "\(key) has \"\(type.prefix(40))\"", expected: "\(attending) and \(plain)")
                }
                return type == attending
            }
        }
        let down = try read(downBlockTypes, "down_block_types", "CrossAttnDownBlock2D", "DownBlock2D")
        let up = try read(upBlockTypes, "up_block_types", "CrossAttnUpBlock2D", "UpBlock2D")
        guard up == down.reversed() else {
            throw CheckpointError(
                file, "up_block_types is \(upBlockTypes.prefix(8))",
                expected: "the mirror image of down_block_types \(downBlockTypes.prefix(8))")
        }
        return down
    }

    /// One number of heads, or one width of them, that holds wherever there is attention; nil where neither does.
    private func commonHeads(_ levels: [UNetConfiguration.Level], _ heads: [Int]) -> UNetLayout.Heads? {
        if case .one(let count) = attentionHeadDim { return .count(count) }
        let attending = levels.indices.filter { levels[$0].attention || $0 == levels.count - 1 }
        let widths = attending.map { index -> Int? in
            let (channels, count) = (levels[index].channels, heads[index])
            return count > 0 && channels % count == 0 ? channels / count : nil
        }
        if let width = widths.first ?? nil, widths.allSatisfy({ $0 == width }) { return .width(width) }
        let counts = Set(attending.map { heads[$0] })
        return counts.count == 1 ? counts.first.map { .count($0) } : nil
    }
}
