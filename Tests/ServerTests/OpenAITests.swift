import Checkpoints
import Diffusion
import FlyingFox
import Foundation
import Images
import Moonlit
import Testing

@Suite(.timeLimit(.minutes(5))) struct OpenAITests {
    let prompt = "a fox in the snow"

    @Test func drawsWhatTheLibraryDraws() async throws {
        let ask = try await Asking()
        let answer = try await ask(
            .POST, "/v1/images/generations",
            ["prompt": prompt, "n": 2, "seed": 5, "steps": 2, "sampler": "DDIM", "guidance_scale": 2, "model": "any"])
        #expect(answer.status == 200)
        let json = try answer.json()
        #expect(json["size"] as? String == "64x64")
        let entries = try #require(json["data"] as? [[String: Any]])
        let own = try await ask.model.generate(
            .init(prompt: prompt, seed: 5, count: 2, sampler: .ddim, steps: 2, guidanceScale: 2))
        try #require(entries.count == 2)
        for (entry, expected) in zip(entries, own) {
            let (drawn, bytes) = try picture(base64: entry["b64_json"])
            #expect(drawn == expected.picture)
            #expect((entry["seed"] as? NSNumber)?.uint64Value == expected.settings.seed)
            let texts = try PNGText.read(from: bytes)
            let settings = try expected.settings.json()
            #expect(texts.first { $0.key == "moonlit" }?.value == settings)
        }
    }

    @Test func streamsPreviewsAndThenThePicture() async throws {
        let ask = try await Asking()
        let answer = try await ask(
            .POST, "/v1/images/generations",
            ["prompt": prompt, "seed": 5, "steps": 6, "stream": true, "partial_images": 2])
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "text/event-stream")
        let events = try answer.events()
        #expect(
            events.map(\.name) == [
                "image_generation.partial_image", "image_generation.partial_image", "image_generation.completed",
            ])
        #expect(events.allSatisfy { $0.name == $0.value["type"] as? String })
        #expect(events.prefix(2).map { $0.value["step"] as? Int } == [2, 4])
        #expect(events.prefix(2).map { $0.value["partial_image_index"] as? Int } == [0, 1])
        let own = try await ask.model.generate(.init(prompt: prompt, seed: 5, steps: 6))[0]
        #expect(try picture(base64: events[2].value["b64_json"]).picture == own.picture)
        let first = try picture(base64: events[0].value["b64_json"]).picture
        #expect(first.width == 64 && first != own.picture)
    }

    /// Steps, previews that were asked for, and the steps after which they come.
    @Test(arguments: [
        (5, 3, [2, 4]), (20, 2, [7, 14]), (19, 9, [2, 4, 6, 8, 10, 12, 14, 16, 18]), (3, 50, [1, 2]),
    ]) func streamsNoMorePreviewsThanAsked(steps: Int, wanted: Int, shown: [Int]) async throws {
        let ask = try await Asking()
        let answer = try await ask(
            .POST, "/v1/images/generations",
            ["prompt": prompt, "seed": 5, "steps": steps, "stream": true, "partial_images": wanted])
        let partial = try answer.events().filter { $0.name == "image_generation.partial_image" }
        #expect(partial.compactMap { $0.value["step"] as? Int } == shown)
        #expect(partial.compactMap { $0.value["partial_image_index"] as? Int } == Array(shown.indices))
    }

    @Test func takesEverySeedOfTheCommandLine() async throws {
        let ask = try await Asking()
        let body = Data(#"{"prompt": "a", "seed": 18446744073709551615, "steps": 1}"#.utf8)
        let answer = try await ask(.POST, "/v1/images/generations", body: body)
        #expect(answer.status == 200)
        #expect(String(decoding: answer.body, as: UTF8.self).contains(#""seed":18446744073709551615"#))
        let drawn = try await ask(.POST, "/v1/images/generations", ["prompt": "a", "seed": -1, "steps": 1])
        #expect(drawn.status == 200)
    }

    @Test(arguments: ["jpeg", "webp"]) func otherFormats(format: String) async throws {
        let ask = try await Asking()
        let answer = try await ask(
            .POST, "/v1/images/generations",
            ["prompt": prompt, "seed": 1, "steps": 1, "output_format": format, "output_compression": 80])
        let json = try answer.json()
        #expect(json["output_format"] as? String == format)
        let (_, bytes) = try picture(base64: (json["data"] as? [[String: Any]])?.first?["b64_json"])
        #expect(format == "jpeg" ? bytes.starts(with: [0xFF, 0xD8]) : bytes.starts(with: Data("RIFF".utf8)))
    }

    @Test func namesTheModelAndItsDefaults() async throws {
        let ask = try await Asking()
        let json = try await ask(.GET, "/v1/models").json()
        let model = try #require((json["data"] as? [[String: Any]])?.first)
        #expect(model["id"] as? String == ask.model.configuration.name)
        #expect(model["steps"] as? Int == ask.model.configuration.sampling.steps)
    }

    @Test(arguments: [
        (#"{"n": 1}"#, "prompt"), (#"{"prompt": 3}"#, "prompt"), (#"{"prompt": "a", "n": 0}"#, "n is 0"),
        (#"{"prompt": "a", "n": 1000000}"#, "n is"), (#"{"prompt": "a", "size": "axb"}"#, "size is axb"),
        (#"{"prompt": "a", "size": "100000x100000"}"#, "width"), (#"{"prompt": "a", "size": "0x64"}"#, "width"),
        (#"{"prompt": "a", "steps": 0}"#, "steps is 0"), (#"{"prompt": "a", "steps": 100000}"#, "steps is"),
        (#"{"prompt": "a", "sampler": "best"}"#, "best"), (#"{"prompt": "a", "schedule": "best"}"#, "best"),
        (#"{"prompt": "a", "response_format": "url"}"#, "b64_json"), (#"{"prompt": "a", "seed": "x"}"#, "seed"),
        (#"{"prompt": "a", "output_format": "gif"}"#, "gif"), (#"{"prompt": "a", "partial_images": -1}"#, "partial_images"),
        (#"{"prompt": "a", "stream": true, "steps": 0}"#, "steps is 0"),
        (#"{"prompt": "a", "stream": true, "schedule": "best"}"#, "best"),
        (#"{"prompt": "a", "sampler": "lcm", "steps": 100}"#, "original_inference_steps"),
        (#"{"prompt": "a", "steps": 2.5}"#, "“steps”"), (#"{"prompt": "a", "steps": 1e30}"#, "“steps”"),
        (#"{"prompt": "a", "seed": 18446744073709551616}"#, "“seed”"), (#"{"prompt": "a", "seed": 0.5}"#, "“seed”"),
        (#"{"prompt": "a", "guidance_scale": 1e400}"#, "“guidance_scale”"),
        (#"{"prompt": "a", "output_compression": 500}"#, "output_compression is 500"),
        (#"{"prompt": "a", "output_compression": 0}"#, "output_compression is 0"),
        (#"{"prompt": "a", "output_compression": -5}"#, "output_compression is -5"),
        (#"{"prompt": "#, "JSON"), ("", "JSON"),
    ]) func refusesWhatCannotBe(body: String, named: String) async throws {
        let ask = try await Asking()
        let answer = try await ask(.POST, "/v1/images/generations", body: Data(body.utf8))
        #expect(answer.status == 400, "\(body)")
        let error = try #require(try answer.json()["error"] as? [String: Any])
        #expect((error["message"] as? String)?.contains(named) == true, "\(error)")
        #expect(error["type"] as? String == "invalid_request_error")
    }
}
