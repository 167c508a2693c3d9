import Foundation
import Images
import Testing

@Suite struct DecodingTests {
    @Test func everyKindIsReadAsPillowReadsIt() throws {
        let tolerances = try JSONDecoder().decode(
            [String: Int].self, from: try Data(contentsOf: Fixtures.folder.appending(path: "kinds.json")))
        #expect(tolerances.count >= 30)
        for (name, tolerance) in tolerances {
            let difference = try Fixtures.picture("kinds/\(name)")
                .largestDifference(from: try Fixtures.picture("expected/\(name).png"))
            #expect(try #require(difference, "\(name): another shape") <= tolerance, "\(name)")
        }
    }

    /// The expected files are decoded by the code under test; these do not depend on it.
    @Test func aPictureWrittenByHandIsReadRight() throws {
        #expect(
            try Fixtures.picture("kinds/tiny-interlaced.png")
                == Picture(width: 1, height: 1, channels: 3, pixels: [9, 8, 7]))
        // `scene` in generate.py: the slope's corners, without noise and disc.
        let scene = try Fixtures.picture("kinds/rgba.png")
        #expect((scene.width, scene.height, scene.channels) == (23, 17, 4))
        #expect(scene.pixels[(22 * 4)..<(23 * 4)] == [255, 0, 128, 220])
        #expect(scene.pixels.suffix(4) == [255, 255, 128, 255])
    }

    @Test(arguments: ["jpg", "png", "webp"])
    func everyOrientationStandsUpright(kind: String) throws {
        for orientation in 1...8 {
            let name = "orientations/\(orientation).\(kind)"
            let difference = try Fixtures.picture(name)
                .largestDifference(from: try Fixtures.picture(name + ".expected.png"))
            #expect(try #require(difference, "\(name): another shape") <= (kind == "jpg" ? 2 : 0), "\(name)")
        }
    }

    @Test func theFormatIsToldByTheFirstBytes() throws {
        try withTemporaryFolder { folder in
            let misnamed = folder + "/picture.jpg"
            try Data(try Fixtures.bytes("kinds/lossless.webp")).write(to: URL(filePath: misnamed))
            #expect(try Picture(path: misnamed) == Fixtures.picture("kinds/lossless.webp"))
            #expect(try Picture(contentsOf: URL(filePath: misnamed)) == Fixtures.picture("kinds/lossless.webp"))
        }
    }

    @Test func whatIsNoPictureIsSaidToBeNone() throws {
        for bytes in [[], [0x89], Array("GIF89a hello".utf8), Array("RIFFxxxxWAVE".utf8)] {
            #expect(throws: ImageError.unknownFormat(file: "a.png")) { try Picture(decoding: bytes, name: "a.png") }
        }
        #expect(throws: ImageError.unreadable("/nowhere/a.png: cannot be opened: No such file or directory")) {
            try Picture(path: "/nowhere/a.png")
        }
        #expect(throws: ImageError.unreadable("/: is a folder, not a picture")) { try Picture(path: "/") }
        #expect(throws: ImageError.self) { try Picture(contentsOf: try #require(URL(string: "https://example.org/a"))) }
    }

    @Test func tooManyPixelsAreRefused() throws {
        for name in ["rgba.png", "full.jpg", "lossy.webp", "lossless.webp"] {
            let bytes = try Fixtures.bytes("kinds/\(name)")
            #expect(throws: ImageError.tooLarge(file: name, width: 23, height: 17, maximumPixels: 390)) {
                try Picture(decoding: bytes, name: name, maximumPixels: 390)
            }
            #expect(try Picture(decoding: bytes, maximumPixels: 391).width == 23)
        }
    }

    @Test func sizesTheFileCannotHoldAreRefused() throws {
        // A PNG header that claims 60,000 × 60,000 pixels, then pixels for one row; the checksum is right.
        let bytes = try Fixtures.bytes("kinds/rgb.png")
        let huge = pngResealed(withSize(60_000, 60_000, of: bytes))
        let error = #expect(throws: ImageError.self) {
            try Picture(decoding: huge, name: "huge.png", maximumPixels: .max)
        }
        #expect(
            error?.description
                == "huge.png: cannot be decoded as PNG: it claims 60000×60000 pixels, which its \(huge.count) bytes cannot hold"
        )
        #expect(throws: ImageError.self) { try Picture(decoding: bytes.dropLast(40), name: "cut.png") }
    }
}

private func withSize(_ width: UInt32, _ height: UInt32, of png: [UInt8]) -> [UInt8] {
    var png = png
    for index in 0..<4 {
        png[16 + index] = UInt8(truncatingIfNeeded: width >> (24 - 8 * UInt32(index)))
        png[20 + index] = UInt8(truncatingIfNeeded: height >> (24 - 8 * UInt32(index)))
    }
    return png
}
