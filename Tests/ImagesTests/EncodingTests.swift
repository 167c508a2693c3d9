import Foundation
import Images
import Testing

@Suite struct EncodingTests {
    @Test(arguments: [PNGCompression.none, .fast, .standard, .best], [3, 4])
    func pngKeepsEverySample(compression: PNGCompression, channels: Int) throws {
        let picture = try Picture.noise(width: 31, height: 19, channels: channels, seed: 1)
        #expect(try Picture(decoding: try picture.pngData(compression: compression)) == picture)
    }

    @Test func webpWithoutLossKeepsEverySample() throws {
        for channels in [3, 4] {
            let picture = try Picture.noise(width: 31, height: 19, channels: channels, seed: 2)
            #expect(try Picture(decoding: try picture.webpData()) == picture)
        }
    }

    @Test func lossyFormatsComeNear() throws {
        let picture = try Fixtures.picture("resized/rgb.png")
        func meanDifference(_ bytes: [UInt8]) throws -> Double {
            let decoded = try Picture(decoding: bytes)
            try #require(decoded.pixels.count == picture.pixels.count)
            let sum = zip(decoded.pixels, picture.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
            return Double(sum) / Double(picture.pixels.count)
        }
        let fine = try meanDifference(picture.jpegData(quality: 95))
        let coarse = try meanDifference(picture.jpegData(quality: 20))
        #expect(fine < 3)
        #expect(coarse > fine)
        #expect(try picture.jpegData(quality: 20).count < picture.jpegData(quality: 95).count)
        // libwebp keeps colour at half resolution.
        #expect(try meanDifference(picture.webpData(quality: 95)) < 8)
    }

    @Test func jpegLaysTransparencyOverTheGround() throws {
        let clear = try Picture(
            width: 8, height: 8, channels: 4, pixels: [UInt8](repeating: 0, count: 256))
        let decoded = try Picture(decoding: try clear.jpegData(ground: Colour(grey: 200)))
        #expect(try #require(decoded.largestDifference(from: Picture(width: 8, height: 8, filled: Colour(grey: 200)))) <= 1)
    }

    @Test func textsComeBackInOrder() throws {
        let texts = [
            PNGText("parameters", "a house\nSteps: 3"), PNGText("Software", "café"),
            PNGText("moonlit", #"{"prompt":"月 🌙"}"#), PNGText("moonlit", ""),
        ]
        let bytes = try Picture(width: 2, height: 2, filled: .black).pngData(texts: texts)
        #expect(try PNGText.read(from: bytes) == texts)
    }

    @Test func textsOfPillowAreRead() throws {
        #expect(
            try PNGText.read(path: Fixtures.path("texts.png")) == [
                PNGText("parameters", "a house next to a lake\nSteps: 20, Seed: 7"),
                PNGText("Comment", String(repeating: "café ", count: 40)),
                PNGText("moonlit", #"{"prompt": "月光 🌙"}"#),
                PNGText("Description", String(repeating: "湖", count: 100)),
            ])
        #expect(throws: ImageError.unknownFormat(file: "a")) {
            try PNGText.read(from: try Fixtures.bytes("kinds/full.jpg"), name: "a")
        }
    }

    @Test func impossibleTextsAreRefused() throws {
        let picture = try Picture(width: 2, height: 2, filled: .black)
        for key in ["", " a", "a ", "月", "a\n", String(repeating: "k", count: 80)] {
            #expect(throws: ImageError.self, "\(key)") { try picture.pngData(texts: [PNGText(key, "value")]) }
        }
        #expect(throws: ImageError.self) { try picture.pngData(texts: [PNGText("key", "a\0b")]) }
    }

    @Test(arguments: [ImageFormat.jpeg, .webp]) func theLargestSideIsWrittenAndNoneLarger(format: ImageFormat) throws {
        func bytes(_ width: Int, _ height: Int) throws -> [UInt8] {
            let picture = try Picture(width: width, height: height, filled: .white)
            return try format == .jpeg ? picture.jpegData() : picture.webpData()
        }
        let most = format.largestSide
        for (width, height) in [(most, 1), (1, most)] {
            #expect(format.holds(width: width, height: height))
            let decoded = try Picture(decoding: bytes(width, height))
            #expect((decoded.width, decoded.height) == (width, height))
        }
        for (width, height) in [(most + 1, 1), (1, most + 1)] {
            #expect(!format.holds(width: width, height: height))
            let reason = "cannot encode \(width)×\(height) pixels as \(format.rawValue): it holds at most \(most) a side"
            #expect(throws: ImageError.unwritable(reason)) { try bytes(width, height) }
        }
        // Lossy or not.
        let wide = try Picture(width: most + 1, height: 1, filled: .white)
        #expect(throws: ImageError.self) { try wide.webpData(quality: 80) }
    }

    @Test func pngHoldsWhatTheOthersDoNot() throws {
        let wide = try Picture(width: 70_000, height: 1, filled: .white)
        #expect(ImageFormat.png.holds(width: 70_000, height: 1))
        #expect(try Picture(decoding: try wide.pngData()) == wide)
    }
}
