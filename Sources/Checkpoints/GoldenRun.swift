public import Tensors
internal import Models

/// A golden file held against whatever model or tower it was made for, part by part.
///
/// ```swift
/// let run = try GoldenRun("sd.golden.safetensors", model: "stable-diffusion-v1-5")
/// for part in run.parts { print(try run.verify(part)) }
/// ```
public struct GoldenRun {
    /// Inputs → outputs; optional ones in brackets.
    public enum Part: String, Sendable, Codable, CaseIterable {
        /// `unet.sample`, `.timestep` [N], `.encoder_hidden_states`, [`.text_embeds`, `.time_ids`] → `unet.output`.
        case unet
        /// `text_encoder.input_ids` → `.last_hidden_state`, [`.pooled`].
        case textEncoder = "text_encoder"
        case textEncoder2 = "text_encoder_2"
        /// `vae.latents`, unscaled → `vae.decoded`.
        case decoder = "vae.decoded"
        /// `vae.image` → `vae.mean`.
        case encoder = "vae.mean"
        /// As `GoldenFile.Part`.
        case glide
        case glideTrajectory = "glide.trajectory"
        /// As `GoldenPipeline`; needs the upsampler beside the base.
        case glidePipeline = "glide.pipeline"
        /// `clip.image`, [`clip.timesteps`] → `clip.image_embedding`.
        case clipImage = "clip.image_embedding"
        /// `clip.tokens`, [`clip.mask`] → `clip.text_embedding`.
        case clipText = "clip.text_embedding"

        /// A part is compared where one of these stands in the file.
        var outputs: [String] {
            switch self {
            case .unet: ["unet.output"]
            case .textEncoder, .textEncoder2: ["\(rawValue).last_hidden_state", "\(rawValue).pooled"]
            case .glide: ["glide.output"]
            case .glideTrajectory: ["trajectory.output"]
            case .glidePipeline: ["pipeline.output"]
            case .decoder, .encoder, .clipImage, .clipText: [rawValue]
            }
        }

        static func inModel(_ model: Verified) -> [Part] {
            switch model {
            case .pixels(_, let upsampler): [.glide, .glideTrajectory] + (upsampler == nil ? [] : [.glidePipeline])
            case .latents: [.textEncoder, .textEncoder2, .unet, .decoder, .encoder]
            case .autoencoder: [.decoder, .encoder]
            case .image: [.clipImage]
            case .text: [.clipText]
            case .clip: [.clipImage, .clipText]
            }
        }
    }

    enum Verified {
        /// The network, and GLIDE's upsampler where one is given.
        case pixels(TextToImageModel, upsampler: TextToImageModel?)
        case latents(LatentModel)
        case autoencoder(Autoencoder)
        case image(NoisedCLIPImageTower)
        case text(NoisedCLIPTextTower)
        case clip(CLIPModel)
    }

    /// What of this model stands in the file.
    public let parts: [Part]
    private let golden: TensorArchive
    private let model: Verified
    private let device: Device

    /// Loads the model.
    ///
    /// - Parameter upsampler: GLIDE's second stage, for the part `glide.pipeline`.
    /// - Throws: `TensorFileError`, or `CheckpointError` where the file holds nothing to compare this model with.
    public init(
        _ golden: String, model path: String, upsampler: String? = nil, dtype: DType = .float32, device: Device = .cpu
    ) throws {
        let archive = try TensorArchive.open(golden)
        self.golden = archive
        self.device = device
        let model = try Self.load(path, upsampler: upsampler, dtype: dtype, device: device)
        self.model = model
        let possible = Part.inModel(model)
        parts = possible.filter { $0.outputs.contains { archive[$0] != nil } }
        if parts.isEmpty {
            let names = possible.flatMap(\.outputs).joined(separator: ", ")
            throw CheckpointError(golden, "holds no expected output of \(path)", expected: "one of \(names)")
        }
    }

    private static func load(_ path: String, upsampler: String?, dtype: DType, device: Device) throws -> Verified {
        let archive = try? TensorArchive.open(path)
        if let archive, CLIPFile.recognises(archive) {
            return .clip(try CLIPModel.load(path, dtype: dtype, device: device))
        }
        if let file = try AutoencoderFile(recognising: path) {
            return .autoencoder(try file.load(dtype: dtype, device: device))
        }
        if let archive, let tower = try NoisedCLIPFile(archive.stateDict) {
            return tower.isImageTower
                ? .image(try tower.imageTower(dtype: dtype, device: device))
                : .text(try tower.textTower(dtype: dtype, device: device))
        }
        switch try PublishedModel(path) {
        case .pixels(let file):
            return .pixels(
                try TextToImageModel(
                    file.load(dtype: dtype, device: device), configuration: file.configuration, device: device),
                upsampler: try upsampler.map { try TextToImageModel(path: $0, dtype: dtype, device: device) })
        case .latents(let file): return .latents(try LatentModel(file, dtype: dtype, device: device))
        }
    }

    /// Runs a part of the model on the file's inputs.
    ///
    /// - Returns: a comparison for each of its outputs that stands in the file.
    /// - Throws: `TensorFileError` for an input that is missing, `TensorError` where the inputs do not fit the model,
    ///   `CheckpointError` where nothing could be compared.
    public func verify(_ part: Part) throws -> [Comparison] {
        let found = try comparisons(of: part)
        guard !found.isEmpty else {
            throw CheckpointError(golden.file.path, "holds no output of \(part.rawValue) that this model has")
        }
        return found
    }

    private func comparisons(of part: Part) throws -> [Comparison] {
        switch (model, part) {
        case (.autoencoder(let network), .decoder): return [try decoder(network)]
        case (.autoencoder(let network), .encoder): return [try encoder(network)]
        case (.pixels(let model, let upsampler?), .glidePipeline):
            return try GoldenPipeline(golden).compare(base: model.network, upsampler: upsampler.network, device: device)
        case (.pixels(let model, _), .glide), (.pixels(let model, _), .glideTrajectory):
            let file = try GoldenFile(golden.file.path)
            return [try file.verify(part == .glide ? .network : .trajectory, of: model)]
        case (.image(let tower), .clipImage): return try GoldenTowers.compare(tower, device: device, with: golden)
        case (.text(let tower), .clipText): return try GoldenTowers.compare(tower, device: device, with: golden)
        case (.clip(let model), .clipImage): return try GoldenTowers.compareImage(model, with: golden)
        case (.clip(let model), .clipText): return try GoldenTowers.compareText(model, with: golden)
        case (.latents(let model), .unet): return [try compare("unet.output", unet(model))]
        case (.latents(let model), .textEncoder): return try text(model, .textEncoder)
        case (.latents(let model), .textEncoder2): return try text(model, .textEncoder2)
        case (.latents(let model), .decoder): return [try decoder(model.autoencoder)]
        case (.latents(let model), .encoder): return [try encoder(model.autoencoder)]
        default: return []
        }
    }

    private func input(_ name: String) throws -> Tensor { try golden.tensor(name).to(device: device) }

    private func compare(_ name: String, _ output: Tensor) throws -> Comparison {
        try Comparison(part: name, output, expected: golden.tensor(name))
    }

    private func decoder(_ network: Autoencoder) throws -> Comparison {
        try compare("vae.decoded", withoutGradients { try network.decode(input("vae.latents")) })
    }

    private func encoder(_ network: Autoencoder) throws -> Comparison {
        try compare("vae.mean", withoutGradients { try network.encode(input("vae.image")).mean })
    }

    private func unet(_ model: LatentModel) throws -> Tensor {
        try withoutGradients {
            let sample = try input("unet.sample")
            var timestep = try input("unet.timestep").to(.float32)
            if timestep.rank == 0 { timestep = try timestep.reshape([1]).expand([sample.size(0)]) }
            var context = UNetContext(text: try input("unet.encoder_hidden_states"))
            if golden["unet.text_embeds"] != nil {
                context.added = try addedInput(
                    pooled: input("unet.text_embeds"), sizes: input("unet.time_ids"),
                    sizeWidth: model.configuration.unet.sizeWidth)
            }
            return try model.unet(sample, timesteps: timestep, context: model.unet.prepared(context))
        }
    }

    private func text(_ model: LatentModel, _ part: LatentFile.Part) throws -> [Comparison] {
        guard let index = model.texts.index(of: part) else {
            throw CheckpointError(golden.file.path, "tells of \(part.rawValue), which the model has not")
        }
        let prefix = part.rawValue + "."
        if case .bert(let transformer) = try model.texts.tower(index) {
            return try GoldenTowers.compare(transformer, device: device, with: golden, prefix: prefix)
        }
        guard let encoder = try model.texts.clipEncoder(index) else { return [] }
        return try GoldenTowers.compare(encoder, with: golden, prefix: prefix)
    }
}
