internal import Checkpoints
internal import Datasets
internal import Diffusion
internal import Models

extension TrainingConfiguration {
    /// Of a diffusion on an autoencoder's latents. The U-Net and its text tower are `network`'s: what enters is text, or a
    /// picture with a hole besides; pixels are not folded, and the tower is CLIP's.
    public struct LatentShape: Codable, Sendable, Equatable {
        /// The autoencoder, which stays as it is: a diffusers folder, of it alone or of a whole model, a file with
        /// latent diffusion's keys, or an embedded model's name (`scenes-latent`).
        public var autoencoder: String
        /// A diffusers folder, or an embedded model's name, whose text tower is used as it is, with its tokenizer;
        /// empty trains one of `network.text`'s sizes together with the U-Net.
        public var frozenText: String
        /// Whether each picture's latents are computed once, before the first step, and kept in the run's folder; for a
        /// set whose pictures are always the same.
        public var caches: Bool

        public init(autoencoder: String = "", frozenText: String = "", caches: Bool = false) {
            self.autoencoder = autoencoder
            self.frozenText = frozenText
            self.caches = caches
        }
    }

    /// The U-Net of a latent run.
    /// - Parameters:
    ///   - channels: of the latents.
    ///   - textWidth: of the text's states.
    func latentNetwork(channels: Int, textWidth: Int) -> UNetConfiguration {
        UNetConfiguration(
            inputChannels: network.input.seesMask ? 2 * channels + 1 : channels, outputChannels: channels, modelChannels: network.modelChannels,
            levels: network.levels, headWidth: network.headWidth, dropout: network.dropout, residualResampling: false,
            scaleShiftNorm: false, text: .cross(width: textWidth, linearProjections: false),
            normGroups: network.normGroups)
    }

    /// - Throws: `TrainingError.configuration`, naming the key.
    func validateLatent() throws {
        func require(_ holds: Bool, _ key: String, _ problem: @autoclosure () -> String) throws {
            if !holds { throw TrainingError.configuration(key: key, problem: problem()) }
        }
        try require(
            !latent.autoencoder.isEmpty, "latent.autoencoder",
            "whose latents? Name an autoencoder's folder, such as the model of a run of kind autoencoder, or scenes-latent")
        try require(
            network.input == .text || network.input == .masked, "network.input",
            "a latent diffusion sees text, or text and a picture with a hole (masked)")
        try require(conditioning.crop == 0, "conditioning.crop", "a latent diffusion learns from whole pictures: 0")
        try require(network.patchSize == 1, "network.patchSize", "latents are not folded: 1, not \(network.patchSize)")
        try require(
            network.text.vocabulary == .clip, "network.text.vocabulary", "the text tower of a latent diffusion is CLIP's")
        try require(
            network.modelChannels == network.levels.first?.channels, "network.modelChannels",
            "diffusers' U-Nets have a time embedding as wide as their first level, not \(network.modelChannels)")
        try require(
            diffusion.variance != .learnedRange, "diffusion.variance", "a latent diffusion does not learn its variance")
        try require((3...4096).contains(network.text.context), "network.text.context", "\(network.text.context) is not within 3 to 4096")
        if latent.caches {
            try require(data.crop != .random && data.flip == 0 && data.ground != .random, "latent.caches",
                "pictures that are cut, mirrored or set on a ground by chance are never the same twice")
        }
        do {
            try preparation.validate()
            try latentNetwork(channels: 4, textWidth: network.text.width).validate()
            try latentTower(vocabulary: 1024).validate()
        } catch let error as DatasetError {
            throw TrainingError.configuration(key: "data", problem: error.description)
        } catch let error as ConfigurationError {
            throw TrainingError.configuration(key: "network", problem: error.description)
        }
    }

    /// The text tower that is trained with a latent run's U-Net.
    func latentTower(vocabulary: Int) -> CLIPTextConfiguration {
        let text = network.text
        return CLIPTextConfiguration(
            vocabulary: vocabulary, context: text.context, width: text.width, layers: text.layers, heads: text.heads,
            endToken: vocabulary - 1)
    }
}
