internal import Models

extension TrainingConfiguration {
    /// How the pictures that a network sees beside the noisy one are made from the picture it learns from: the small
    /// picture of an upsampler, the hole of inpainting. Read where `network.input` asks for them.
    public struct ConditioningShape: Codable, Sendable, Equatable {
        /// How many times the small picture is smaller.
        public var factor: Int
        /// The side of a square that is cut from anywhere in the picture and trained on, in pixels; 0 takes all of it. An
        /// upsampler needs to see no more than a neighbourhood.
        public var crop: Int
        /// Squares cut from each picture, so that a large picture need not be made for each: a step learns from `cuts`
        /// times `batchSize`.
        public var cuts: Int
        /// The largest deviation of the blur on the small picture, in its pixels; each picture's is drawn from 0 to it.
        public var blur: Double
        /// The largest deviation of the noise on the small picture, whose range is −1...1 (conditioning augmentation, Ho
        /// et al. 2022, §4.1); each picture's is drawn from 0 to it.
        public var noise: Double
        /// An autoencoder through which small pictures pass, as those have that a latent model draws: a diffusers folder, of
        /// it alone or of a whole model, a file with latent diffusion's keys, or an embedded model's name
        /// (`scenes-latent`); empty for none.
        public var autoencoder: String
        /// How often they do.
        public var decoded: Double
        /// The largest deviation of the noise on their latents, whose own deviation is about 1, for what such a model draws
        /// wrong; each picture's is drawn from 0 to it.
        public var latentNoise: Double
        /// How often all of a picture is erased.
        public var eraseAll: Double

        public init(
            factor: Int = 4, crop: Int = 0, cuts: Int = 1, blur: Double = 0.6, noise: Double = 0.05,
            autoencoder: String = "", decoded: Double = 0.7, latentNoise: Double = 0.2, eraseAll: Double = 0.1
        ) {
            self.factor = factor
            self.crop = crop
            self.cuts = cuts
            self.blur = blur
            self.noise = noise
            self.autoencoder = autoencoder
            self.decoded = decoded
            self.latentNoise = latentNoise
            self.eraseAll = eraseAll
        }
    }

    /// The side of what the network is trained on, in pixels.
    package var trainedSide: Int { conditioning.crop > 0 ? conditioning.crop : imageSize }

    /// - Throws: `TrainingError.configuration`, naming the key.
    func validateConditioning() throws {
        func require(_ holds: Bool, _ key: String, _ problem: @autoclosure () -> String) throws {
            if !holds { throw TrainingError.configuration(key: "conditioning." + key, problem: problem()) }
        }
        let shape = conditioning
        try require(shape.crop >= 0 && shape.crop <= imageSize, "crop", "\(shape.crop) is not within 0 to \(imageSize)")
        try require((1...1024).contains(shape.cuts), "cuts", "\(shape.cuts) is not within 1 to 1024")
        try require(
            shape.cuts == 1 || shape.crop > 0, "cuts", "\(shape.cuts) squares of whole pictures; set conditioning.crop")
        try require((0...8).contains(shape.blur), "blur", "\(shape.blur) is not within 0 to 8")
        try require((0...1).contains(shape.noise), "noise", "\(shape.noise) is not within 0 to 1")
        try require((0...1).contains(shape.eraseAll), "eraseAll", "\(shape.eraseAll) is not within 0 to 1")
        try require((0...1).contains(shape.decoded), "decoded", "\(shape.decoded) is not within 0 to 1")
        try require((0...8).contains(shape.latentNoise), "latentNoise", "\(shape.latentNoise) is not within 0 to 8")
        guard network.input.seesLowResolution else {
            return try require(shape.autoencoder.isEmpty, "autoencoder", "only an upsampler's small pictures pass through one")
        }
        try require((2...64).contains(shape.factor), "factor", "\(shape.factor) is not within 2 to 64")
        for side in [imageSize, trainedSide] {
            try require(
                side % shape.factor == 0, "factor", "a side of \(side) pixels does not divide by \(shape.factor)")
        }
    }
}
