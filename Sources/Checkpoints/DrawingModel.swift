public import Diffusion
public import Models
public import Tensors
public import Tokenizers

/// What a model draws and how it is sampled unless a request says otherwise: for people, for programs, and before any
/// weights are read.
public protocol DrawingConfiguration: Codable, Sendable {
    /// What the model is called; shown, never interpreted.
    var name: String { get }
    /// The side of the pictures it was trained on, in pixels.
    var imageSize: Int { get }
    /// Pictures' sides must divide by this.
    var sizeMultiple: Int { get }
    /// Pixels of a side for each number of a side that the sampler works on: 1, or the autoencoder's factor.
    var latentFactor: Int { get }
    /// Channels that the sampler works on.
    var latentChannels: Int { get }
    var diffusion: DiffusionConfiguration { get }
    var sampling: SamplingDefaults { get }
    /// What draws, unless a request names a sampler, instead of what the model's own scheduler calls for; nil where that is
    /// honoured, and where the sampler was chosen for the model.
    var samplerStandIn: SamplerStandIn? { get }
    /// What it needs or can take besides a prompt.
    var sees: DrawingInput { get }
    /// Whether the predicted pictures lie in −1…1, so that they may be clamped.
    var drawsPixels: Bool { get }
}

/// What a network sees besides the noisy picture and the text.
public enum DrawingInput: String, Sendable, Hashable, Codable {
    case text
    /// A small picture that is enlarged.
    case lowResolution
    /// A picture with a hole.
    case masked
    case maskedLowResolution

    public var seesMask: Bool { self == .masked || self == .maskedLowResolution }
    public var seesLowResolution: Bool { self == .lowResolution || self == .maskedLowResolution }
}

/// A loaded model that a sampler can draw with. Samplers work on [N, channels, h, w]: on pixels, or on latents that an
/// autoencoder turns into pixels.
///
/// Not `Sendable`, as tensors are not: it lives on one thread or in one actor.
public protocol DrawingModel {
    var drawing: any DrawingConfiguration { get }
    var device: Device { get }

    /// How many tokens of a prompt the model does not read.
    func tokensCut(from prompt: String, reading: PromptReading) throws -> Int

    /// A prompt's tokens as the network attends to them, read plainly; those that it does not read are left out.
    ///
    /// - Throws: `ConfigurationError` where places cannot be told.
    func tokens(in prompt: String) throws -> [AttendedToken]

    /// What a sampler asks, guided.
    func network(_ request: DrawingRequest, guidance: (any Guidance)?) throws -> Network

    /// Pixels [N, 3, H, W] in −1…1 as what the sampler works on, [N, C, h, w].
    ///
    /// - Parameter noise: what the latents are drawn with, where the autoencoder leaves them uncertain.
    func encode(_ pixels: Tensor, noise: NoiseSource, tiling: TilingChoice) throws -> Tensor

    /// What the sampler ended with, as pixels.
    func decode(_ x: Tensor, tiling: TilingChoice) throws -> Tensor

    /// The same in one piece, differentiable: the graph of N pictures' decoding is kept where one is recorded.
    func decodeRecording(_ x: Tensor) throws -> Tensor
}

/// A token of a prompt, and where its state stands among those that a network attends to.
public struct AttendedToken: Sendable, Hashable {
    public let token: Token
    /// From 0.
    public let place: Int

    public init(token: Token, place: Int) {
        self.token = token
        self.place = place
    }
}

/// When an autoencoder takes a picture in tiles.
public enum TilingChoice: String, Sendable, Hashable, Codable, CaseIterable {
    /// Where the whole would not fit into memory.
    case auto
    case on
    case off
}

/// What N pictures are drawn of.
public struct DrawingRequest {
    public var prompts: [String]
    /// As many; empty ones are the unconditional case.
    public var negativePrompts: [String]
    public var reading: PromptReading
    /// Layers of the text towers to leave out at their ends, besides those that the model was trained without.
    public var skippedLayers: Int
    /// Of the pictures, in pixels.
    public var height: Int
    public var width: Int
    /// For an upsampler: small pictures, [N, 3, h, w] in −1…1.
    public var lowResolution: Tensor?
    /// For an inpainting network: what is known.
    public var known: KnownRegion?
    /// Where it is written down how strongly the pictures attend to their prompts.
    public var attention: AttentionRecord?

    public init(
        prompts: [String], negativePrompts: [String], reading: PromptReading = .plain, skippedLayers: Int = 0,
        height: Int, width: Int
    ) {
        self.prompts = prompts
        self.negativePrompts = negativePrompts
        self.reading = reading
        self.skippedLayers = skippedLayers
        self.height = height
        self.width = width
    }
}

/// A picture with a hole, as the sampler sees it.
public struct KnownRegion {
    /// [N, C, h, w], as `DrawingModel.encode` gives it; for a network that sees the hole, of the picture without what is
    /// in it.
    public var picture: Tensor
    /// 1 where the picture is known, 0 where it is painted anew: [N, 1, h, w].
    public var mask: Tensor

    public init(picture: Tensor, mask: Tensor) {
        self.picture = picture
        self.mask = mask
    }
}
