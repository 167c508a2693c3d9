public import Images

/// A finished picture with all that is needed to draw it again.
public struct GeneratedPicture: Sendable {
    /// RGB, of `settings`' size, or enlarged.
    public let picture: Picture
    public let settings: Settings

    public init(picture: Picture, settings: Settings) {
        self.picture = picture
        self.settings = settings
    }

    /// How like the picture is to its prompt, −1…1: of a request with `candidates`.
    // Inlined into an optimised caller, it ends Swift 6.3.1's compiler (CopyPropagation, "outside of lifetime use").
    @inline(never)
    public var likeness: Double? { settings.choice?.likeness }

    /// What a PNG file of this picture carries: `parameters` as the web interfaces have it, `moonlit` as JSON.
    public func texts() throws -> [PNGText] {
        [
            PNGText("parameters", settings.parametersText), PNGText("moonlit", try settings.json()),
            PNGText("Software", "Moonlit"),
        ]
    }

    /// Writes PNG, JPEG or WebP by the name's ending, atomically; PNG files carry the settings.
    /// - Throws: `ImageError.unwritable`.
    public func write(to path: String) throws { try picture.write(to: path, texts: texts()) }
}

/// One step on the way from noise to a picture, of one batch.
public struct GenerationStep: Sendable {
    /// The batch's first picture among all that were asked for.
    public let firstPicture: Int
    /// From 0, of `count`.
    public let index: Int
    public let count: Int
    /// What the picture is predicted to become, one a picture, after the last step what it became; made only where it was
    /// asked for.
    public let previews: [Picture]
    /// The noisy pictures as the step left them, likewise.
    public let noisy: [Picture]
    /// Of the first step: the noise it all begins with, likewise.
    public let noise: [Picture]
    /// After the last step, where it was asked for: the numbers that became pictures.
    public let latents: Latents?
    /// After the last step: the finished pictures; of a request with `candidates` all of them, not the best alone.
    public let results: [GeneratedPicture]

    public var isLast: Bool { index == count - 1 }
}
