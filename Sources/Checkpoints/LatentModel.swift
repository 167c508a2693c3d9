public import Diffusion
internal import Layers
public import Models
public import Tensors
public import Tokenizers

/// A latent diffusion model, ready to sample: U-Net, autoencoder, text towers with their tokenizers, and its process.
///
/// Not `Sendable`, as tensors are not: it lives on one thread or in one actor.
public final class LatentModel: DrawingModel {
    public let configuration: LatentConfiguration
    public let device: Device
    public let dtype: DType
    public let unet: UNet
    public let autoencoder: Autoencoder
    /// Loaded when prompts are read, and given back where memory is short.
    package let texts: LatentTexts

    public var drawing: any DrawingConfiguration { configuration }

    /// What is changed of a model while it is loaded.
    public struct Additions: Sendable, Hashable, Codable {
        public var loras: [LoRAChoice]
        public var embeddings: [Embedding]

        public init(loras: [LoRAChoice] = [], embeddings: [Embedding] = []) {
            self.loras = loras
            self.embeddings = embeddings
        }

        /// A file of textual inversions.
        public struct Embedding: Sendable, Hashable, Codable {
            public var path: String
            /// What stands for it in a prompt; nil: the words in the file, and its own name.
            public var word: String?

            public init(path: String, word: String? = nil) {
                self.path = path
                self.word = word
            }
        }
    }

    /// Loads the weights, converted one tensor at a time to `dtype`; norms stay in float32.
    ///
    /// - Throws: `WeightError` naming everything that is missing, left over or of the wrong shape, in all parts.
    public init(
        _ file: LatentFile, additions: Additions = Additions(), dtype: DType = .float32, device: Device = .cpu
    ) throws {
        try file.check()
        let file = try file.merging(additions.loras)
        configuration = file.configuration
        self.device = device
        self.dtype = dtype.computing
        texts = try LatentTexts(
            file, inversions: additions.embeddings.map { try TextualInversion(path: $0.path, word: $0.word) }, dtype: dtype, device: device)
        unet = try file.unet(dtype: dtype, device: device)
        autoencoder = try file.autoencoder(dtype: dtype, device: device)
    }

    public func tokensCut(from prompt: String, reading: PromptReading) throws -> Int {
        try texts.tokensCut(from: prompt, reading: reading)
    }

    public func tokens(in prompt: String) throws -> [AttendedToken] { try texts.tokens(in: prompt) }

    // MARK: The U-Net

    public func network(_ request: DrawingRequest, guidance: (any Guidance)?) throws -> Network {
        let (wanted, unwanted) = try texts.encode(request)
        let unet = unet
        let extra = try hole(request)
        func context(_ prompts: LatentPrompts, isNegative: Bool) throws -> UNetContext {
            try unet.prepared(
                UNetContext(text: prompts.states, added: added(prompts, request, isNegative: isNegative)))
        }
        let conditional = try context(wanted, isNegative: false)
        let unconditional = try context(unwanted, isNegative: true)
        let both = try unet.prepared(
            UNetContext(
                text: .concatenate([wanted.states, unwanted.states]),
                added: joined(
                    added(wanted, request, isNegative: false), added(unwanted, request, isNegative: true))))
        // The conditional half stands first.
        let recording = { (context: UNetContext, branch: Branch) -> UNetContext in
            var context = context
            if branch != .unconditional, let attention = request.attention {
                context.attention = .init(attention, rows: 0..<request.prompts.count)
            }
            return context
        }
        let ask: Network = { query in
            var x = query.x
            if let extra {
                let rows = query.branch == .both ? try .concatenate([extra, extra]) : extra
                x = try .concatenate([x, rows.to(like: x)], dim: 1)
            }
            let context =
                switch query.branch {
                case .conditional: conditional
                case .unconditional: unconditional
                case .both: both
                }
            return try unet(x, timesteps: query.timesteps(), context: recording(context, query.branch))
        }
        return guidance?.guide(ask) ?? ask
    }

    /// XL's pooled text and sizes, [N, added width]; nil for networks without.
    private func added(_ prompts: LatentPrompts, _ request: DrawingRequest, isNegative: Bool) throws -> Tensor? {
        guard let count = configuration.sizeCount else { return nil }
        guard let pooled = prompts.pooled else {
            throw TensorError(operation: "latent model", message: "its text towers give no pooled state")
        }
        let (height, width) = (request.height, request.width)
        let sizes =
            count == 5
            ? SizeConditions.refiner(
                originalHeight: height, originalWidth: width, cropTop: 0, cropLeft: 0,
                aestheticScore: isNegative ? 2.5 : 6)
            : SizeConditions.base(
                originalHeight: height, originalWidth: width, cropTop: 0, cropLeft: 0, targetHeight: height,
                targetWidth: width)
        let rows = try pooled.size(0)
        let numbers = try Tensor(sizes.numbers.map(Float.init), shape: [1, count]).to(device: device).expand([rows, count])
        return try addedInput(pooled: pooled, sizes: numbers, sizeWidth: configuration.unet.sizeWidth)
    }

    private func joined(_ first: Tensor?, _ second: Tensor?) throws -> Tensor? {
        guard let first, let second else { return nil }
        return try .concatenate([first, second])
    }

    /// What an inpainting network sees behind the latents: the hole (1 inside), and the latents of the picture around
    /// it, [N, 1 + C, h, w].
    private func hole(_ request: DrawingRequest) throws -> Tensor? {
        guard configuration.sees == .masked else { return nil }
        guard let known = request.known else {
            throw TensorError(operation: "latent model", message: "an inpainting network needs a picture with a hole")
        }
        return try .concatenate([1 - known.mask, known.picture], dim: 1)
    }

    // MARK: The autoencoder

    public func encode(_ pixels: Tensor, noise: NoiseSource, tiling: TilingChoice) throws -> Tensor {
        try withoutGradients {
            let tiles = try tiles(height: pixels.size(2), width: pixels.size(3), tiling)
            let posterior =
                try tiles.map { try autoencoder.encodeTiled(pixels, tiling: $0) } ?? autoencoder.encode(pixels)
            let latents = try posterior.logVariance == nil ? posterior.mean : posterior.sample(noise: noise(like: posterior.mean))
            return try autoencoder.scaled(latents)
        }
    }

    public func decode(_ x: Tensor, tiling: TilingChoice) throws -> Tensor {
        try withoutGradients {
            let latents = try autoencoder.unscaled(x)
            let factor = configuration.autoencoder.factor
            if let tiles = try tiles(height: x.size(2) * factor, width: x.size(3) * factor, tiling) {
                return try autoencoder.decodeTiled(latents, tiling: tiles)
            }
            return try autoencoder.decode(latents)
        }
    }

    public func decodeRecording(_ x: Tensor) throws -> Tensor { try autoencoder.decode(autoencoder.unscaled(x)) }

    /// The tiles to work in; nil takes the picture whole.
    private func tiles(height: Int, width: Int, _ choice: TilingChoice) throws -> Tiling? {
        let network = configuration.autoencoder
        switch choice {
        case .off: return nil
        case .on: return network.tiling
        case .auto:
            // Half of what is free: what the numbers are written into counts too. A GPU says no itself.
            guard case .cpu = device, let free = AvailableMemory.bytes else { return nil }
            return network.tiling(
                fitting: free / 2, height: height / network.factor, width: width / network.factor,
                dtype: network.dtype(in: dtype))
        }
    }
}
