import Checkpoints
import FlyingFox
import Foundation
import Images
import Moonlit
import Server
import Testing

@Suite(.timeLimit(.minutes(5))) struct SecondStageTests {
    @Test func enlargesAsTheLibraryDoes() async throws {
        let ask = try await Asking(enlarges: true)
        let second = try #require(ask.second)
        let answer = try await ask(
            .POST, "/v1/images/generations", ["prompt": "a fox", "seed": 5, "steps": 1, "stream": true])
        let small = try await ask.model.generate(.init(prompt: "a fox", seed: 5, steps: 1))
        let own = try await second.model.enlarge(small, path: second.path)[0]
        let (drawn, bytes) = try picture(base64: try answer.events().last?.value["b64_json"])
        #expect(drawn == own.picture)
        let texts = try PNGText.read(from: bytes)
        let settings = try own.settings.json()
        #expect(texts.first { $0.key == "moonlit" }?.value == settings)

        // At each step of both stages it is seen whether anyone still listens.
        let beats = String(decoding: answer.body, as: UTF8.self).components(separatedBy: "\n\n").filter { $0 == ":" }
        #expect(beats.count == 1 + second.model.configuration.sampling.steps)
    }

    /// Outside the mask stays the picture that was sent, in the large size.
    @Test func enlargesPaintedHoles() async throws {
        let ask = try await Asking(enlarges: true)
        let (side, hole) = (256, 256 * 90 * 3)
        let start = try Picture(
            width: side, height: side, channels: 3,
            pixels: (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) })
        let mask = try Picture(
            width: side, height: side, channels: 3, pixels: (0..<side * side * 3).map { $0 < hole ? 255 : 0 })
        let answer = try await ask(
            .POST, "/sdapi/v1/img2img",
            [
                "prompt": "a fox", "seed": 2, "steps": 1, "width": 64, "height": 64,
                "init_images": [Data(try start.pngData()).base64EncodedString()],
                "mask": Data(try mask.pngData()).base64EncodedString(),
            ])
        let drawn = try picture(base64: (try answer.json()["images"] as? [String])?.first).picture
        #expect(drawn.width == side && drawn.height == side)
        #expect(drawn.pixels.dropFirst(hole) == start.pixels.dropFirst(hole))
        #expect(drawn.pixels.prefix(hole) != start.pixels.prefix(hole))
    }

    @Test func canBeInterruptedAndIsWaitedFor() async throws {
        let ask = try await Asking(enlarges: true)
        async let drawing = ask(
            .POST, "/sdapi/v1/txt2img", ["prompt": "a fox", "seed": 1, "steps": 1, "batch_size": 1, "n_iter": 2])
        var done = 0
        repeat {
            try await Task.sleep(for: .milliseconds(10))
            done = try await ask.state()["sampling_step"] as? Int ?? 0
        } while done < 2
        let next = try await ask.begin(
            .POST, "/v1/images/generations", ["prompt": "a boat", "steps": 1000, "stream": true])
        guard case .httpBody(let body) = next.payload else {
            Issue.record("no body")
            return
        }
        _ = try await ask(.POST, "/sdapi/v1/interrupt")
        for try await _ in body { break }
        // The next one's first step is taken when nothing else is being drawn.
        let drawn = try await ask.state()
        #expect(drawn["job"] as? String == "a boat")
        _ = try await ask(.POST, "/sdapi/v1/interrupt")
        _ = try await next.bodyData

        let answer = try await drawing
        let images = try #require(try answer.json()["images"] as? [String])
        #expect(images.count == 2)
        #expect(try picture(base64: images.last).picture.width == 64)
    }
}
