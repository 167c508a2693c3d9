import Diffusion
import Foundation
import Layers
import Models
import Tensors

/// A model as diffusers writes it: `model_index.json`, and a folder with configuration and weights for each part.
enum DiffusersFolder {
    static let index = "model_index.json"
    /// Steps, sampler and guidance as a run's configuration has them; diffusers knows no such file and leaves it.
    static let sampling = "sampling.json"

    /// - Throws: `CheckpointError` or `TensorFileError` naming the file and what is wrong there.
    static func open(_ path: String) throws -> LatentFile {
        let (configuration, towers) = try configuration(path)
        var sources: [LatentFile.Part: any TensorSource] = [:]
        let unet = configuration.unet
        sources[.unet] = RenamedSource(
            try ComponentFolder(path, "unet").weights(),
            names: try UNetNames.diffusers(unet).mapValues { .whole($0) })
        sources[.autoencoder] = AutoencoderNames.source(
            SourcePart(try ComponentFolder(path, configuration.folder(of: .autoencoder)).weights(), ignoring: AutoencoderNames.isOfTraining),
            configuration: configuration.autoencoder)
        for (tower, read) in zip(configuration.towers, towers) {
            let folder = ComponentFolder(path, configuration.folder(of: read.part))
            guard case .clip(let network) = tower.network else {
                sources[read.part] = try bert(folder).source
                continue
            }
            guard let layout = try CLIPTextLayout(folder.weights(), configuration: network) else {
                throw CheckpointError(folder.path, "holds weights of no CLIP text tower")
            }
            sources[read.part] = layout.source
        }
        return try LatentFile(
            path: path, format: .diffusers, configuration: configuration, sources: sources,
            vocabularies: towers.map(\.vocabulary), towerParts: towers.map(\.part))
    }

    /// What the folder's JSON files say, without its weights.
    ///
    /// - Returns: also each tower's part, and the folder with its vocabulary.
    static func configuration(
        _ path: String
    ) throws -> (LatentConfiguration, towers: [(part: LatentFile.Part, vocabulary: String?)]) {
        let index = try JSONObject(path: (path as NSString).appendingPathComponent(Self.index))
        let kind = try kind(index)
        let isXL = kind == .stableDiffusionXL
        let unetFile = ComponentFolder(path, "unet").file("config.json")
        let unetJSON = try JSONObject(path: unetFile)
        let unet = try UNetConfiguration(diffusers: data(unetFile), file: unetFile)
        let coder = kind == .latentDiffusion ? "vqvae" : "vae"
        let autoencoder = try AutoencoderConfiguration(diffusers: ComponentFolder(path, coder).configuration())
        let isInpainting = try index.string("_class_name") == "StableDiffusionInpaintPipeline"
        var (diffusion, sampling) = try process(ComponentFolder(path, "scheduler"), kind, isInpainting: isInpainting)
        let isChosen = ComponentFolder(path).has(Self.sampling)
        if isChosen { sampling = try decoded(ComponentFolder(path).file(Self.sampling)) }

        var towers: [TextTowerConfiguration] = []
        var places: [(part: LatentFile.Part, vocabulary: String?)] = []
        if kind == .latentDiffusion {
            let words = ComponentFolder(path, "tokenizer")
            towers = [TextTowerConfiguration(network: .bert(try bert(ComponentFolder(path, "bert")).configuration), padding: 0)]
            places = [(.textEncoder, words.exists ? words.path : nil)]
        }
        for (part, tokenizer) in [(LatentFile.Part.textEncoder, "tokenizer"), (.textEncoder2, "tokenizer_2")] {
            let folder = ComponentFolder(path, part.rawValue)
            // The refiner names its first tower as null.
            guard case .array(let named)? = index.members[part.rawValue], named.last != .null, folder.exists else {
                continue
            }
            let network = try CLIPTextConfiguration(huggingFace: folder.configuration())
            let words = ComponentFolder(path, tokenizer)
            towers.append(
                TextTowerConfiguration(
                    network: .clip(network), padding: try padding(words, vocabulary: network.vocabulary),
                    states: isXL ? .penultimate : .last))
            places.append((part, words.exists ? words.path : nil))
        }
        let family = kind == .latentDiffusion ? .latentDiffusion : family(isXL: isXL, unet: unet, towers: towers)
        let side = try unetJSON.ints("sample_size", count: 2, in: 1...8192)?.first ?? (isXL ? 128 : kind == .latentDiffusion ? 32 : 64)
        let configuration = LatentConfiguration(
            name: URL(filePath: path).standardizedFileURL.lastPathComponent, family: family, unet: unet,
            autoencoder: autoencoder, towers: towers, diffusion: diffusion, imageSize: side * autoencoder.factor,
            sampling: sampling, takesSamplingFromScheduler: isChosen ? nil : true,
            zeroesEmptyPrompt: try index.bool("force_zeros_for_empty_prompt") ?? isXL)
        return (configuration, places)
    }

    /// The configuration, where the folder is one of a model of these kinds.
    static func known(_ path: String) throws -> LatentConfiguration? {
        guard ComponentFolder(path).has(index) else { return nil }
        let json = try ComponentFolder(path).configuration(index)
        guard (try? kind(json)) != nil else { return nil }
        return try configuration(path).0
    }

    /// Whose parts these are.
    private enum Kind { case latentDiffusion, stableDiffusion, stableDiffusionXL }

    private static func kind(_ index: JSONObject) throws -> Kind {
        switch try index.require("_class_name", index.string("_class_name")) {
        case "LDMTextToImagePipeline": return .latentDiffusion
        case "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline",
            "StableDiffusionInpaintPipelineLegacy", "LatentConsistencyModelPipeline":
            return .stableDiffusion
        case "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline":
            return .stableDiffusionXL
        default:
            throw index.wrong("_class_name", expected: "a pipeline of latent diffusion or Stable Diffusion 1, 2 or XL")
        }
    }

    /// Latent diffusion's text transformer; its sizes are seen in its weights.
    private static func bert(_ folder: ComponentFolder) throws -> BERTTextLayout {
        guard let layout = try BERTTextLayout(folder.weights()) else {
            throw CheckpointError(folder.path, "holds weights of no text transformer of latent diffusion")
        }
        return layout
    }

    private static func family(
        isXL: Bool, unet: UNetConfiguration, towers: [TextTowerConfiguration]
    ) -> LatentConfiguration.Family {
        if isXL { return towers.count == 1 ? .stableDiffusionXLRefiner : .stableDiffusionXL }
        if case .cross(_, linearProjections: true) = unet.text { return .stableDiffusion2 }
        return .stableDiffusion1
    }

    /// The process and how it is sampled, from `scheduler_config.json`.
    private static func process(
        _ folder: ComponentFolder, _ kind: Kind, isInpainting: Bool
    ) throws -> (DiffusionConfiguration, SamplingDefaults) {
        var scheduler = try DiffusersScheduler(path: folder.file("scheduler_config.json"))
        if kind == .stableDiffusion {
            // As diffusers' pipelines correct the first models' files.
            scheduler.stepsOffset = 1
            let clips = scheduler.clipsSample ?? (scheduler.kind == .ddim || scheduler.kind == .ddpm)
            if clips { scheduler.clipsSample = false }
            if isInpainting, scheduler.kind == .pndm { scheduler.skipsRungeKutta = true }
        }
        do {
            return (
                try DiffusionConfiguration(scheduler),
                scheduler.samplingDefaults(guidanceScale: kind == .stableDiffusion ? 7.5 : 5)
            )
        } catch let error as ConfigurationError {
            throw CheckpointError(folder.file("scheduler_config.json"), error.description, expected: "another scheduler")
        }
    }

    /// The token that fills prompts up: what the tokenizer's files name, which is the end token unless said otherwise.
    static func padding(_ folder: ComponentFolder, vocabulary: Int) throws -> Int {
        let end = vocabulary - 1
        var text: String?
        for name in ["special_tokens_map.json", "tokenizer_config.json"] where text == nil && folder.has(name) {
            let json = try folder.configuration(name)
            switch json["pad_token"] {
            case .string(let token)?: text = token
            case .object?: text = try json.object("pad_token")?.string("content")
            case nil: break
            default: throw json.wrong("pad_token", expected: "a token")
            }
        }
        guard let text, text != "<|endoftext|>" else { return end }
        if text == "<|startoftext|>" { return end - 1 }
        // Any other stands in the vocabulary; "!" is its first.
        guard folder.has("vocab.json") else { return text == "!" ? 0 : end }
        let words = try folder.configuration("vocab.json")
        return try words.int(text, in: 0...end) ?? end
    }

    private static func decoded<Value: Decodable>(_ path: String) throws -> Value {
        do { return try JSONDecoder().decode(Value.self, from: data(path)) } catch let error as DecodingError {
            throw CheckpointError(path, "does not read: \(error.summary)", expected: "JSON as Moonlit writes it")
        }
    }

    private static func data(_ path: String) throws -> Data {
        do { return try Data(contentsOf: URL(filePath: path)) } catch {
            throw CheckpointError(path, "cannot be read: \(error.localizedDescription)")
        }
    }
}

extension LatentConfiguration {
    /// What diffusers calls the folder of a part.
    fileprivate func folder(of part: LatentFile.Part) -> String {
        guard family == .latentDiffusion else { return part.rawValue }
        return part == .autoencoder ? "vqvae" : part == .textEncoder ? "bert" : part.rawValue
    }
}
