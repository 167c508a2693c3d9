public import Diffusion
public import Models
public import Tensors
public import Tokenizers

/// A network with all that is needed to sample from it: its prompt encoder, its noise schedule, its configuration.
///
/// Not `Sendable`, as tensors are not: it lives on one thread or in one actor.
public struct TextToImageModel {
    public let configuration: ModelConfiguration
    public let network: GLIDE
    public let encoder: PromptEncoder
    public let schedule: NoiseSchedule
    public let device: Device

    public init(_ network: GLIDE, configuration: ModelConfiguration, device: Device) throws {
        self.configuration = configuration
        self.network = network
        self.device = device
        encoder = try configuration.text.encoder()
        schedule = try configuration.diffusion.noiseSchedule()
    }

    /// Loads a model file: Moonlit's own, or one of OpenAI's.
    public init(path: String, dtype: DType = .float32, device: Device = .cpu) throws {
        let file = try ModelFile(path)
        try self.init(file.load(dtype: dtype, device: device), configuration: file.configuration, device: device)
    }

    /// What the network reads of each prompt: N prompts, N states.
    public func encode(_ prompts: [String]) throws -> TextStates {
        let (tokens, mask) = try encoder.tensors(of: prompts, device: device)
        return try withoutGradients { try network.text(tokens: tokens, mask: mask) }
    }

    /// What a sampler asks: the network for these prompts, guided away from the negative ones.
    ///
    /// - Parameters:
    ///   - negativePrompts: as many as prompts; empty ones are the unconditional case.
    ///   - guidance: of any kind; nil asks for the prompts alone.
    ///   - conditions: for N pictures, as the network's kind needs.
    public func denoiser(
        prompts: [String], negativePrompts: [String], guidance: (any Guidance)? = nil,
        conditions: GLIDE.Conditions = GLIDE.Conditions(), treatment: SampleTreatment = SampleTreatment()
    ) throws -> Denoiser {
        try denoiser(
            conditional: encode(prompts), unconditional: encode(negativePrompts), guidance: guidance,
            conditions: conditions, treatment: treatment)
    }

    /// The same for texts that are encoded already.
    public func denoiser(
        conditional: TextStates, unconditional: TextStates, guidance: (any Guidance)? = nil,
        conditions: GLIDE.Conditions = GLIDE.Conditions(), treatment: SampleTreatment = SampleTreatment()
    ) throws -> Denoiser {
        Denoiser(
            schedule: schedule, prediction: configuration.diffusion.prediction,
            variance: configuration.diffusion.variance, treatment: treatment,
            network: try network(
                conditional: conditional, unconditional: unconditional, guidance: guidance, conditions: conditions))
    }

    private func network(
        conditional: TextStates, unconditional: TextStates, guidance: (any Guidance)?, conditions: GLIDE.Conditions,
        attention: AttentionRecord? = nil
    ) throws -> Network {
        let both = try TextStates(
            states: .concatenate([conditional.states, unconditional.states]),
            embedding: .concatenate([conditional.embedding, unconditional.embedding]))
        let doubled = try conditions.doubled()
        let network = network
        let windows = conditions.lowResolution.map { _ in
            Windows(side: configuration.imageSize, grid: configuration.windowGrid)
        }
        // The conditional half stands first.
        let recording = attention.map { AttentionRecord.Recording($0, rows: 0..<conditional.states.shape[0]) }
        let ask: Network = { query in
            let timesteps = try query.timesteps()
            let (text, seen) =
                switch query.branch {
                case .conditional: (conditional, conditions)
                case .unconditional: (unconditional, conditions)
                case .both: (both, doubled)
                }
            guard let windows else {
                return try network(
                    query.x, timesteps: timesteps, text: text, conditions: seen,
                    attention: query.branch == .unconditional ? nil : recording)
            }
            let size = (height: query.x.shape[2], width: query.x.shape[3])
            return try windows.blended(query.x) { top, left, x in
                let part = try seen.window(top: top, left: left, of: size, seeing: (x.shape[2], x.shape[3]))
                return try network(x, timesteps: timesteps, text: text, conditions: part)
            }
        }
        return guidance?.guide(ask) ?? ask
    }
}

extension TextToImageModel: DrawingModel {
    public var drawing: any DrawingConfiguration { configuration }

    public func tokensCut(from prompt: String, reading: PromptReading) throws -> Int { encoder.padded(prompt).cut }

    public func network(_ request: DrawingRequest, guidance: (any Guidance)?) throws -> Network {
        guard request.skippedLayers == 0 else {
            throw ConfigurationError("this model's text transformer has no layers to skip")
        }
        let conditions = GLIDE.Conditions(
            lowResolution: request.lowResolution, image: request.known?.picture, mask: request.known?.mask)
        return try network(
            conditional: encode(request.prompts), unconditional: encode(request.negativePrompts), guidance: guidance,
            conditions: conditions, attention: request.attention)
    }

    public func tokens(in prompt: String) throws -> [AttendedToken] {
        encoder.tokens(in: prompt).enumerated().map { AttendedToken(token: $1, place: $0) }
    }

    public func encode(_ pixels: Tensor, noise: NoiseSource, tiling: TilingChoice) throws -> Tensor { pixels }
    public func decode(_ x: Tensor, tiling: TilingChoice) throws -> Tensor { x }
    public func decodeRecording(_ x: Tensor) throws -> Tensor { x }
}

extension ModelConfiguration: DrawingConfiguration {
    public var sizeMultiple: Int { network.unet.sizeMultiple }
    /// Windows of an upsampler begin where both a small pixel and a cell of the network's coarsest level begin.
    package var windowGrid: Int {
        var (divisor, rest) = (sizeMultiple, upscalingFactor)
        while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        return sizeMultiple / divisor * upscalingFactor
    }
    public var latentFactor: Int { 1 }
    public var latentChannels: Int { 3 }
    public var drawsPixels: Bool { true }
    public var sees: DrawingInput {
        switch network.input {
        case .text: .text
        case .lowResolution: .lowResolution
        case .masked: .masked
        case .maskedLowResolution: .maskedLowResolution
        }
    }
}

extension GLIDE.Conditions {
    /// The same for a batch that holds every picture twice.
    func doubled() throws -> GLIDE.Conditions {
        try map { try .concatenate([$0, $0]) }
    }
}
