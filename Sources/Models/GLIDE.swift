public import Layers
public import Tensors

/// What a GLIDE network sees besides the noisy picture.
public enum GLIDEInput: String, Codable, Sendable, CaseIterable {
    /// Text only: the base model.
    case text
    /// And a small picture: the upsampler.
    case lowResolution
    /// And a picture with a hole: inpainting.
    case masked
    /// And both: the inpainting upsampler.
    case maskedLowResolution

    /// Channels of the U-Net's input for RGB pictures, noisy picture included.
    public var channels: Int {
        switch self {
        case .text: 3
        case .lowResolution: 6
        case .masked: 7
        case .maskedLowResolution: 10
        }
    }

    public var seesLowResolution: Bool { self == .lowResolution || self == .maskedLowResolution }
    public var seesMask: Bool { self == .masked || self == .maskedLowResolution }
}

/// The shape of one of GLIDE's networks, or of one built like them.
public struct GLIDEConfiguration: Codable, Sendable, Equatable {
    public var input: GLIDEInput
    public var unet: UNetConfiguration
    public var text: TextTransformerConfiguration
    /// Whether an upsampler that predicts clean pictures predicts what the small one, enlarged by bicubic interpolation,
    /// lacks (after SRDiff, Li et al. 2022, whose process runs on that residual): it begins at bicubic interpolation
    /// instead of at nothing. nil means false.
    public var residual: Bool?

    public init(
        input: GLIDEInput, unet: UNetConfiguration, text: TextTransformerConfiguration, residual: Bool? = nil
    ) {
        self.input = input
        self.unet = unet
        self.text = text
        self.residual = residual
    }

    /// OpenAI's `base.pt` and `base_inpaint.pt`: 64×64.
    public static func base(inpainting: Bool = false) -> GLIDEConfiguration {
        published(
            inpainting ? .masked : .text, multipliers: [1, 2, 3, 4], residualBlocks: 3, attention: [2, 4, 8])
    }

    /// OpenAI's `upsample.pt` and `upsample_inpaint.pt`: 64×64 to 256×256.
    public static func upsampler(inpainting: Bool = false) -> GLIDEConfiguration {
        published(
            inpainting ? .maskedLowResolution : .lowResolution, multipliers: [1, 1, 2, 2, 4, 4], residualBlocks: 2,
            attention: [8, 16, 32])
    }

    private static func published(
        _ input: GLIDEInput, multipliers: [Int], residualBlocks: Int, attention: Set<Int>
    ) -> GLIDEConfiguration {
        let width = 192
        let levels = multipliers.enumerated().map { index, multiplier in
            UNetConfiguration.Level(
                channels: width * multiplier, residualBlocks: residualBlocks, attention: attention.contains(1 << index))
        }
        return GLIDEConfiguration(
            input: input,
            unet: UNetConfiguration(
                inputChannels: input.channels, outputChannels: 6, modelChannels: width, levels: levels, headWidth: 64,
                dropout: 0.1, text: .joint(width: 512)),
            text: TextTransformerConfiguration(vocabulary: 50_257, context: 128, width: 512, layers: 16, heads: 8))
    }

    public func validate() throws {
        try unet.validate()
        try text.validate()
        guard unet.inputChannels == input.channels else {
            throw ConfigurationError(
                "the input \(input.rawValue) has \(input.channels) channels, not \(unet.inputChannels)")
        }
        guard residual != true || input.seesLowResolution else {
            throw ConfigurationError("a residual to a small picture, which the input \(input.rawValue) has none of")
        }
        guard unet.text == .joint(width: text.width) else {
            throw ConfigurationError("the U-Net reads text as \(unet.text), but the text is \(text.width) wide")
        }
    }
}

/// GLIDE's text-conditioned U-Net in its four variants (glide-text2im `Text2ImUNet`, `SuperResText2ImUNet`,
/// `InpaintText2ImUNet`, `SuperResInpaintText2ImUnet`; Nichol et al. 2022).
public struct GLIDE {
    public let configuration: GLIDEConfiguration
    public let text: TextTransformer
    public let unet: UNet

    public init(_ weights: Weights, configuration: GLIDEConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        unet = try UNet(weights, configuration: configuration.unet)
        text = try TextTransformer(
            weights, configuration: configuration.text, embeddingWidth: configuration.unet.embeddingWidth)
    }

    /// Pictures that stand beside the noisy one.
    public struct Conditions {
        /// The small picture: [N, 3, h, w] in −1...1.
        public var lowResolution: Tensor?
        /// The known picture: [N, 3, H, W] in −1...1.
        public var image: Tensor?
        /// 1 where the picture is known: [N, 1, H, W].
        public var mask: Tensor?

        public init(lowResolution: Tensor? = nil, image: Tensor? = nil, mask: Tensor? = nil) {
            self.lowResolution = lowResolution
            self.image = image
            self.mask = mask
        }

        /// The same done to each that is there.
        package func map(_ body: (Tensor) throws -> Tensor) rethrows -> Conditions {
            Conditions(
                lowResolution: try lowResolution.map(body), image: try image.map(body), mask: try mask.map(body))
        }
    }

    /// - Parameters:
    ///   - x: the noisy picture, [N, 3, H, W].
    ///   - timesteps: [N].
    ///   - text: from `self.text`, N of them.
    ///   - dropout: while training.
    /// - Returns: [N, 3, H, W], the prediction; where the variance is learned [N, 6, H, W], with v in −1...1 behind it:
    ///   (v + 1) / 2 is the place between the logarithms of the smallest and the largest variance.
    public func callAsFunction(
        _ x: Tensor, timesteps: Tensor, text: TextStates, conditions: Conditions = Conditions(),
        dropout: RandomGenerator? = nil
    ) throws -> Tensor {
        try self(x, timesteps: timesteps, text: text, conditions: conditions, dropout: dropout, attention: nil)
    }

    /// - Parameter attention: where it is written down how strongly pixels attend to the text.
    package func callAsFunction(
        _ x: Tensor, timesteps: Tensor, text: TextStates, conditions: Conditions, dropout: RandomGenerator? = nil,
        attention: AttentionRecord.Recording?
    ) throws -> Tensor {
        var context = UNetContext(text: text.states, embedding: text.embedding, dropout: dropout)
        context.attention = attention
        let prediction = try unet(input(x, conditions), timesteps: timesteps, context: context)
        guard configuration.residual == true, let small = conditions.lowResolution else { return prediction }
        return try Self.sum(prediction, small.resize(height: x.size(2), width: x.size(3), .bicubic))
    }

    /// A residual of [N, 3 or more, H, W] and what it is the residual to, [N, 3, H, W]; further channels stay.
    private static func sum(_ residual: Tensor, _ enlarged: Tensor) throws -> Tensor {
        let further = try residual.size(1) - 3
        guard further > 0 else { return try residual + enlarged }
        return try .concatenate(
            [residual.narrow(1, start: 0, length: 3) + enlarged, residual.narrow(1, start: 3, length: further)], dim: 1)
    }

    /// The noisy picture with its conditions behind it, in the published order.
    private func input(_ x: Tensor, _ conditions: Conditions) throws -> Tensor {
        guard x.rank == 4, x.shape[1] == 3 else {
            throw TensorError(operation: "GLIDE", shapes: [x.shape], message: "expected a noisy picture of [N, 3, H, W]")
        }
        var parts = [x]
        if configuration.input.seesMask {
            // No picture given: nothing is known.
            let shape = x.shape
            let mask = try conditions.mask ?? .zeros([shape[0], 1, shape[2], shape[3]], dtype: x.dtype, device: x.device)
            let image = try conditions.image ?? .zeros(shape, dtype: x.dtype, device: x.device)
            parts += [try image * mask, mask]
        }
        if configuration.input.seesLowResolution {
            guard let small = conditions.lowResolution else {
                throw TensorError(operation: "GLIDE", shapes: [x.shape], message: "the upsampler needs a small picture")
            }
            parts.append(try small.resize(height: x.size(2), width: x.size(3), .bilinear))
        }
        return parts.count == 1 ? x : try .concatenate(parts, dim: 1)
    }
}
