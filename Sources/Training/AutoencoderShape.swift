public import Models
internal import Datasets

extension TrainingConfiguration {
    /// Of an autoencoder and the losses it learns from. `imageSize` is the pictures' side.
    ///
    /// Losses are means over a picture's numbers. Latent diffusion's `LPIPSWithDiscriminator` sums over them instead, which
    /// makes all of it 3·H·W times as large and changes nothing else; its logarithm of the variance stays at 0, as there.
    public struct AutoencoderShape: Codable, Sendable, Equatable {
        /// Codes of a vector-quantised autoencoder; 0 for Gaussian latents.
        public var codes: Int
        public var latentChannels: Int
        /// From the picture's own resolution down: three of them make latents a quarter of its side, four an eighth.
        public var levels: [AutoencoderConfiguration.Level]
        public var residualBlocks: Int
        public var middleAttention: Bool
        /// Groups of all normalisations, the discriminator's too.
        public var normGroups: Int
        public var pixelLoss: PixelLoss
        /// Of the divergence of Gaussian latents from the standard Gaussian, summed over a picture's latents.
        public var klWeight: Double
        /// How strongly latents are drawn to their codes (β of van den Oord et al. 2017), and codes to their latents.
        public var commitmentWeight: Double
        public var codebookWeight: Double
        public var perceptual: PerceptualShape
        public var adversarial: AdversarialShape

        public enum PixelLoss: String, Codable, Sendable, CaseIterable {
            /// The absolute difference.
            case l1
            /// The squared one.
            case l2
        }

        /// How differently the pictures look to a network (Zhang et al. 2018).
        public struct PerceptualShape: Codable, Sendable, Equatable {
            /// 0 leaves it out.
            public var weight: Double
            /// A file with torchvision's VGG-16; or a CLIP: a file that `moonlit train` wrote, or an embedded one's name
            /// (`scenes-clip`, `scenes-judge`), whose picture tower's stages are compared, at the pictures' own size where
            /// they are convolutions.
            public var network: String
            /// A file with LPIPS' channel weights, for VGG-16; empty counts all channels alike.
            public var channelWeights: String

            public init(weight: Double = 0, network: String = "", channelWeights: String = "") {
                self.weight = weight
                self.network = network
                self.channelWeights = channelWeights
            }
        }

        /// A second network that learns to tell patches of the pictures from patches of what the decoder makes, while the
        /// decoder learns to deceive it (Isola et al. 2017; Esser et al. 2021).
        public struct AdversarialShape: Codable, Sendable, Equatable {
            /// Of its gradient at the decoder's last layer, in shares of the other losses' there; 0 leaves it out.
            public var weight: Double
            /// The step from which on it plays.
            public var start: Int
            /// Of its first layer.
            public var channels: Int
            /// Halvings of the side.
            public var layers: Int

            public init(weight: Double = 0, start: Int = 0, channels: Int = 64, layers: Int = 3) {
                self.weight = weight
                self.start = start
                self.channels = channels
                self.layers = layers
            }
        }

        public init(
            codes: Int = 0, latentChannels: Int = 4,
            levels: [AutoencoderConfiguration.Level] = [.init(channels: 32), .init(channels: 64), .init(channels: 128)],
            residualBlocks: Int = 1, middleAttention: Bool = true, normGroups: Int = 16, pixelLoss: PixelLoss = .l1,
            klWeight: Double = 1e-6, commitmentWeight: Double = 0.25, codebookWeight: Double = 1,
            perceptual: PerceptualShape = PerceptualShape(), adversarial: AdversarialShape = AdversarialShape()
        ) {
            self.codes = codes
            self.latentChannels = latentChannels
            self.levels = levels
            self.residualBlocks = residualBlocks
            self.middleAttention = middleAttention
            self.normGroups = normGroups
            self.pixelLoss = pixelLoss
            self.klWeight = klWeight
            self.commitmentWeight = commitmentWeight
            self.codebookWeight = codebookWeight
            self.perceptual = perceptual
            self.adversarial = adversarial
        }
    }

    /// The network of an autoencoder's run; its scale is measured when it is written.
    public var autoencoderNetwork: AutoencoderConfiguration {
        let shape = autoencoder
        return AutoencoderConfiguration(
            kind: shape.codes > 0 ? .vectorQuantised(codes: shape.codes) : .kl, latentChannels: shape.latentChannels,
            levels: shape.levels, residualBlocks: shape.residualBlocks, middleAttention: shape.middleAttention,
            normGroups: shape.normGroups, scalingFactor: 1, sampleSize: imageSize)
    }

    /// - Throws: `TrainingError.configuration`, naming the key.
    func validateAutoencoder() throws {
        func require(_ holds: Bool, _ key: String, _ problem: @autoclosure () -> String) throws {
            if !holds { throw TrainingError.configuration(key: "autoencoder." + key, problem: problem()) }
        }
        let shape = autoencoder
        let judge = shape.adversarial
        try require(shape.codes >= 0, "codes", "\(shape.codes) is below 0")
        for (key, value) in [
            ("klWeight", shape.klWeight), ("commitmentWeight", shape.commitmentWeight),
            ("codebookWeight", shape.codebookWeight), ("perceptual.weight", shape.perceptual.weight),
            ("adversarial.weight", judge.weight),
        ] {
            try require((0...1e6).contains(value), key, "\(value) is not within 0 to 1e6")
        }
        try require(
            shape.perceptual.weight == 0 || !shape.perceptual.network.isEmpty, "perceptual.network",
            "which network's features count? Name a file with torchvision's vgg16 or a CLIP, or scenes-clip")
        if shape.perceptual.weight > 0 {
            try require(imageSize >= 16, "perceptual.weight", "pictures under 16 pixels a side are too small to look at")
        }
        do {
            try preparation.validate()
            try autoencoderNetwork.validate()
        } catch let error as DatasetError {
            throw TrainingError.configuration(key: "data", problem: error.description)
        } catch let error as ConfigurationError {
            throw TrainingError.configuration(key: "autoencoder", problem: error.description)
        }
        let factor = autoencoderNetwork.factor
        try require(
            imageSize % factor == 0, "levels", "a side of \(imageSize) pixels does not divide by \(factor)")
        guard judge.weight > 0 else { return }
        try require((0...1_000_000_000).contains(judge.start), "adversarial.start", "\(judge.start) is not within 0 to 1e9")
        try require((1...8).contains(judge.layers), "adversarial.layers", "\(judge.layers) is not within 1 to 8")
        try require(
            (1...4096).contains(judge.channels) && judge.channels % shape.normGroups == 0, "adversarial.channels",
            "\(judge.channels) is not within 1 to 4096 and a multiple of the \(shape.normGroups) groups of normGroups")
        try require(
            PatchDiscriminator.side(of: imageSize, layers: judge.layers) > 0, "adversarial.layers",
            "after \(judge.layers) halvings nothing is left of \(imageSize) pixels to judge")
    }
}
