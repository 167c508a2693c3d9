import Foundation
import Images
import Testing

/// The embedded models together: 64 pixels drawn, then enlarged four times.
@Suite(.timeLimit(.minutes(5))) struct CascadeTests {
    @Test func theEmbeddedCascadeDrawsAndIsReproduced() throws {
        let folder = try Folder()
        let drawn = try Program.run(
            "generate", "a house next to a lake in moonlight", "--seed", "7", "--steps", "2", "--upscale", "scenes-256",
            "-o", "house.png", in: folder)
        #expect(drawn.status == 0, "\(drawn.messages)")
        let picture = try Picture(path: folder.path("house.png"))
        #expect(picture.width == 256 && picture.height == 256)
        let again = try Program.run("reproduce", "house.png", in: folder)
        #expect(again.status == 0, "\(again.messages)")
    }

    /// What is in the small picture is in the large one: made small again, they are alike.
    @Test func enlargingKeepsThePicture() throws {
        let folder = try Folder()
        _ = try Program.run("data", "scenes-simple", "--preview", "sheet.png", "--count", "1", "--size", "64", in: folder)
        var sheet = try Picture(path: folder.path("sheet.png")).rgb
        sheet = try sheet.cropped(x: (sheet.width - 48) / 2, y: 20, width: 48, height: 40)
        try sheet.write(to: folder.path("small.png"))
        let large = try Program.run("upscale", "small.png", "--seed", "5", "-o", "large.png", in: folder)
        #expect(large.status == 0, "\(large.messages)")
        let again = try Program.run("reproduce", "large.png", "--model", "scenes-256", in: folder)
        #expect(again.output == "large.png: identical\n", "\(again.messages)")
        let picture = try Picture(path: folder.path("large.png"))
        #expect(picture.width == 192 && picture.height == 160)
        let back = try picture.rgb.resized(width: 48, height: 40, filter: .box)
        let error = zip(back.pixels, sheet.pixels).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) }
        #expect(error / Double(back.pixels.count) < 12)
    }
}
