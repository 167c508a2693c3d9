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
}
