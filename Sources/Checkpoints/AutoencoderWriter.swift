internal import Foundation
internal import Layers
public import Models
public import Tensors

extension AutoencoderFile {
    /// Writes a folder as diffusers' `AutoencoderKL` or `VQModel` saves it: `config.json` and
    /// `diffusion_pytorch_model.safetensors`, each the old file or the whole new one.
    ///
    /// - Parameters:
    ///   - parameters: under our names.
    ///   - dtype: of the weights in the file; nil keeps each one's own.
    /// - Throws: `ConfigurationError` for an autoencoder that diffusers' classes cannot be; `WeightError` for parameters
    ///   that are not the configuration's; `TensorFileError` where nothing can be written.
    public static func write(
        _ parameters: [(name: String, value: Tensor)], configuration: AutoencoderConfiguration, dtype: DType? = nil,
        to folder: String
    ) throws {
        let json = try DiffusersAutoencoder(configuration)
        let names = AutoencoderNames.diffusers(configuration)
        let tensors = try parameters.map { name, value in
            switch names[name] {
            case .whole(let theirs)?: (name: theirs, value: value)
            // A 1×1 convolution here, a linear layer there.
            case .reshaped(let theirs, _)?: (name: theirs, value: try value.squeeze(-1).squeeze(-1))
            default: throw WeightError(source: folder, mistakes: [.unexpected(name)])
            }
        }
        let given = Set(parameters.map(\.name))
        let missing = names.keys.filter { !given.contains($0) }.sorted()
        guard missing.isEmpty else {
            throw WeightError(source: folder, mistakes: missing.map { .missing($0, []) })
        }
        try ComponentFolder(folder).write(json, weights: tensors, dtype: dtype)
    }
}

extension ComponentFolder {
    /// Writes configuration and weights, making the folder where there is none.
    ///
    /// - Throws: `TensorFileError`, `CheckpointError`.
    func write(
        _ configuration: some Encodable, weights: [(name: String, value: Tensor)], dtype: DType? = nil,
        as stem: String = "diffusion_pytorch_model"
    ) throws {
        try make()
        try Safetensors.write(weights, dtype: dtype, metadata: ["format": "pt"], to: file(stem + ".safetensors"))
        try write(configuration, to: "config.json")
    }

    /// - Throws: `CheckpointError` where it cannot be made.
    func make() throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CheckpointError(path, "cannot be made: \(error.localizedDescription)", expected: "a folder")
        }
    }

    /// JSON with sorted keys, the old file or the whole new one.
    func write(_ value: some Encodable, to name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        try AtomicFile.replace(file(name)) { output in try data.withUnsafeBytes { try output.append($0) } }
    }
}

/// `config.json` of diffusers' `AutoencoderKL` and `VQModel`, keys as they are there.
private struct DiffusersAutoencoder: Encodable {
    let _class_name: String
    let act_fn = "silu"
    let norm_type: String?
    let in_channels, out_channels, latent_channels, layers_per_block, norm_num_groups: Int
    let block_out_channels: [Int]
    let down_block_types, up_block_types: [String]
    let mid_block_add_attention: Bool
    let sample_size: Int?
    let scaling_factor: Double
    let shift_factor: Double?
    let latents_mean, latents_std: [Double]?
    let force_upcast, use_quant_conv, use_post_quant_conv: Bool?
    let num_vq_embeddings, vq_embed_dim: Int?

    init(_ configuration: AutoencoderConfiguration) throws {
        try configuration.validate()
        guard configuration.channels == configuration.levels.first?.channels else {
            throw ConfigurationError(
                "diffusers' autoencoders begin with as many channels as their first level has, not \(configuration.channels)")
        }
        let isKL = configuration.kind == .kl
        if isKL, configuration.zChannels != configuration.latentChannels {
            throw ConfigurationError(
                "diffusers' AutoencoderKL has as many channels beside the latents as in them, not \(configuration.zChannels)")
        }
        if !isKL {
            guard configuration.quantConvolution, configuration.postQuantConvolution, configuration.shiftFactor == nil,
                configuration.latentMean == nil
            else { throw ConfigurationError("diffusers' VQModel has both quantisation convolutions, and neither shift nor mean") }
        }
        _class_name = isKL ? "AutoencoderKL" : "VQModel"
        norm_type = isKL ? nil : "group"
        in_channels = configuration.inputChannels
        out_channels = configuration.outputChannels
        latent_channels = configuration.zChannels
        layers_per_block = configuration.residualBlocks
        norm_num_groups = configuration.normGroups
        block_out_channels = configuration.levels.map(\.channels)
        down_block_types = configuration.levels.map { $0.attention ? "AttnDownEncoderBlock2D" : "DownEncoderBlock2D" }
        up_block_types = configuration.levels.reversed().map { $0.attention ? "AttnUpDecoderBlock2D" : "UpDecoderBlock2D" }
        mid_block_add_attention = configuration.middleAttention
        sample_size = configuration.sampleSize
        scaling_factor = configuration.scalingFactor
        shift_factor = configuration.shiftFactor
        latents_mean = configuration.latentMean
        latents_std = configuration.latentDeviation
        force_upcast = isKL ? configuration.overflowsFloat16 : nil
        use_quant_conv = isKL ? configuration.quantConvolution : nil
        use_post_quant_conv = isKL ? configuration.postQuantConvolution : nil
        if case .vectorQuantised(let codes) = configuration.kind {
            (num_vq_embeddings, vq_embed_dim) = (codes, configuration.latentChannels)
        } else {
            (num_vq_embeddings, vq_embed_dim) = (nil, nil)
        }
    }
}
