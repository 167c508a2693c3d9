import Foundation
import Testing

/// `moonlit bench`, with small models: what is timed is there, and what cannot be is refused. No time is asserted.
struct BenchTests {
    static let latent = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pipelines/sd1").path
    let folder: Folder

    init() throws { folder = try .withSmallModel() }

    private func bench(_ arguments: [String]) throws -> Program.Outcome {
        try Program.run(["bench"] + arguments + ["--repeat", "2", "--warmup", "0"], in: folder)
    }

    @Test(arguments: [
        (["unet", "--model", "small.safetensors"], 2, true), (["unet", "--model", latent], 2, true),
        (["text", "--model", "small.safetensors"], 1, false), (["text", "--model", latent], 1, false),
        (["decode", "--model", latent, "--tiling", "off"], 1, true),
        (["generate", "--model", "small.safetensors", "--steps", "2"], 1, true),
        (["generate", "--model", latent, "--steps", "2", "--sampler", "ddim"], 1, true),
    ])
    func partsAreTimed(arguments: [String], batch: Int, isCounted: Bool) throws {
        let outcome = try bench(arguments + ["--json"])
        #expect(outcome.status == 0, "\(outcome.messages)")
        let object = try outcome.object()
        #expect(object["steps"] as? Int == 2 && object["batch_size"] as? Int == batch)
        #expect(try #require(object["step_seconds_minimum"] as? Double) >= 0)
        #expect(try #require(object["parameters"] as? Int) > 1000)
        #expect((object["flop_per_step"] as? Double).map { $0 > 1e5 } == (isCounted ? true : nil))
    }

    /// As many operations as its calls have.
    @Test func operationsAreThoseOfAllSteps() throws {
        func operations(_ arguments: [String], model: String = "small.safetensors") throws -> Double {
            let outcome = try bench(arguments + ["--model", model, "--json"])
            return try #require(try outcome.object()["flop_per_step"] as? Double)
        }
        let call = try operations(["unet"])
        #expect(try operations(["generate", "--steps", "3"]) == 3 * call)
        #expect(try operations(["generate", "--steps", "3", "--guidance-scale", "1"]) == 1.5 * call)
        #expect(try operations(["unet", "--width", "32", "--height", "32"]) > 3.9 * call)
        // Heun's first step from the squared cosine's noise is Euler's.
        for (sampler, calls) in [("heun", 4.0), ("dpm++sde", 5.0), ("pndm", 4.0)] {
            #expect(try operations(["generate", "--steps", "3", "--sampler", sampler]) == calls * call, "\(sampler)")
        }
        let drawing = try operations(["generate", "--steps", "2", "--sampler", "ddim"], model: Self.latent)
        let parts = try (call: operations(["unet"], model: Self.latent), decoding: operations(["decode"], model: Self.latent))
        #expect(drawing == 2 * parts.call + parts.decoding)
    }

    @Test func whatCannotBeTimedIsRefused() throws {
        let pixels = try bench(["decode", "--model", "small.safetensors"])
        #expect(pixels.status == 64 && pixels.messages.contains("latent"))
        #expect(try bench(["unet", "--model", "small.safetensors", "--width", "33"]).status == 64)
        #expect(try bench(["unet", "--model", "nowhere"]).status == 1)
    }
}
