public import Models
internal import Tensors

extension AutoencoderConfiguration {
    /// Of a diffusers `vae/config.json` or `vqvae/config.json`; absent keys mean what they mean to diffusers.
    ///
    /// - Throws: `CheckpointError`, naming file and key.
    public init(diffusers json: JSONObject) throws {
        let isQuantised: Bool
        switch try json.string("_class_name") {
        case "AutoencoderKL": isQuantised = false
        case "VQModel": isQuantised = true
        case nil: isQuantised = json["num_vq_embeddings"] != nil
        default: throw json.wrong("_class_name", expected: "AutoencoderKL or VQModel")
        }
        let sizes = 1...16_384
        let channels = try json.ints("block_out_channels", in: sizes) ?? [64]
        let attention = try Self.attention(json, count: channels.count)
        let activation = try json.string("act_fn") ?? "silu"
        guard ["silu", "swish"].contains(activation) else { throw json.wrong("act_fn", expected: "silu") }
        let norm = try json.string("norm_type") ?? "group"
        guard norm == "group" else { throw json.wrong("norm_type", expected: "group") }
        let z = try json.int("latent_channels", in: sizes) ?? (isQuantised ? 3 : 4)
        let codes = try json.int("num_vq_embeddings", in: 1...1 << 20) ?? 256
        self.init(
            kind: isQuantised ? .vectorQuantised(codes: codes) : .kl,
            inputChannels: try json.int("in_channels", in: sizes) ?? 3,
            outputChannels: try json.int("out_channels", in: sizes) ?? 3,
            latentChannels: isQuantised ? try json.int("vq_embed_dim", in: sizes) ?? z : z, zChannels: z,
            levels: zip(channels, attention).map { .init(channels: $0, attention: $1) },
            residualBlocks: try json.int("layers_per_block", in: 1...64) ?? 1,
            middleAttention: try json.bool("mid_block_add_attention") ?? true,
            quantConvolution: isQuantised ? true : try json.bool("use_quant_conv") ?? true,
            postQuantConvolution: isQuantised ? true : try json.bool("use_post_quant_conv") ?? true,
            normGroups: try json.int("norm_num_groups", in: sizes) ?? 32,
            scalingFactor: try json.number("scaling_factor") ?? 0.18215,
            shiftFactor: try json.number("shift_factor"), latentMean: try json.numbers("latents_mean"),
            latentDeviation: try json.numbers("latents_std"),
            overflowsFloat16: try json.bool("force_upcast") ?? !isQuantised, sampleSize: try Self.sampleSize(json))
        do { try validate() } catch {
            throw CheckpointError(json.file, "\(error)", expected: "an autoencoder that can be built")
        }
    }

    /// Which levels attend, from the names of their blocks: the decoder's mirror the encoder's.
    private static func attention(_ json: JSONObject, count: Int) throws -> [Bool] {
        func read(_ key: String, plain: String, attending: String) throws -> [Bool] {
            // The default is one block whatever the number of widths; diffusers then builds one level alone.
            let names = try json.strings(key) ?? [plain]
            guard names.count == count else { throw json.wrong(key, expected: "\(count) blocks, one a width") }
            return try names.map { name in
                switch name {
                case plain: false
                case attending: true
                default: throw json.wrong(key, expected: "\(plain) or \(attending), not \(name)")
                }
            }
        }
        let down = try read("down_block_types", plain: "DownEncoderBlock2D", attending: "AttnDownEncoderBlock2D")
        let up = try read("up_block_types", plain: "UpDecoderBlock2D", attending: "AttnUpDecoderBlock2D")
        guard up == down.reversed() else {
            throw json.wrong("up_block_types", expected: "attention at the levels that down_block_types names")
        }
        return down
    }

    /// One number, or height and width, of which the height counts as in diffusers.
    private static func sampleSize(_ json: JSONObject) throws -> Int {
        guard case .array? = json["sample_size"] else { return try json.int("sample_size", in: 1...65_536) ?? 32 }
        let sides = try json.ints("sample_size", in: 1...65_536)
        guard let first = sides?.first else { throw json.wrong("sample_size", expected: "a whole number") }
        return first
    }
}
