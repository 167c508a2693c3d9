import Foundation
import Images
import Testing

@Suite struct MutationTests {
    static let sources: [ImageFormat: [String]] = [
        .png: [
            "kinds/rgba.png", "kinds/palette-alpha.png", "kinds/rgba16-interlaced.png", "kinds/grey1.png",
            "orientations/6.png", "texts.png",
        ],
        .jpeg: [
            "kinds/subsampled.jpg", "kinds/progressive.jpg", "kinds/restarts.jpg", "kinds/cmyk.jpg", "kinds/grey.jpg",
            "orientations/6.jpg",
        ],
        .webp: [
            "kinds/lossy.webp", "kinds/lossy-alpha.webp", "kinds/lossless.webp", "kinds/lossless-alpha.webp",
            "kinds/animated-patch.webp", "orientations/6.webp",
        ],
    ]

    /// In a process of its own, so that its memory can be watched.
    @Test(arguments: ImageFormat.allCases)
    func damagedFilesGiveAnErrorOrAPicture(format: ImageFormat) async {
        await #expect(processExitsWith: .success) { [name = format.rawValue as String] in
            let format = try #require(ImageFormat(rawValue: name))
            try MutationTests.decodeDamagedFiles(format)
        }
    }

    private static func decodeDamagedFiles(_ format: ImageFormat) throws {
        var generator = SplitMix(seed: 7)
        let sources = try #require(Self.sources[format]).map { try Fixtures.bytes($0) }
        let before = try peakMemory()
        var (pictures, errors) = (0, 0)
        for round in 0..<2100 {
            let mutation = Mutation.allCases[round % Mutation.allCases.count]
            var bytes = mutation.apply(to: sources[round / 7 % sources.count], using: &generator)
            if format == .png, Bool.random(using: &generator) { bytes = pngResealed(bytes) }
            do {
                let picture = try Picture(decoding: bytes, name: "damaged")
                #expect(picture.pixels.count == picture.width * picture.height * picture.channels)
                pictures += 1
            } catch {
                #expect(error.description.hasPrefix("damaged: "), "\(error)")
                errors += 1
            }
            if format == .png {
                do { _ = try PNGText.read(from: bytes, name: "damaged") } catch {
                    #expect(error.description.hasPrefix("damaged: "), "\(error)")
                }
            }
        }
        // Both ways were taken, or the mutations are too gentle or too rough to say anything.
        #expect(pictures > 20)
        #expect(errors > 1000)
        // The files have a few hundred bytes; the most any may ask for is what 1,032 times as many hold.
        let grown = try peakMemory() - before
        #expect(grown < 128 << 20, "\(grown) bytes")
    }

    @Test func aCompressedTextThatGrowsWithoutEndIsRefused() throws {
        // The pixels of a black picture, 17 MB, are a zlib stream a thousand times smaller.
        let black = try Picture(width: 4096, height: 1400, filled: .black).pngData(compression: .best)
        let stream = try #require(idat(of: black))
        let header = Array(black[..<33])
        let bomb = pngResealed(header + chunk("zTXt", Array("bomb".utf8) + [0, 0] + stream) + chunk("IEND", []))
        #expect(bomb.count < 100_000)
        #expect(
            throws: ImageError.damaged(
                file: "bomb.png", format: .png, reason: "text chunk 1: compressed text of more than 16777216 bytes")
        ) { try PNGText.read(from: bomb, name: "bomb.png") }
    }

    @Test func compressedTextsShareOneLimit() throws {
        // 8.6 MB of pixels: one such text may be, two may not, whichever their kinds.
        let black = try Picture(width: 2048, height: 1400, filled: .black).pngData(compression: .best)
        let stream = try #require(idat(of: black))
        let header = Array(black[..<33])
        let international = chunk("iTXt", Array("first".utf8) + [0, 1, 0, 0, 0] + stream)
        let plain = chunk("zTXt", Array("second".utf8) + [0, 0] + stream)
        let end = chunk("IEND", [])
        let texts = try PNGText.read(from: pngResealed(header + international + end), name: "one.png")
        #expect(texts.map(\.key) == ["first"])
        #expect(texts.first?.value.utf8.count == 1400 * (1 + 2048 * 3))
        let both = pngResealed(header + international + plain + end)
        #expect(
            throws: ImageError.damaged(
                file: "two.png", format: .png,
                reason: "text chunk 2: compressed texts of more than 16777216 bytes together")
        ) { try PNGText.read(from: both, name: "two.png") }
    }
}

/// A PNG file's chunk, its checksum left open.
private func chunk(_ type: String, _ payload: [UInt8]) -> [UInt8] {
    let length = (0..<4).map { UInt8(truncatingIfNeeded: payload.count >> (24 - 8 * $0)) }
    return length + Array(type.utf8) + payload + [0, 0, 0, 0]
}

/// The joined payloads of a PNG file's `IDAT` chunks.
private func idat(of png: [UInt8]) -> [UInt8]? {
    var stream: [UInt8] = []
    var at = 8
    while at + 12 <= png.count {
        let length = (0..<4).reduce(0) { $0 << 8 | Int(png[at + $1]) }
        guard length <= png.count - at - 12 else { return nil }
        if png[(at + 4)..<(at + 8)].elementsEqual("IDAT".utf8) { stream += png[(at + 8)..<(at + 8 + length)] }
        at += 12 + length
    }
    return stream.isEmpty ? nil : stream
}

/// The resident memory of this process at its highest, in bytes; 0 where the system does not say.
private func peakMemory() throws -> Int {
    #if os(Linux)
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) << 10
    #else
        return 0
    #endif
}
