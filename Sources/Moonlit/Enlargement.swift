import Checkpoints
public import Images

/// How an upsampler enlarges a picture: what it is asked, and which part of its answer is the picture.
public struct Enlargement: Sendable {
    public let request: GenerationRequest
    /// Of the large picture, in pixels.
    public let width: Int
    public let height: Int
    /// What stands around a hole, of the large picture's size.
    private let known: InitialPicture?

    /// - Parameter origin: what drew the small picture. What is outside its mask is known where its init image is as large as
    ///   the large picture; a smaller one, and what lies on a canvas, is enlarged with the rest.
    init(_ asked: EnlargingRequest, drawnBy origin: GenerationRequest?, by model: ModelConfiguration) throws {
        let (factor, small) = (model.upscalingFactor, try asked.picture.picture())
        let (width, height) = (small.width * factor, small.height * factor)
        var known: InitialPicture?
        if let origin, origin.mask != nil, origin.canvas == nil, let given = origin.initImage,
            given.width >= width && given.height >= height
        {
            known = try InitialPicture(origin, width: width, height: height)
        }
        // As much more at the right and below as the network's levels ask for; cut off again.
        let padded = try small.continued(
            width: model.fittingSide(small.width), height: model.fittingSide(small.height))
        var request = GenerationRequest(
            prompt: asked.prompt, seed: asked.seed, sampler: asked.sampler, steps: asked.steps,
            schedule: asked.schedule, guidanceScale: asked.guidanceScale, width: padded.width * factor,
            height: padded.height * factor, lowResolution: [try InputPicture(padded)])
        if model.sees.seesMask, let known, let mask = known.mask {
            let (width, height) = (padded.width * factor, padded.height * factor)
            request.initImage = try InputPicture(known.picture.continued(width: width, height: height))
            request.mask = try InputPicture(mask.continued(width: width, height: height))
        }
        (self.request, self.width, self.height, self.known) = (request, width, height, known)
    }

    /// - Parameter drawn: what the request drew.
    /// - Returns: the part that was asked for; what is known around a hole is put back, to the bit.
    /// - Throws: `ImageError.invalidSize` for a smaller picture.
    public func picture(in drawn: Picture) throws -> Picture {
        let own = try drawn.cropped(x: 0, y: 0, width: width, height: height)
        return try known?.putBack(into: own) ?? own
    }
}

extension ModelConfiguration {
    /// The shortest side of at least so many pixels that this upsampler can enlarge.
    func fittingSide(_ side: Int) -> Int {
        var large = sizeMultiple
        while large % upscalingFactor != 0 { large += sizeMultiple }
        let multiple = large / upscalingFactor
        return (side + multiple - 1) / multiple * multiple
    }
}

extension Picture {
    /// Larger at the right and below, where it goes on as its mirror image.
    fileprivate func continued(width: Int, height: Int) throws -> Picture {
        if width == self.width, height == self.height { return self }
        func mirrored(_ place: Int, _ length: Int) -> Int {
            guard length > 1 else { return 0 }
            let period = 2 * (length - 1)
            let inside = place % period
            return inside < length ? inside : period - inside
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * channels)
        for y in 0..<height {
            let row = mirrored(y, self.height) * self.width
            for x in 0..<width {
                let start = (row + mirrored(x, self.width)) * channels
                pixels += self.pixels[start..<start + channels]
            }
        }
        return try Picture(width: width, height: height, channels: channels, pixels: pixels)
    }
}
