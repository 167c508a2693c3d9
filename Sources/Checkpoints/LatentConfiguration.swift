public import Diffusion
public import Models

/// Everything about a latent diffusion model that its weights do not say.
public struct LatentConfiguration: Codable, Sendable, Equatable {
    public enum Family: String, Codable, Sendable, CaseIterable {
        case stableDiffusion1 = "Stable Diffusion 1"
        case stableDiffusion2 = "Stable Diffusion 2"
        case stableDiffusionXL = "Stable Diffusion XL"
        case stableDiffusionXLRefiner = "Stable Diffusion XL refiner"
        case latentDiffusion = "latent diffusion"
    }

    public var name: String
    public var family: Family
    public var unet: UNetConfiguration
    public var autoencoder: AutoencoderConfiguration
    /// Their states stand side by side for the U-Net; the last one's pooled state is what a network with added
    /// conditions takes.
    public var towers: [TextTowerConfiguration]
    public var diffusion: DiffusionConfiguration
    public var imageSize: Int
    public var sampling: SamplingDefaults {
        didSet { takesSamplingFromScheduler = nil }
    }
    /// Whether `sampling` is what the model's own scheduler says, chosen by nobody; nil is no.
    public private(set) var takesSamplingFromScheduler: Bool?
    /// Whether an empty negative prompt is zeros instead of what the text towers say of it.
    public var zeroesEmptyPrompt: Bool

    public init(
        name: String, family: Family, unet: UNetConfiguration, autoencoder: AutoencoderConfiguration,
        towers: [TextTowerConfiguration], diffusion: DiffusionConfiguration, imageSize: Int, sampling: SamplingDefaults,
        takesSamplingFromScheduler: Bool? = nil, zeroesEmptyPrompt: Bool = false
    ) {
        self.name = name
        self.family = family
        self.unet = unet
        self.autoencoder = autoencoder
        self.towers = towers
        self.diffusion = diffusion
        self.imageSize = imageSize
        self.sampling = sampling
        self.takesSamplingFromScheduler = takesSamplingFromScheduler
        self.zeroesEmptyPrompt = zeroesEmptyPrompt
    }

    /// - Throws: `ConfigurationError` where parts do not fit together or no network can be built.
    public func validate() throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            if !holds { throw ConfigurationError(message()) }
        }
        try unet.validate()
        try autoencoder.validate()
        try diffusion.validate()
        try sampling.validate(of: diffusion.steps)
        try require((1...2).contains(towers.count), "\(towers.count) text towers; expected one or two")
        for tower in towers { try tower.validate() }
        let width = towers.reduce(0) { $0 + $1.width }
        guard case .cross(let wanted, _) = unet.text else {
            throw ConfigurationError("the U-Net does not attend to text")
        }
        try require(width == wanted, "the text is \(width) wide, and the U-Net reads \(wanted)")
        let latent = autoencoder.latentChannels
        try require(
            unet.outputChannels == diffusion.variance.outputChannels(latent),
            "the U-Net gives \(unet.outputChannels) channels for latents of \(latent)")
        try require(
            unet.inputChannels == latent || unet.inputChannels == 2 * latent + 1,
            "the U-Net takes \(unet.inputChannels) channels; expected \(latent), or \(2 * latent + 1) for inpainting")
        try require(
            (1...65_536).contains(imageSize) && imageSize % autoencoder.factor == 0,
            "imageSize \(imageSize) does not divide by \(autoencoder.factor)")
        if unet.addedWidth != nil {
            try require(sizeCount == 5 || sizeCount == 6, "the U-Net's added width does not fit the text's pooled state")
        }
    }

    /// How many of the picture's sizes the network is told; nil where none.
    public var sizeCount: Int? {
        guard unet.addedWidth != nil, let pooled = towers.last?.pooledWidth else { return nil }
        return unet.sizeCount(pooledWidth: pooled)
    }
}

extension LatentConfiguration: DrawingConfiguration {
    public var sizeMultiple: Int { autoencoder.factor * unet.sizeMultiple }
    public var latentFactor: Int { autoencoder.factor }
    public var latentChannels: Int { autoencoder.latentChannels }
    public var sees: DrawingInput { unet.inputChannels == autoencoder.latentChannels ? .text : .masked }
    public var drawsPixels: Bool { false }
}

/// A text tower, and which of what it says the U-Net reads.
public struct TextTowerConfiguration: Codable, Sendable, Equatable {
    public enum Network: Codable, Sendable, Equatable {
        case clip(CLIPTextConfiguration)
        /// Latent diffusion's own transformer.
        case bert(BERTTextConfiguration)
    }

    public var network: Network
    /// The token that fills what a prompt leaves empty.
    public var padding: Int
    /// Which states the U-Net attends to.
    public var states: CLIPStateChoice

    public init(network: Network, padding: Int, states: CLIPStateChoice = .last) {
        self.network = network
        self.padding = padding
        self.states = states
    }

    public var width: Int {
        switch network {
        case .clip(let configuration): configuration.width
        case .bert(let configuration): configuration.width
        }
    }

    public var layers: Int {
        switch network {
        case .clip(let configuration): configuration.layers
        case .bert(let configuration): configuration.layers
        }
    }

    public var context: Int {
        switch network {
        case .clip(let configuration): configuration.context
        case .bert(let configuration): configuration.context
        }
    }

    /// The width of its pooled state.
    public var pooledWidth: Int? {
        switch network {
        case .clip(let configuration): configuration.projection ?? configuration.width
        case .bert: nil
        }
    }

    func validate() throws {
        switch network {
        case .clip(let configuration): try configuration.validate()
        case .bert(let configuration): try configuration.validate()
        }
        guard padding >= 0 else {
            throw ConfigurationError("token \(padding) fills prompts up")
        }
    }
}
