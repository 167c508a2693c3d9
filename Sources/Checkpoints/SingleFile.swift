import Diffusion
import Foundation
import Layers
import Models
import Tensors

/// A whole model in one file, in the CompVis and Stability form: `model.diffusion_model.…`, `first_stage_model.…`, and the
/// text towers under `cond_stage_model.…` or `conditioner.embedders.….…`.
///
/// What its keys and shapes do not say is as published, unless configurations stand beside it: the JSON files of a
/// diffusers folder that it lies in, or a yaml file of its own name.
enum SingleFile {
    private static let unetPrefix = "model.diffusion_model."
    private static let autoencoderPrefix = "first_stage_model."

    /// - Returns: nil where the keys are not those of such a file.
    /// - Throws: `CheckpointError` where they are, but contradict one another.
    static func open(_ path: String, _ archive: TensorArchive) throws -> LatentFile? {
        let source = archive.stateDict
        guard source.shape(of: unetPrefix + "input_blocks.0.0.weight") != nil else { return nil }
        let unetSource = SourcePart(source, prefix: unetPrefix)
        let beside = try beside(path, unetSource)
        guard let unet = try beside?.unet ?? UNetLayout.recognise(unetSource) else {
            throw CheckpointError(path, "its U-Net is of no kind known here", expected: "one that attends to text")
        }
        let towers = try towers(source, path: path, beside: beside)
        let family = towers.family

        let autoencoderSource = SourcePart(
            source, prefix: autoencoderPrefix, ignoring: AutoencoderNames.isOfTraining)
        let isXL = family == .stableDiffusionXL || family == .stableDiffusionXLRefiner
        guard
            var autoencoder = try beside?.autoencoder
                ?? AutoencoderLayout.recognise(
                    autoencoderSource, lineage: isXL ? .stableDiffusionXL : .stableDiffusion)
        else { throw CheckpointError(path, "has no autoencoder", expected: "tensors under \(autoencoderPrefix)") }

        if let measured = try latentScale(source) { autoencoder.scalingFactor = measured }

        let isVelocity = velocity(archive, source, path: path, family: family, unet: unet)
        var scheduler = scheduler(family, isVelocity: isVelocity)
        if isVelocity, source.shape(of: "ztsnr") != nil {
            scheduler.rescalesToZeroSNR = true
            scheduler.spacing = .trailing
        }
        let sizes = [Prediction.noise: imageSize(family, isVelocity: false), .velocity: imageSize(family, isVelocity: true)]
        var configuration = LatentConfiguration(
            name: (path as NSString).lastPathComponent.split(separator: ".").dropLast().joined(separator: "."),
            family: family, unet: unet, autoencoder: autoencoder, towers: towers.configurations,
            diffusion: try beside?.diffusion ?? DiffusionConfiguration(scheduler),
            imageSize: beside?.imageSize ?? imageSize(family, isVelocity: isVelocity),
            sampling: beside?.sampling
                ?? scheduler.samplingDefaults(guidanceScale: isXL || family == .latentDiffusion ? 5 : 7.5),
            takesSamplingFromScheduler: beside == nil ? true : beside?.takesSamplingFromScheduler,
            zeroesEmptyPrompt: beside?.zeroesEmptyPrompt ?? (family == .stableDiffusionXL))
        if configuration.name.isEmpty { configuration.name = family.rawValue }

        var sources: [LatentFile.Part: any TensorSource] = [
            .unet: JoinedSource([unetSource, rest(source, towers.prefixes)]), .autoencoder: autoencoderSource,
        ]
        for (part, tower) in zip(towers.parts, towers.sources) { sources[part] = tower }
        return try LatentFile(
            path: path, format: .singleFile, configuration: configuration, sources: sources,
            vocabularies: beside.map { _ in vocabularies(path, towers.parts) } ?? towers.parts.map { _ in nil },
            towerParts: towers.parts, imageSizes: beside == nil ? sizes : [:])
    }

    /// What training measured where the latents' deviation was made 1 (latent-diffusion `ddpm.py`, `scale_by_std`).
    private static func latentScale(_ source: TensorArchive) throws -> Double? {
        guard source.shape(of: "scale_factor")?.isEmpty == true else { return nil }
        return try source.tensor("scale_factor").to(.float64).item()
    }

    // MARK: Text

    private struct Towers {
        var family: LatentConfiguration.Family
        var configurations: [TextTowerConfiguration]
        var sources: [any TensorSource]
        var parts: [LatentFile.Part]
        var prefixes: [String]
    }

    private static func towers(
        _ source: TensorArchive, path: String, beside: LatentConfiguration?
    ) throws -> Towers {
        func known(_ index: Int) -> CLIPTextConfiguration? {
            guard let beside, beside.towers.indices.contains(index),
                case .clip(let network) = beside.towers[index].network
            else { return nil }
            return network
        }
        let end = CLIPTextConfiguration.openAILarge.vocabulary - 1
        func padding(_ index: Int, _ published: Int) -> Int {
            guard let beside, beside.towers.indices.contains(index) else { return published }
            return beside.towers[index].padding
        }
        var layouts: [CLIPTextLayout] = []
        let embedders = ["conditioner.embedders.0.", "conditioner.embedders.1."]
        for (index, prefix) in embedders.enumerated() {
            if let layout = try CLIPTextLayout(source, under: prefix, configuration: known(index)) {
                layouts.append(layout)
            }
        }
        if !layouts.isEmpty {
            let isBase = layouts.count == 2
            return Towers(
                family: isBase ? .stableDiffusionXL : .stableDiffusionXLRefiner,
                configurations: layouts.enumerated().map { index, layout in
                    TextTowerConfiguration(
                        network: .clip(layout.configuration),
                        padding: padding(index, layout.kind == .openCLIP ? 0 : end), states: .penultimate)
                },
                sources: layouts.map(\.source), parts: isBase ? [.textEncoder, .textEncoder2] : [.textEncoder2],
                prefixes: embedders)
        }
        let prefix = "cond_stage_model."
        if let layout = try CLIPTextLayout(source, under: prefix, configuration: known(0)) {
            let isSecond = layout.kind == .openCLIP
            return Towers(
                family: isSecond ? .stableDiffusion2 : .stableDiffusion1,
                configurations: [
                    TextTowerConfiguration(network: .clip(layout.configuration), padding: padding(0, isSecond ? 0 : end))
                ],
                sources: [layout.source], parts: [.textEncoder], prefixes: [prefix])
        }
        if let layout = try BERTTextLayout(source, under: prefix) {
            return Towers(
                family: .latentDiffusion,
                configurations: [TextTowerConfiguration(network: .bert(layout.configuration), padding: 0)],
                sources: [layout.source], parts: [.textEncoder], prefixes: [prefix])
        }
        throw CheckpointError(
            path, "has no text tower known here",
            expected: "tensors under cond_stage_model. or conditioner.embedders.0.")
    }

    // MARK: What stands beside

    /// The configuration of the diffusers folder that the file lies in, where it describes a network of these shapes.
    private static func beside(_ path: String, _ source: SourcePart) throws -> LatentConfiguration? {
        let folder = (path as NSString).deletingLastPathComponent
        guard let configuration = try DiffusersFolder.known(folder.isEmpty ? "." : folder) else { return nil }
        let theirs = configuration.unet
        // Groups and heads cannot be seen: one head will do to compare the rest.
        guard
            let ours = try? UNetLayout.recognise(source, heads: .count(1), normGroups: theirs.normGroups),
            theirs.levels.map(\.channels) == ours.levels.map(\.channels),
            theirs.levels.map(\.residualBlocks) == ours.levels.map(\.residualBlocks), theirs.text == ours.text,
            theirs.inputChannels == ours.inputChannels, theirs.addedWidth == ours.addedWidth
        else { return nil }
        return configuration
    }

    private static func vocabularies(_ path: String, _ parts: [LatentFile.Part]) -> [String?] {
        let folder = (path as NSString).deletingLastPathComponent
        return parts.map { part in
            let words = ComponentFolder(folder, part == .textEncoder ? "tokenizer" : "tokenizer_2")
            return words.exists ? words.path : nil
        }
    }

    /// Whether it predicts velocity: a tensor `v_pred` or a yaml file of the same name says so, as the web interfaces have
    /// it; else diffusers' rule, by which a Stable Diffusion 2 does unless its file names the step where training of the
    /// base ended.
    private static func velocity(
        _ archive: TensorArchive, _ source: TensorArchive, path: String, family: LatentConfiguration.Family,
        unet: UNetConfiguration
    ) -> Bool {
        if source.shape(of: "v_pred") != nil { return true }
        let stem = (path as NSString).deletingPathExtension
        for ending in ["yaml", "yml"] {
            guard let handle = FileHandle(forReadingAtPath: stem + "." + ending) else { continue }
            defer { try? handle.close() }
            let text = String(decoding: (try? handle.read(upToCount: 1 << 20)) ?? Data(), as: UTF8.self)
            for line in text.split(whereSeparator: \.isNewline) {
                guard let colon = line.firstIndex(of: ":"),
                    line[..<colon].trimmingCharacters(in: .whitespaces) == "parameterization"
                else { continue }
                let value = line[line.index(after: colon)...].prefix { $0 != "#" }
                return value.trimmingCharacters(in: CharacterSet(charactersIn: " \t\"'")).hasPrefix("v")
            }
            return false
        }
        guard family == .stableDiffusion2, unet.inputChannels == 4 else { return false }
        return !isStep(archive.root?["global_step"], 875_000)
    }

    private static func isStep(_ value: PickleValue?, _ step: Int) -> Bool {
        if case .int(step)? = value { true } else { false }
    }

    private static func imageSize(_ family: LatentConfiguration.Family, isVelocity: Bool) -> Int {
        switch family {
        case .stableDiffusion1: 512
        case .stableDiffusion2: isVelocity ? 768 : 512
        case .stableDiffusionXL, .stableDiffusionXLRefiner: 1024
        case .latentDiffusion: 256
        }
    }

    private static func scheduler(
        _ family: LatentConfiguration.Family, isVelocity: Bool
    ) -> DiffusersScheduler {
        var scheduler: DiffusersScheduler =
            switch family {
            case .stableDiffusion1: .stableDiffusion1
            case .stableDiffusion2: isVelocity ? .stableDiffusion2 : .stableDiffusion2Base
            case .stableDiffusionXL, .stableDiffusionXLRefiner: .stableDiffusionXL
            case .latentDiffusion: .latentDiffusion
            }
        // Fine-tuned models of the other families may predict it too.
        if isVelocity { scheduler.prediction = .velocity }
        return scheduler
    }

    // MARK: What belongs to no part

    /// Tensors under no part's prefix, but those of training and of the noise schedule: unexpected, by their own names.
    private static func rest(_ source: TensorArchive, _ textPrefixes: [String]) -> any TensorSource {
        SourcePart(source) { name in
            name.hasPrefix(unetPrefix) || name.hasPrefix(autoencoderPrefix)
                || textPrefixes.contains { name.hasPrefix($0) } || isOfTraining(name)
        }
    }

    private static let buffers: Set<String> = [
        "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod",
        "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
        "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
        "lvlb_weights", "logvar", "scale_factor", "denoiser.sigmas", "model.logvar",
        // Marks of networks that predict velocity, and of such a schedule stretched to a last step of noise alone.
        "v_pred", "ztsnr",
    ]

    static func isOfTraining(_ name: String) -> Bool {
        buffers.contains(name) || name.hasPrefix("model_ema.") || name.hasPrefix("loss.")
            || name.hasPrefix("optimizer") || name.hasPrefix("loss_fn.") || name.hasPrefix("lr_schedul")
    }
}
