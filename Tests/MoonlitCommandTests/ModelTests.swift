import Foundation
import Images
import Testing

struct ModelTests {
    let folder: Folder

    init() throws { folder = try .withSmallModel() }

    @Test func inspectCounts() throws {
        let result = try Program.run("inspect", "small.safetensors", "--json", in: folder).object()
        let parameters = try #require(result["parameters"] as? [String: Int])
        let tensors = try #require(result["tensors"] as? [[String: Any]])
        let counted = tensors.reduce(0) { $0 + (($1["shape"] as? [Int]) ?? []).reduce(1, *) }
        #expect(parameters["total"] == counted)
        // 64 tokens and 2 × 8 positions of 32; two layers of 12 · 32² + 13 · 32; a norm; 32 → 128.
        #expect(parameters["text"] == (64 + 16) * 32 + 2 * (12 * 1024 + 13 * 32) + 64 + 33 * 128)
        let plain = try Program.run("inspect", "small.safetensors", "--tensors", in: folder)
        #expect(plain.status == 0)
        #expect(plain.output.contains("token_embedding.weight"))
    }

    @Test func whatIsThereGoesBeforeAnEmbeddedModelOfItsName() throws {
        func inspected() throws -> Program.Outcome { try Program.run("inspect", "scenes-256", in: folder) }
        #expect(try inspected().status == 0)
        try Data("no model".utf8).write(to: folder.url.appending(path: "scenes-256"))
        let outcome = try inspected()
        #expect(outcome.status == 1 && outcome.messages.contains("scenes-256"), "\(outcome.messages)")
    }

    @Test func verifyAgreesWithTheReference() throws {
        let network = try Program.run(
            "verify", "small.safetensors", "--golden", SmallModel.golden, "--json", in: folder)
        #expect(network.status == 0)
        let result = try network.object()
        let part = try #require((result["parts"] as? [[String: Any]])?.first)
        #expect(part["part"] as? String == "glide")
        let error = try #require(part["relativeL2"] as? Double)
        #expect(error > 0 && error < 1e-5)

        let trajectory = try Program.run(
            "verify", "small.safetensors", "--golden", SmallModel.trajectory, "--tolerance", "1e-5", in: folder)
        #expect(trajectory.status == 0)
        #expect(trajectory.output.hasPrefix("glide.trajectory [2, 3, 16, 16]: maximum absolute error "))
    }

    @Test func verifyFindsAWrongOutput() throws {
        try perturb(SmallModel.golden, to: folder.path("wrong.safetensors"))
        let outcome = try Program.run(
            "verify", "small.safetensors", "--golden", "wrong.safetensors", "--json", in: folder)
        #expect(outcome.status == 2)
        #expect(outcome.messages.isEmpty)
        #expect(try outcome.object()["passed"] as? Bool == false)
        let loose = try Program.run(
            "verify", "small.safetensors", "--golden", "wrong.safetensors", "--tolerance", "1e-2", in: folder)
        #expect(loose.status == 0)
    }

    @Test func verifyNeedsSomethingToCompareWith() throws {
        let outcome = try Program.run("verify", "small.safetensors", "--golden", "small.safetensors", in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.messages.contains("holds no expected output"))
    }

    @Test func noiseMakesAFilmStrip() throws {
        try Picture(width: 40, height: 30, filled: .white).write(to: folder.path("white.png"))
        let outcome = try Program.run(
            "noise", "white.png", "-o", "noise.png", "--size", "32", "--steps", "5", "--schedule", "linear", in: folder)
        #expect(outcome.status == 0)
        let strip = try Picture(path: folder.path("noise.png"))
        #expect(strip.width > 4 * strip.height)
        // White at the left, noise at the right: samples far from white only there.
        let rows = strip.height
        let left = try strip.cropped(x: 0, y: 0, width: rows, height: rows)
        let right = try strip.cropped(x: strip.width - rows, y: 0, width: rows, height: rows)
        #expect(left.pixels.allSatisfy { $0 == 255 })
        #expect(right.pixels.filter { $0 < 64 }.count > right.pixels.count / 8)
    }

    /// Before the picture is read.
    @Test func noiseThatItsFormatCannotHoldIsRefusedFirst() throws {
        let outcome = try Program.run(
            "noise", "missing.png", "-o", "noise.webp", "--size", "1024", "--steps", "100", in: folder)
        let told = "output is of 100 pictures of 1024×1024, 3080×34948 pixels in all; expected at most 16,383 a side"
        #expect(outcome.status == 64 && outcome.messages.contains(told), "\(outcome.messages)")
        #expect(try folder.names() == ["small.safetensors"])
    }

    @Test(arguments: [
        ("preview.webp", "192", "192×192, 20412×20412 pixels in all; expected at most 16,383 a side, as WebP holds"),
        ("preview.png", "1024", "1024×1024; expected fewer or smaller ones, or no --preview"),
    ]) func aPreviewThatIsTooLargeIsRefusedFirst(file: String, size: String, told: String) throws {
        let outcome = try Program.run(
            "data", "scenes-simple", "--preview", file, "--count", "10000", "--size", size, in: folder)
        #expect(outcome.status == 64 && outcome.output.isEmpty, "\(outcome.messages)")
        #expect(outcome.messages.contains("preview is of 10000 pictures of " + told), "\(outcome.messages)")
        #expect(try folder.names() == ["small.safetensors"])
    }

    @Test func dataShowsAFolder() throws {
        let folderOfData = SmallModel.fixtures.deletingLastPathComponent().appending(path: "datasets/folder").path
        let outcome = try Program.run(
            "data", folderOfData, "--preview", "sheet.png", "--size", "32", "--json", in: folder)
        #expect(outcome.status == 0)
        let result = try outcome.object()
        #expect((result["count"] as? Int ?? 0) >= 4)
        #expect(try Picture(path: folder.path("sheet.png")).width > 64)
        let list = try Program.run("data", in: folder)
        #expect(list.output.contains("emoji") && list.output.contains("scenes"))
    }

    @Test func trainMakesAModelThatDraws() throws {
        let data = SmallModel.fixtures.deletingLastPathComponent().appending(path: "datasets/folder").path
        let first = try Program.run(
            "train", "--data", data, "--config", "tiny", "-o", "run", "--steps", "3", "--batch-size", "4", "--json",
            in: folder)
        #expect(first.status == 0)
        #expect(try first.object()["step"] as? Int == 3)
        let again = try Program.run("train", "-o", "run", "--steps", "5", "--resume", "--json", in: folder)
        #expect(again.status == 0)
        #expect(try again.object()["step"] as? Int == 5)
        #expect(try Program.run("train", "--data", data, "--config", "tiny", "-o", "run", in: folder).status == 1)
        let drawn = try Program.run(
            "generate", "a red square", "--model", "run/model.safetensors", "--steps", "2", "-o", "x.png", in: folder)
        #expect(drawn.status == 0)
    }

    @Test func trainMakesAModelOfPicturesAndTexts() throws {
        let data = SmallModel.fixtures.deletingLastPathComponent().appending(path: "datasets/folder").path
        let yaml = """
            preset: noised-clip-64
            imageSize: 16
            contrastive:
              picture: {convolutional: {widths: [16], blocks: 1, layers: 1, heads: 2}}
              text: {context: 12, width: 16, layers: 1, heads: 2}
              embedding: 8
            batchSize: 4
            parts: 2
            """
        try yaml.write(toFile: folder.path("clip.yaml"), atomically: true, encoding: .utf8)
        let trained = try Program.run(
            "train", "--data", data, "--config", "clip.yaml", "-o", "run", "--steps", "3", "--json", in: folder)
        #expect(trained.status == 0, "\(trained.messages)")
        let inspected = try Program.run("inspect", "run/model.safetensors", "--json", in: folder)
        #expect(inspected.status == 0)
        let parameters = try #require(try inspected.object()["parameters"] as? [String: Int])
        #expect(try parameters["total"] == trained.object()["parameters"] as? Int)
        let plain = try Program.run("inspect", "run/model.safetensors", "--tensors", in: folder)
        #expect(plain.status == 0)
        for word in ["16×16, noisy", "squaredCosine, 1000 steps", "logit_scale", "in one space of 8"] {
            #expect(plain.output.contains(word), "\(word)")
        }
        // It cannot draw, and says so.
        let drawn = try Program.run("generate", "a fox", "--model", "run/model.safetensors", in: folder)
        #expect(drawn.status == 1 && drawn.messages.contains("draws nothing"))
    }
}
