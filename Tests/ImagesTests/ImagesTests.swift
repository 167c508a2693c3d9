import Foundation
import Images
import Testing

@Test func pngKeepsPixelsAndTexts() throws {
    var generator = SplitMix(seed: 1)
    for channels in [3, 4] {
        let pixels = (0..<(7 * 5 * channels)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let picture = try Picture(width: 7, height: 5, channels: channels, pixels: pixels)
        let texts = [PNGText("parameters", "a house\nSteps: 3"), PNGText("moonlit", #"{"prompt":"月 🌙"}"#)]
        let bytes = try picture.pngData(texts: texts)
        #expect(try Picture(decoding: bytes) == picture)
        #expect(try PNGText.read(from: bytes) == texts)
    }
}
