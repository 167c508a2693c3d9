import Images
import Testing

@Suite struct LayoutTests {
    private let ground = Colour(grey: 32)

    @Test func aFilmStripPutsPicturesSideBySide() throws {
        let pictures = try (1...3).map { try Picture(width: 4, height: 2, filled: Colour(grey: UInt8($0 * 60))) }
        let strip = try FilmStrip(gap: 1, background: ground, minimumSide: 0).picture(of: pictures)
        let row: [UInt8] = [60, 60, 60, 60, 32, 120, 120, 120, 120, 32, 180, 180, 180, 180]
        #expect((strip.width, strip.height) == (14, 2))
        #expect(strip.pixels == (row + row).flatMap { [$0, $0, $0] })
    }

    @Test func aLongFilmStripIsBrokenIntoEvenRows() throws {
        let pictures = try (0..<10).map { try Picture(width: 30, height: 20, filled: Colour(grey: UInt8($0 * 20))) }
        // Four fit, but three rows of four leave two for the last: none is shorter by more than it must.
        let strip = try FilmStrip(maximumWidth: 130, gap: 2, background: ground, minimumSide: 0).picture(of: pictures)
        #expect((strip.width, strip.height) == (4 * 32 - 2, 3 * 22 - 2))
        #expect(try strip.cropped(x: 32, y: 44, width: 30, height: 20) == pictures[9])
        let two = try FilmStrip(columns: 2, gap: 2, minimumSide: 60).picture(of: pictures)
        #expect((two.width, two.height) == (2 * 62 - 2, 5 * 42 - 2))
        #expect(throws: ImageError.self) { try FilmStrip().picture(of: []) }
    }

    @Test func aFilmStripsSizeIsKnownWithoutIt() throws {
        let pictures = try [(30, 20), (10, 25), (30, 5)].map { try Picture(width: $0.0, height: $0.1, filled: ground) }
        for strip in [FilmStrip(), FilmStrip(columns: 2, gap: 3, minimumSide: 0), FilmStrip(maximumWidth: 10)] {
            let size = try strip.size(of: 3, width: 30, height: 25)
            let made = try strip.picture(of: pictures)
            #expect((size.width, size.height) == (made.width, made.height))
        }
        // Up to 2³⁰ pixels, those between the pictures counted.
        let column = FilmStrip(columns: 1, gap: 0, minimumSide: 0)
        let largest = try column.size(of: 1 << 20, width: 32, height: 32)
        #expect((largest.width, largest.height) == (32, 1 << 25))
        #expect(throws: ImageError.self) { _ = try column.size(of: 1 << 20 + 1, width: 32, height: 32) }
        let apart = FilmStrip(columns: 1, gap: 1, minimumSide: 0)
        #expect(throws: ImageError.self) { _ = try apart.size(of: 1 << 20, width: 32, height: 32) }
        for number in [Int.min, -5, 0, .max] {
            #expect(throws: ImageError.self, "\(number)") { _ = try column.size(of: number, width: 5, height: 5) }
            #expect(throws: ImageError.self, "\(number)") { _ = try column.size(of: 1, width: number, height: 5) }
            #expect(throws: ImageError.self, "\(number)") { _ = try column.size(of: 1, width: 5, height: number) }
        }
    }

    @Test func aContactSheetPlacesPicturesAndCaptions() throws {
        let pictures = try (0..<5).map { try Picture(width: 50, height: 40, filled: Colour(grey: UInt8($0 * 50))) }
        let sheet = ContactSheet(columns: 3, gap: 10, background: ground, ink: .white, minimumSide: 0)
        let bare = try sheet.picture(of: pictures)
        #expect((bare.width, bare.height) == (10 + 3 * 60, 10 + 2 * 50))
        #expect(try bare.cropped(x: 70, y: 60, width: 50, height: 40) == pictures[4])

        // One line of seven letters fits under a picture of 50 pixels.
        let captioned = try sheet.picture(of: pictures, captions: ["a house", "", "a house next to a lake in the night"])
        #expect(captioned.width == bare.width)
        #expect(captioned.height == bare.height + 4 + 3 * 14)
        let under = try captioned.cropped(x: 10, y: 54, width: 50, height: 14)
        #expect(Set(under.pixels) == [32, 255])
        let beside = try captioned.cropped(x: 70, y: 50, width: 50, height: 46)
        #expect(Set(beside.pixels) == [32], "an empty caption draws nothing")
        #expect(throws: ImageError.self) { try sheet.picture(of: []) }

        // Its size is known without it.
        let size = try sheet.size(
            of: pictures.map { (width: $0.width, height: $0.height) },
            captions: ["a house", "", "a house next to a lake in the night"])
        #expect((size.width, size.height) == (captioned.width, captioned.height))
        let many = Array(repeating: (width: 10_000, height: 10_000), count: 11)
        #expect(throws: ImageError.self) { _ = try sheet.size(of: many) }
        for side in [Int.min, -5, 0, .max] {
            #expect(throws: ImageError.self, "\(side)") { _ = try sheet.size(of: [(width: side, height: 5)]) }
            #expect(throws: ImageError.self, "\(side)") { _ = try sheet.size(of: [(width: 5, height: side)]) }
        }
    }

    @Test func smallPicturesAreEnlargedByWholeFactors() throws {
        let picture = try Picture.noise(width: 10, height: 7, channels: 3, seed: 9)
        let sheet = try ContactSheet(gap: 0, minimumSide: 39).picture(of: [picture])
        #expect(try sheet == picture.resized(width: 30, height: 21, filter: .nearest))
    }

    @Test func captionsOfAnyTextAreDrawn() throws {
        let picture = try Picture(width: 70, height: 10, filled: .black)
        for caption in ["", "   ", "\n\t", "月光 🌙👩‍👩‍👧", String(repeating: "x", count: 10_000), "š ß \u{0} \u{301}"] {
            let sheet = ContactSheet(gap: 0, minimumSide: 0, captionLines: 2)
            let made = try sheet.picture(of: [picture], captions: [caption])
            #expect(made.width == 70)
            #expect(made.height <= 10 + 4 + 2 * 14)
        }
        // An accent without a letter of its own falls back to the bare letter.
        let sheet = ContactSheet()
        #expect(try sheet.picture(of: [picture], captions: ["š"]) == sheet.picture(of: [picture], captions: ["s"]))
        #expect(try sheet.picture(of: [picture], captions: ["é"]) != sheet.picture(of: [picture], captions: ["e"]))
    }

    /// Broken in a time that grows with its length, not with the square of it.
    @Test(arguments: [2, 1000]) func aWordOfAMillionLettersIsBroken(lines: Int) throws {
        let picture = try Picture(width: 14, height: 10, filled: .black)
        let sheet = ContactSheet(gap: 0, minimumSide: 0, captionLines: lines)
        let endless = try sheet.picture(of: [picture], captions: [String(repeating: "x", count: 1 << 20)])
        #expect(endless.height == 10 + 4 + lines * 14)
        // Two letters a line: one more than there is room for.
        let long = try sheet.picture(of: [picture], captions: [String(repeating: "x", count: 2 * lines + 1)])
        #expect(endless == long)
    }

    @Test func absurdSettingsDoNotTrap() throws {
        let picture = try Picture(width: 3, height: 3, filled: .black)
        let sheet = ContactSheet(columns: -4, gap: -9, minimumSide: -1, captionLines: -1)
        #expect(try sheet.picture(of: [picture], captions: ["a", "b", "c"]).width == 3)
        let strip = FilmStrip(columns: 0, maximumWidth: -100, gap: .min, minimumSide: .max)
        #expect(try strip.picture(of: [picture]).width == 3 * 64)
        let endless = FilmStrip(columns: .max, maximumWidth: .max, gap: 0, minimumSide: 0)
        #expect(try endless.picture(of: [picture, picture]).width == 6)
        // Each of the pictures alone would fit.
        let enormous = FilmStrip(columns: .max, maximumWidth: .max, gap: .max, minimumSide: .max)
        #expect(throws: ImageError.self) { _ = try enormous.size(of: 1 << 30, width: 1, height: 1) }
    }
}
