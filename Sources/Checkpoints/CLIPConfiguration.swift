public import Models

/// Everything about a model of pictures and texts that its weights do not say.
public struct CLIPConfiguration: Codable, Sendable, Equatable {
    /// What the model is called; shown, never interpreted.
    public var name: String
    public var network: ContrastiveConfiguration
    public var text: TextConfiguration
    /// The process whose noisy pictures it reads; nil for clean pictures.
    public var diffusion: DiffusionConfiguration?

    public init(
        name: String, network: ContrastiveConfiguration, text: TextConfiguration, diffusion: DiffusionConfiguration? = nil
    ) {
        self.name = name
        self.network = network
        self.text = text
        self.diffusion = diffusion
    }

    /// - Throws: `ConfigurationError` where parts do not fit together or no network can be built.
    public func validate() throws {
        try network.validate()
        try text.validate()
        guard text.context == network.text.context else {
            throw ConfigurationError(
                "texts of \(text.context) tokens for a network that reads \(network.text.context)")
        }
        let needed = try text.vocabularyCount
        guard needed == network.text.vocabulary else {
            throw ConfigurationError(
                "the token table has \(network.text.vocabulary) rows, the vocabulary \(needed) tokens")
        }
        try diffusion?.validate()
        guard diffusion?.steps == network.timesteps else {
            throw ConfigurationError(
                "a picture tower of \(network.timesteps.map { "\($0) steps" } ?? "clean pictures") for "
                    + (diffusion.map { "a process of \($0.steps) steps" } ?? "no process"))
        }
    }
}
