internal import Diffusion
internal import Foundation
package import Layers
internal import Models
public import Tensors
public import Tokenizers

/// Writes a latent model as a diffusers folder: `model_index.json`, and a folder with configuration and weights for each
/// part, as `StableDiffusionPipeline`, `StableDiffusionXLPipeline` and their kin load it; beside them `sampling.json`, which
/// is ours, where the scheduler does not say as much.
public struct DiffusersWriter {
    public let configuration: LatentConfiguration
    /// Of each text tower.
    private let tokenizers: [TokenizerFiles]

    /// Where a tower's tokenizer comes from.
    public enum TokenizerFiles: Sendable {
        /// A folder whose files are copied.
        case folder(String)
        /// CLIP's, or a part of it.
        case vocabulary(CLIPVocabularyFiles)
    }

    /// - Throws: `ConfigurationError` for a model that none of diffusers' pipelines can be.
    public init(_ configuration: LatentConfiguration, tokenizers: [TokenizerFiles]) throws {
        try configuration.validate()
        guard tokenizers.count == configuration.towers.count else {
            throw ConfigurationError("\(tokenizers.count) tokenizers for \(configuration.towers.count) text towers")
        }
        for tower in configuration.towers {
            guard case .clip = tower.network else {
                throw ConfigurationError("diffusers' Stable Diffusion pipelines have CLIP's text towers, not latent diffusion's")
            }
        }
        self.configuration = configuration
        self.tokenizers = tokenizers
    }

    /// Writes every part from weights under our names.
    ///
    /// - Parameter dtype: of the weights in the files; nil keeps each one's own.
    /// - Throws: `WeightError`, `TensorFileError`, `CheckpointError`; `ConfigurationError` for what diffusers' classes
    ///   cannot be.
    package func write(
        _ sources: [LatentFile.Part: any TensorSource], dtype: DType? = nil, to folder: String
    ) throws {
        let scheduler = try SchedulerJSON(configuration.diffusion)
        let unet = try DiffusersUNetJSON(configuration.unet, side: configuration.imageSize / configuration.autoencoder.factor)
        for (index, tower) in configuration.towers.enumerated() {
            guard case .clip(let network) = tower.network else { continue }
            let part = parts[index]
            let names = try parameters(of: sources, part).map { name, value in
                (name: name.hasPrefix("text_projection") ? name : "text_model." + name, value: value)
            }
            try ComponentFolder(folder, part.rawValue).write(
                CLIPTextJSON(network, padding: tower.padding), weights: names, dtype: dtype, as: "model")
            try write(
                tokenizers[index], tower, context: network.context,
                to: ComponentFolder(folder, part == .textEncoder ? "tokenizer" : "tokenizer_2"))
        }
        let names = try UNetNames.diffusers(configuration.unet)
        let weights = try parameters(of: sources, .unet).map { name, value in
            guard let theirs = names[name] else { throw WeightError(source: folder, mistakes: [.unexpected(name)]) }
            return (name: theirs, value: value)
        }
        try ComponentFolder(folder, "unet").write(unet, weights: weights, dtype: dtype)
        try AutoencoderFile.write(
            parameters(of: sources, .autoencoder), configuration: configuration.autoencoder, dtype: dtype,
            to: ComponentFolder(folder, "vae").path)
        let place = ComponentFolder(folder, "scheduler")
        try place.make()
        try place.write(scheduler, to: "scheduler_config.json")
        if configuration.takesSamplingFromScheduler != true {
            try ComponentFolder(folder).write(configuration.sampling, to: DiffusersFolder.sampling)
        }
        // The index last: a folder without it is no model yet.
        try ComponentFolder(folder).write(index(scheduler), to: DiffusersFolder.index)
    }

    private var isRefiner: Bool { configuration.family == .stableDiffusionXLRefiner }
    private var isXL: Bool { configuration.family == .stableDiffusionXL || isRefiner }
    private var parts: [LatentFile.Part] { isRefiner ? [.textEncoder2] : [.textEncoder, .textEncoder2] }

    private func parameters(
        of sources: [LatentFile.Part: any TensorSource], _ part: LatentFile.Part
    ) throws -> [(name: String, value: Tensor)] {
        guard let source = sources[part] else { throw ConfigurationError("the model has no \(part.rawValue)") }
        return try source.tensorNames.map { (name: $0, value: try source.tensor($0)) }
    }

    private func write(
        _ files: TokenizerFiles, _ tower: TextTowerConfiguration, context: Int, to folder: ComponentFolder
    ) throws {
        switch files {
        case .vocabulary(let vocabulary):
            let isEnd = tower.padding == vocabulary.endToken || !vocabulary.tokens.indices.contains(tower.padding)
            try vocabulary.write(
                to: folder.path, context: context, padding: isEnd ? nil : vocabulary.tokens[tower.padding])
        case .folder(let path):
            try folder.make()
            for name in [
                "vocab.json", "merges.txt", "tokenizer.json", "special_tokens_map.json", "tokenizer_config.json",
                "added_tokens.json",
            ] where ComponentFolder(path).has(name) {
                let data = try Data(contentsOf: URL(fileURLWithPath: ComponentFolder(path).file(name)))
                try data.write(to: URL(fileURLWithPath: folder.file(name)), options: .atomic)
            }
        }
    }

    // MARK: model_index.json

    private func index(_ scheduler: SchedulerJSON) -> [String: IndexEntry] {
        let isQuantised = configuration.autoencoder.kind != .kl
        // A refiner draws over pictures.
        let task = configuration.sees.seesMask ? "Inpaint" : isRefiner ? "Img2Img" : ""
        var index: [String: IndexEntry] = [
            "_class_name": .text("StableDiffusion" + (isXL ? "XL" : "") + task + "Pipeline"),
            "_diffusers_version": .text("0.36.0"),
            "scheduler": .part("diffusers", scheduler.className),
            "unet": .part("diffusers", "UNet2DConditionModel"),
            "vae": .part("diffusers", isQuantised ? "VQModel" : "AutoencoderKL"),
        ]
        for part in [LatentFile.Part.textEncoder, .textEncoder2] where isXL || part == .textEncoder {
            let words = part == .textEncoder ? "tokenizer" : "tokenizer_2"
            guard let place = parts.firstIndex(of: part), place < configuration.towers.count else {
                (index[part.rawValue], index[words]) = (.nothing, .nothing)
                continue
            }
            var projects = false
            if case .clip(let network) = configuration.towers[place].network { projects = network.projection != nil }
            index[part.rawValue] = .part("transformers", projects ? "CLIPTextModelWithProjection" : "CLIPTextModel")
            index[words] = .part("transformers", "CLIPTokenizer")
        }
        if isXL {
            index["force_zeros_for_empty_prompt"] = .flag(configuration.zeroesEmptyPrompt)
            if isRefiner { index["requires_aesthetics_score"] = .flag(true) }
        } else {
            index["requires_safety_checker"] = .flag(false)
            for name in ["safety_checker", "feature_extractor", "image_encoder"] { index[name] = .nothing }
        }
        return index
    }

    /// A value of `model_index.json`.
    private enum IndexEntry: Encodable {
        case text(String)
        case flag(Bool)
        /// A library and a class.
        case part(String, String)
        case nothing

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .flag(let flag): try container.encode(flag)
            case .part(let library, let name): try container.encode([library, name])
            case .nothing: try container.encode([String?](repeating: nil, count: 2))
            }
        }
    }
}

extension LatentFile {
    /// Writes the model as a diffusers folder.
    ///
    /// - Parameter dtype: of the weights there; nil keeps each one's own.
    /// - Throws: `WeightError` naming what does not fit, before anything is written; `ConfigurationError` for a model that
    ///   none of diffusers' pipelines can be.
    public func export(to folder: String, dtype: DType? = nil) throws {
        try check()
        let files = try vocabularies.map { vocabulary -> DiffusersWriter.TokenizerFiles in
            try vocabulary.map { .folder($0) } ?? .vocabulary(CLIPVocabularyFiles(keeping: [Int]?.none))
        }
        try DiffusersWriter(configuration, tokenizers: files).write(sources, dtype: dtype, to: folder)
    }
}
