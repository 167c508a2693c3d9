import Diffusion
import FlyingFox
import Foundation
import Images
import Moonlit
import Testing

@Suite(.timeLimit(.minutes(5))) struct WebUITests {
    @Test func drawsWhatTheLibraryDraws() async throws {
        let ask = try await Asking()
        let answer = try await ask(
            .POST, "/sdapi/v1/txt2img",
            [
                "prompt": "a castle", "negative_prompt": "fog", "seed": 3, "steps": 2, "cfg_scale": 2.5,
                "sampler_name": "Euler a", "scheduler": "Karras", "batch_size": 1, "n_iter": 2, "restore_faces": false,
            ])
        #expect(answer.status == 200)
        let json = try answer.json()
        let images = try #require(json["images"] as? [String])
        let own = try await ask.model.generate(
            .init(
                prompt: "a castle", negativePrompt: "fog", seed: 3, count: 2, batchSize: 1, sampler: .eulerAncestral,
                steps: 2, schedule: "karras", guidanceScale: 2.5))
        #expect(try images.map { try picture(base64: $0).picture } == own.map(\.picture))
        let parameters = try #require(json["parameters"] as? [String: Any])
        #expect(parameters["sampler_name"] as? String == "Euler a")
        #expect(parameters["n_iter"] as? Int == 2)
        let info = try JSONSerialization.jsonObject(with: Data(try #require(json["info"] as? String).utf8))
        let facts = try #require(info as? [String: Any])
        #expect(facts["all_seeds"] as? [Int] == [3, 4])
        #expect((facts["infotexts"] as? [String])?.first == own[0].settings.parametersText)
    }

    @Test func beginsWithAPicture() async throws {
        let ask = try await Asking()
        let start = try Picture(width: 64, height: 64, filled: Colour(red: 200, green: 90, blue: 30))
        var mask = [UInt8](repeating: 0, count: 64 * 64 * 3)
        for index in 0..<64 * 16 * 3 { mask[index] = 255 }
        let hole = try Picture(width: 64, height: 64, channels: 3, pixels: mask)
        let base64 = try Data(start.pngData()).base64EncodedString()
        let answer = try await ask(
            .POST, "/sdapi/v1/img2img",
            [
                "prompt": "a fox", "seed": 2, "steps": 3, "denoising_strength": 0.7,
                "init_images": ["data:image/png;base64," + base64], "mask": Data(try hole.pngData()).base64EncodedString(),
            ])
        #expect(answer.status == 200)
        var request = GenerationRequest(prompt: "a fox", seed: 2, batchSize: 1, steps: 3)
        (request.initImage, request.mask, request.strength) = (try InputPicture(start), try InputPicture(hole), 0.7)
        let own = try await ask.model.generate(request)[0].picture
        let drawn = try picture(base64: (try answer.json()["images"] as? [String])?.first).picture
        #expect(drawn == own)
        #expect(drawn.pixels.suffix(300) == start.pixels.suffix(300))
    }

    @Test(arguments: [
        (#"{"prompt": "a"}"#, "init_images"), (#"{"init_images": ["#, "JSON"), (#"{"init_images": ["%%%"]}"#, "Base64"),
        (#"{"init_images": ["aGVsbG8="]}"#, "init_images"), (#"{"init_images": [4]}"#, "init_images"),
        (#"{"batch_size": 100, "n_iter": 100}"#, "batch_size"), (#"{"sampler_name": "best"}"#, "best"),
        (#"{"batch_size": 9223372036854775807, "n_iter": 2}"#, "batch_size"),
        (#"{"width": 64.5}"#, "“width”"), (#"{"cfg_scale": 1e400}"#, "“cfg_scale”"),
    ]) func refusesWhatCannotBe(body: String, named: String) async throws {
        let ask = try await Asking()
        let answer = try await ask(.POST, "/sdapi/v1/img2img", body: Data(body.utf8))
        #expect(answer.status == 400)
        #expect((try answer.json()["detail"] as? String)?.contains(named) == true, "\(String(decoding: answer.body, as: UTF8.self))")
    }

    @Test func tellsOfProgressAndCanBeInterrupted() async throws {
        let ask = try await Asking()
        let idle = try await ask(.GET, "/sdapi/v1/progress").json()
        #expect(idle["progress"] as? Double == 0)
        async let drawing = ask(.POST, "/sdapi/v1/txt2img", ["prompt": "a fox", "steps": 1000, "seed": 1])
        var seen: [String: Any] = [:]
        repeat {
            try await Task.sleep(for: .milliseconds(20))
            seen = try await ask(.GET, "/sdapi/v1/progress?skip_current_image=false").json()
        } while (seen["progress"] as? Double ?? 0) <= 0 || (seen["current_image"] as? String) == nil
        #expect((seen["progress"] as? Double ?? 1) < 1)
        let state = try #require(seen["state"] as? [String: Any])
        #expect(state["sampling_steps"] as? Int == 1000)
        #expect(try picture(base64: seen["current_image"]).picture.width == 64)
        let bare = try await ask(.GET, "/sdapi/v1/progress?skip_current_image=true").json()
        #expect(bare["current_image"] == nil)
        #expect(try await ask(.POST, "/sdapi/v1/interrupt").status == 200)
        let answer = try await drawing
        #expect(answer.status == 499)
        #expect(try await ask(.GET, "/sdapi/v1/progress").json()["progress"] as? Double == 0)
    }

    /// A picture to begin with leaves fewer steps than are asked for.
    @Test func countsTheStepsThatAreTaken() async throws {
        let ask = try await Asking()
        let start = try Picture(width: 64, height: 64, filled: Colour(red: 200, green: 90, blue: 30))
        let base64 = try Data(start.pngData()).base64EncodedString()
        async let drawing = ask(
            .POST, "/sdapi/v1/img2img",
            [
                "prompt": "a fox", "seed": 2, "steps": 1000, "denoising_strength": 0.1, "batch_size": 1, "n_iter": 2,
                "init_images": [base64],
            ])
        var state: [String: Any] = [:]
        repeat {
            try await Task.sleep(for: .milliseconds(20))
            state = try await ask.state()
        } while (state["sampling_step"] as? Int ?? 0) == 0
        #expect(state["sampling_steps"] as? Int == 200)
        _ = try await ask(.POST, "/sdapi/v1/interrupt")
        _ = try await drawing
    }

    @Test func listsWhatThereIs() async throws {
        let ask = try await Asking()
        let samplers = try JSONSerialization.jsonObject(with: await ask(.GET, "/sdapi/v1/samplers").body) as? [[String: Any]]
        #expect(samplers?.contains { $0["name"] as? String == "DPM++ 2M" } == true)
        let schedulers = try JSONSerialization.jsonObject(with: await ask(.GET, "/sdapi/v1/schedulers").body) as? [[String: Any]]
        #expect(schedulers?.map { $0["name"] as? String }.contains("karras") == true)
        let models = try JSONSerialization.jsonObject(with: await ask(.GET, "/sdapi/v1/sd-models").body) as? [[String: Any]]
        #expect(models?.first?["model_name"] as? String == ModelSource.bundled.text)
        #expect(try await ask(.GET, "/sdapi/v1/options").json()["sd_model_checkpoint"] as? String == ModelSource.bundled.text)
    }
}
