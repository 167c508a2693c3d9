import Checkpoints
import Images
import Models
import Moonlit
import Testing

/// The second stage: pictures enlarged by an upsampler.
struct UpscalingTests {
    @Test func picturesAreEnlarged() async throws {
        let (base, second) = (try TinyModel(), try TinyModel(.lowResolution))
        let (model, upsampler) = (try await base.load(), try await second.load())
        let small = try await model.generate(GenerationRequest(prompt: "a red house", seed: 3, count: 2))
        let large = try await upsampler.enlarge(small, path: second.path)
        #expect(large.count == 2 && large[0].picture != large[1].picture)
        for (one, other) in zip(small, large) {
            #expect(other.settings.seed == one.settings.seed && other.settings.width == one.settings.width)
            #expect(other.settings.upscale?.path == second.path && other.settings.upscale?.width == 32)
            #expect(other.picture.width == 32 && other.picture.height == 32)
            #expect(other.settings.parametersText.contains("Hires upscaler: tiny"))
        }
        // Each as it comes out alone.
        let alone = try await upsampler.enlarge([small[1]], path: second.path)
        #expect(alone[0].picture == large[1].picture)
        await #expect(throws: GenerationError.self) { try await model.enlarge(small, path: "") }
        // An upsampler draws nothing by itself.
        await #expect(throws: GenerationError.self) { try await upsampler.generate(.init(prompt: "a lake")) }
    }

    /// Four times the first stage's size whatever it is, and what `upscale` makes of the picture; of the size that the
    /// upsampler was trained for, what it draws unless told a size.
    @Test(arguments: [(2, 2), (6, 4), (2, 6)]) func theSecondStageFollowsTheFirst(width: Int, height: Int) async throws {
        let file = try TinyModel(.lowResolution)
        let upsampler = try await file.load()
        let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 53) }
        let request = GenerationRequest(prompt: "a lake", seed: 5, width: width, height: height)
        let small = GeneratedPicture(
            picture: try Picture(width: width, height: height, channels: 3, pixels: pixels),
            settings: try Settings(request, model: TinyModel.configuration()))
        let large = try #require(try await upsampler.enlarge([small], path: file.path).first)
        #expect(large.picture.width == 4 * width && large.picture.height == 4 * height)
        #expect(large.settings.upscale?.height == 4 * height && large.settings.width == width)
        let input = try InputPicture(small.picture)
        let alone = try await upsampler.upscale(EnlargingRequest(picture: input, prompt: "a lake", seed: 5))
        #expect(alone.picture == large.picture)
        guard (width, height) == (2, 2) else { return }
        let plain = try await upsampler.generate(GenerationRequest(prompt: "a lake", seed: 5, lowResolution: [input]))
        #expect(plain[0].picture == large.picture)
    }

    /// An enlargement is a request as any other, and a part of its picture.
    @Test func anEnlargementIsARequest() async throws {
        let model = try await TinyModel(.lowResolution).load()
        let pixels = (0..<3 * 5 * 3).map { UInt8(truncatingIfNeeded: $0 &* 53) }
        let request = EnlargingRequest(
            picture: try InputPicture(Picture(width: 3, height: 5, channels: 3, pixels: pixels)), seed: 2)
        let enlargement = try model.enlargement(of: request)
        #expect(enlargement.width == 12 && enlargement.height == 20)
        let drawn = try await model.generate(enlargement.request)[0].picture
        let whole = try await model.upscale(request).picture
        #expect(try enlargement.picture(in: drawn) == whole)
        let base = try await TinyModel().load()
        #expect(throws: GenerationError.self) { try base.enlargement(of: request) }
    }

    @Test func whatCannotBeEnlargedIsSaidBefore() throws {
        let configuration = try TinyModel.configuration(.lowResolution)
        try configuration.checkEnlarges(width: 2048, height: 8, option: "upscale")
        for (width, height) in [(2049, 8), (8, 4096), (Int.max, 8)] {
            #expect(throws: GenerationError.self) {
                try configuration.checkEnlarges(width: width, height: height, option: "upscale")
            }
        }
        #expect(throws: GenerationError.self) {
            try TinyModel.configuration().checkEnlarges(width: 8, height: 8, option: "upscale")
        }
    }

    /// Any size, through windows where it is larger than the model's own; sizes that do not fit are cut off again.
    @Test(arguments: [(3, 5), (2, 2), (9, 4)])
    func picturesOfAnySizeAreEnlarged(width: Int, height: Int) async throws {
        let file = try TinyModel(.lowResolution)
        let model = try await file.load()
        let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 53) }
        let small = try InputPicture(Picture(width: width, height: height, channels: 3, pixels: pixels))
        let large = try await model.upscale(EnlargingRequest(picture: small, seed: 2))
        #expect(large.picture.width == 4 * width && large.picture.height == 4 * height)
        #expect(large.settings.initImage == small.record && large.settings.upscale?.width == 4 * width)
        #expect(try await model.upscale(EnlargingRequest(picture: small, seed: 2)).picture == large.picture)
        #expect(try await model.upscale(EnlargingRequest(picture: small, seed: 3)).picture != large.picture)
        let base = try await TinyModel().load()
        await #expect(throws: GenerationError.self) { try await base.upscale(EnlargingRequest(picture: small)) }
    }

    /// Of a hole painted small and enlarged: around it stands the picture that was given, in the large size, to the bit. In
    /// it, only a network that sees holes draws anything else for that.
    @Test(arguments: [GLIDEInput.lowResolution, .maskedLowResolution], [32, 40])
    func whatIsKnownStaysInTheLargePicture(input: GLIDEInput, side: Int) async throws {
        let (base, second) = (try TinyModel(.masked), try TinyModel(input))
        let (model, upsampler) = (try await base.load(), try await second.load())
        let pixels = (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let given = try Picture(width: side, height: side, channels: 3, pixels: pixels)
        // Its edges lie between those of the small picture's pixels.
        let mask = try hole(width: side, height: side, rows: 5..<18, columns: 3..<14)
        var request = GenerationRequest(prompt: "a lake", seed: 4, width: 8, height: 8)
        (request.initImage, request.mask) = (try InputPicture(given), try InputPicture(mask))
        let small = try await model.generate(request)
        let large = try #require(try await upsampler.enlarge(small, drawnBy: request, path: second.path).first).picture
        let blind = try #require(try await upsampler.enlarge(small, path: second.path).first).picture

        let known = side == 32 ? given : try given.resized(width: 32, height: 32)
        let isPainted = try mask.resized(width: 32, height: 32, filter: .nearest).pixels.map { $0 == 255 }
        #expect(large.width == 32 && large.height == 32 && isPainted.contains(true))
        let outside = isPainted.indices.filter { !isPainted[$0] }
        #expect(outside.allSatisfy { large.pixels[$0] == known.pixels[$0] })
        #expect(!outside.allSatisfy { blind.pixels[$0] == known.pixels[$0] })
        let isSame = isPainted.indices.allSatisfy { !isPainted[$0] || large.pixels[$0] == blind.pixels[$0] }
        #expect(isSame == (input == .lowResolution))
    }

    /// Also where the network asks for more than the picture has. A canvas alone leaves nothing as it is.
    @Test func whatIsKnownGoesOnWithThePicture() async throws {
        let model = try await TinyModel(.maskedLowResolution, upscaling: 1).load()
        let pixels = (0..<7 * 5 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let mask = try hole(width: 7, height: 5, rows: 1..<4, columns: 2..<6)
        var origin = GenerationRequest(prompt: "a lake")
        origin.initImage = try InputPicture(Picture(width: 7, height: 5, channels: 3, pixels: pixels))
        origin.mask = try InputPicture(mask)
        let small = EnlargingRequest(picture: try InputPicture(Picture(width: 7, height: 5, filled: .black)), seed: 2)
        let enlargement = try model.enlargement(of: small, drawnBy: origin)
        let (image, erased) = (enlargement.request.initImage, enlargement.request.mask)
        #expect(image?.width == 8 && image?.height == 6 && erased?.width == 8 && erased?.height == 6)
        let drawn = try await model.generate(enlargement.request)[0].picture
        let large = try enlargement.picture(in: drawn)
        #expect(large.width == 7 && large.height == 5)
        #expect(pixels.indices.allSatisfy { mask.pixels[$0] == 255 || large.pixels[$0] == pixels[$0] })

        (origin.mask, origin.canvas) = (nil, Canvas(width: 8, height: 6))
        let whole = try model.enlargement(of: small, drawnBy: origin)
        #expect(whole.request.initImage == nil)
        #expect(try whole.picture(in: drawn) == drawn.cropped(x: 0, y: 0, width: 7, height: 5))
        (origin.mask, origin.canvas) = (try InputPicture(Picture(width: 6, height: 5, filled: .white)), nil)
        let mistaken = origin
        #expect(throws: GenerationError.self) { try model.enlargement(of: small, drawnBy: mistaken) }
    }

    /// An init image that would have to be enlarged knows less than the upsampler makes of the small picture.
    @Test func aSmallerPictureIsNotPutBack() async throws {
        let model = try await TinyModel(.maskedLowResolution).load()
        var origin = GenerationRequest(prompt: "a lake")
        origin.initImage = try InputPicture(Picture(width: 31, height: 32, filled: .white))
        origin.mask = try InputPicture(hole(width: 31, height: 32, rows: 1..<4, columns: 2..<6))
        let small = EnlargingRequest(picture: try InputPicture(Picture(width: 8, height: 8, filled: .black)), seed: 2)
        let enlargement = try model.enlargement(of: small, drawnBy: origin)
        #expect(enlargement.request.initImage == nil && enlargement.request.mask == nil)
        let black = try Picture(width: 32, height: 32, filled: .black)
        #expect(try enlargement.picture(in: black) == black)
    }

    private func hole(width: Int, height: Int, rows: Range<Int>, columns: Range<Int>) throws -> Picture {
        let pixels = (0..<width * height).flatMap { place -> [UInt8] in
            let isHole = rows.contains(place / width) && columns.contains(place % width)
            return [UInt8](repeating: isHole ? 255 : 0, count: 3)
        }
        return try Picture(width: width, height: height, channels: 3, pixels: pixels)
    }

    /// GLIDE's inpainting network, and a plain one: what is known stays.
    @Test(arguments: [GLIDEInput.masked, .text])
    func holesArePainted(input: GLIDEInput) async throws {
        let file = try TinyModel(input)
        let model = try await file.load()
        let pixels = (0..<8 * 8 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        var mask = [UInt8](repeating: 0, count: 8 * 8 * 3)
        for row in 2..<6 { for column in 2..<6 { for c in 0..<3 { mask[(row * 8 + column) * 3 + c] = 255 } } }
        var request = GenerationRequest(prompt: "a lake", seed: 4)
        request.initImage = try InputPicture(Picture(width: 8, height: 8, channels: 3, pixels: pixels))
        request.mask = try InputPicture(Picture(width: 8, height: 8, channels: 3, pixels: mask))
        let drawn = try #require(try await model.generate(request).first).picture
        var changed = 0
        for index in pixels.indices {
            if mask[index] == 0 { #expect(abs(Int(drawn.pixels[index]) - Int(pixels[index])) <= 1) }
            if mask[index] == 255, drawn.pixels[index] != pixels[index] { changed += 1 }
        }
        #expect(changed > 30)
    }
}
