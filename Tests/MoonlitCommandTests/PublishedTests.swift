import Foundation
import Testing

/// Published layouts from the command line.
struct PublishedTests {
    private static let models = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pipelines").path

    @Test func verifiesEveryPart() throws {
        let folder = try Folder()
        let outcome = try Program.run(
            "verify", Self.models + "/xl", "--golden", Self.models + "/xl.parts.safetensors", "--json", in: folder)
        #expect(outcome.status == 0)
        let result = try outcome.object()
        let parts = try #require(result["parts"] as? [[String: Any]]).compactMap { $0["part"] as? String }
        #expect(
            Set(parts) == [
                "unet.output", "text_encoder.last_hidden_state", "text_encoder.pooled", "text_encoder_2.last_hidden_state",
                "text_encoder_2.pooled", "vae.decoded", "vae.mean",
            ])
        let strict = try Program.run(
            "verify", Self.models + "/sd1", "--golden", Self.models + "/sd1.parts.safetensors", "--tolerance", "0", in: folder)
        #expect(strict.status == 2)
    }

    @Test func inspectsParts() throws {
        let folder = try Folder()
        let outcome = try Program.run("inspect", Self.models + "/sd1/single.ckpt", "--json", in: folder)
        #expect(outcome.status == 0)
        let result = try outcome.object()
        let parameters = try #require(result["parameters"] as? [String: Int])
        #expect(Set(parameters.keys) == ["unet", "vae", "text_encoder"])
        #expect(result["total"] as? Int == parameters.values.reduce(0, +))
    }

    /// What is wrong with a model is told whatever the form; what is there is shown all the same.
    @Test(arguments: [["--tensors"], ["--json"]]) func whatIsMissingIsTold(form: [String]) throws {
        let folder = try Folder()
        try FileManager.default.copyItem(atPath: Self.models + "/sd1", toPath: folder.path("sd1"))
        let file = folder.path("sd1/vae/config.json")
        let configuration = try String(contentsOfFile: file, encoding: .utf8)
            .replacingOccurrences(of: "\"layers_per_block\": 1", with: "\"layers_per_block\": 2")
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try Program.run(["inspect", "sd1"] + form, in: folder)
        #expect(outcome.status == 1 && outcome.messages.hasPrefix("Error: "), "\(outcome.messages)")
        #expect(outcome.output.contains("Stable Diffusion 1"))
    }

    /// Where the model's own scheduler is not honoured, it is said what draws instead, unless a sampler is asked for.
    @Test func aSamplersStandInIsTold() throws {
        let folder = try Folder()
        try FileManager.default.copyItem(atPath: Self.models + "/sd1", toPath: folder.path("sd1"))
        let file = folder.path("sd1/scheduler/scheduler_config.json")
        let scheduler = try String(contentsOfFile: file, encoding: .utf8)
            .replacingOccurrences(of: "\"skip_prk_steps\": true", with: "\"skip_prk_steps\": false")
        try scheduler.write(toFile: file, atomically: true, encoding: .utf8)
        func draw(_ options: String...) throws -> Program.Outcome {
            try Program.run(
                ["generate", "a lake", "--model", "sd1", "--steps", "1", "-q", "-o", "x.png"] + options, in: folder)
        }
        let drawn = try draw()
        #expect(drawn.status == 0)
        #expect(
            drawn.messages.contains("note: ddim draws instead of the model's own PNDMScheduler"), "\(drawn.messages)")
        let asked = try draw("--sampler", "ddim")
        #expect(asked.status == 0 && !asked.messages.contains("PNDMScheduler"), "\(asked.messages)")

        let plain = try Program.run("inspect", "sd1", in: folder)
        #expect(plain.output.contains("PNDMScheduler") && plain.output.contains("skip_prk_steps"), "\(plain.output)")
        let inspected = try Program.run("inspect", "sd1", "--json", in: folder).object()
        let told = inspected["samplerStandIn"] as? [String: Any]
        #expect(told?["scheduler"] as? String == "PNDMScheduler" && told?["sampler"] as? String == "ddim")
        // Also where a file of the model's own asks for it.
        try #"{"guidanceScale": 2, "sampler": "ddim", "steps": 20}"#
            .write(toFile: folder.path("sd1/sampling.json"), atomically: true, encoding: .utf8)
        let chosen = try draw()
        #expect(chosen.status == 0 && !chosen.messages.contains("PNDMScheduler"), "\(chosen.messages)")
        let own = try Program.run("inspect", Self.models + "/sd1", in: folder)
        #expect(own.status == 0 && !own.output.contains("PNDMScheduler"))
    }

    #if os(Linux)
        @Test func aResultThatCannotBePrintedIsAFailure() throws {
            let folder = try Folder.withSmallModel()
            for command in [
                ["convert", "small.safetensors", "-o", "converted.safetensors"],
                ["export", Self.models + "/sd1/single.ckpt", "--format", "diffusers", "-o", "exported"],
            ] {
                let outcome = try Program.start(command, in: folder, printingTo: "/dev/full").finish()
                #expect(outcome.status == 1 && outcome.messages.contains("No space left on device"), "\(outcome.messages)")
            }
        }
    #endif

    /// An outpainted picture with a LoRA is drawn again to the bit.
    @Test func reproduces() throws {
        let folder = try Folder()
        let model = Self.models + "/sd1"
        let first = try Program.run(
            "generate", "a house", "--model", model, "--seed", "5", "--steps", "2", "-o", "first.png", in: folder)
        #expect(first.status == 0, "\(first.messages)")
        let second = try Program.run(
            "generate", "a (lake:1.3)", "--model", model, "--seed", "6", "--steps", "3", "--sampler", "euler",
            "--init-image", "first.png", "--canvas", "32x16", "--offset", "0,0", "--lora",
            Self.models + "/sd1.kohya.safetensors:0.5", "--clip-skip", "2", "--vae-tiling", "on", "-o", "second.png",
            in: folder)
        #expect(second.status == 0, "\(second.messages)")
        let again = try Program.run("reproduce", "second.png", "--model", model, "--json", in: folder)
        #expect(again.status == 0, "\(again.messages)")
        #expect(try again.object()["identical"] as? Bool == true)
        // Another picture of that name is not taken for it.
        _ = try Program.run(
            "generate", "a house", "--model", model, "--seed", "8", "--steps", "1", "-o", "first.png", in: folder)
        let changed = try Program.run("reproduce", "second.png", "--model", model, in: folder)
        #expect(changed.status == 64 && changed.messages.contains("SHA-256"))
    }

    @Test(arguments: [
        (["--mask", "x.png"], 64), (["--strength", "0.5"], 64), (["--offset", "1,1"], 64), (["--clip-skip", "0"], 64),
        (["--width", "17"], 64), (["--lora", "missing.safetensors"], 1), (["--clip-skip", "9"], 1),
        (["--init-image", "missing.png"], 1),
    ])
    func refuses(options: [String], status: Int) throws {
        let folder = try Folder()
        let outcome = try Program.run(
            ["generate", "x", "--model", Self.models + "/sd1", "--steps", "1", "-o", "x.png"] + options, in: folder)
        #expect(Int(outcome.status) == status, "\(outcome.messages)")
        #expect(!outcome.messages.isEmpty)
    }
}
