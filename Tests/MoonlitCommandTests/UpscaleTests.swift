import Foundation
import Images
import Models
import Testing

struct UpscaleTests {
    @Test func anEnlargedPictureIsReproduced() throws {
        let folder = try Folder()
        try SmallModel.write(to: folder.path("upsampler.safetensors"), input: .lowResolution)
        let pixels = (0..<11 * 7 * 3).map { UInt8(truncatingIfNeeded: $0 &* 53) }
        try Picture(width: 11, height: 7, channels: 3, pixels: pixels).write(to: folder.path("small.png"))
        let large = try Program.run(
            "upscale", "small.png", "--model", "upsampler.safetensors", "--prompt", "1", "--seed", "5", "--steps", "2",
            "--guidance-scale", "1.5", "-o", "large.png", in: folder)
        #expect(large.status == 0 && large.output == "large.png  44x28  seed 5\n", "\(large.messages)")
        let again = try Program.run(
            "reproduce", "large.png", "--model", "upsampler.safetensors", "-o", "again.png", in: folder)
        #expect(again.status == 0 && again.output == "large.png: identical\nagain.png\n", "\(again.messages)")
        #expect(try folder.bytes("again.png") == folder.bytes("large.png"))

        try FileManager.default.moveItem(atPath: folder.path("small.png"), toPath: folder.path("moved.png"))
        let found = try Program.run(
            "reproduce", "large.png", "--model", "upsampler.safetensors", "--init-image", "moved.png", in: folder)
        #expect(found.output == "large.png: identical\n", "\(found.messages)")
    }

    /// Painted at 16 pixels, enlarged to 64: outside the mask is the picture that was given, to the bit.
    @Test(arguments: [GLIDEInput.lowResolution, .maskedLowResolution])
    func aPaintedHoleIsEnlarged(input: GLIDEInput) throws {
        let folder = try Folder.withSmallModel()
        try SmallModel.write(to: folder.path("upsampler.safetensors"), input: input)
        let pixels = (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        try Picture(width: 64, height: 64, channels: 3, pixels: pixels).write(to: folder.path("photo.png"))
        let (rows, columns) = (10..<35, 7..<50)
        let hole: [Bool] = pixels.indices.map { index in
            let (row, column) = (index / 192, index % 192 / 3)
            return rows.contains(row) && columns.contains(column)
        }
        try Picture(width: 64, height: 64, channels: 3, pixels: hole.map { $0 ? 255 : 0 })
            .write(to: folder.path("mask.png"))
        let drawn = try folder.generate(
            "1", "--seed", "5", "--steps", "2", "--init-image", "photo.png", "--mask", "mask.png", "--width", "16",
            "--height", "16", "--upscale", "upsampler.safetensors", "-o", "large.png")
        #expect(drawn.status == 0, "\(drawn.messages)")
        let large = try Picture(path: folder.path("large.png")).rgb.pixels
        try #require(large.count == pixels.count)
        #expect(pixels.indices.allSatisfy { hole[$0] || large[$0] == pixels[$0] })
        #expect(pixels.indices.filter { hole[$0] && large[$0] != pixels[$0] }.count > 1000)
        let again = try Program.run("reproduce", "large.png", "--model", "small.safetensors", in: folder)
        #expect(again.output == "large.png: identical\n", "\(again.messages)")
    }
}
