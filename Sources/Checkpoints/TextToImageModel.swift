public import Diffusion
public import Models
public import Tensors
import Tokenizers

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
        let padded = prompts.map(encoder.padded)
        let shape = [prompts.count, encoder.context]
        let tokens = try Tensor(padded.flatMap(\.ids), shape: shape).to(device: device)
        let mask = try Tensor(padded.flatMap(\.mask), shape: shape).to(device: device)
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
        let conditional = try encode(prompts)
        let unconditional = try encode(negativePrompts)
        let both = try TextStates(
            states: .concatenate([conditional.states, unconditional.states]),
            embedding: .concatenate([conditional.embedding, unconditional.embedding]))
        let doubled = try conditions.doubled()
        let network = network
        let ask: Network = { query in
            let timesteps = try query.timesteps()
            return switch query.branch {
            case .conditional: try network(query.x, timesteps: timesteps, text: conditional, conditions: conditions)
            case .unconditional: try network(query.x, timesteps: timesteps, text: unconditional, conditions: conditions)
            case .both: try network(query.x, timesteps: timesteps, text: both, conditions: doubled)
            }
        }
        return Denoiser(
            schedule: schedule, prediction: configuration.diffusion.prediction,
            variance: configuration.diffusion.variance, treatment: treatment,
            network: guidance?.guide(ask) ?? ask)
    }
}

extension GLIDE.Conditions {
    /// The same for a batch that holds every picture twice.
    func doubled() throws -> GLIDE.Conditions {
        func twice(_ tensor: Tensor?) throws -> Tensor? { try tensor.map { try .concatenate([$0, $0]) } }
        return try GLIDE.Conditions(
            lowResolution: twice(lowResolution), image: twice(image), mask: twice(mask))
    }
}
