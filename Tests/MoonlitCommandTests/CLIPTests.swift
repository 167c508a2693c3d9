import Foundation
import Images
import Layers
import Models
import Tensors
import Testing

/// `--clip-guidance` and `--candidates`.
struct CLIPTests {
    let folder: Folder

    init() throws {
        folder = try .withSmallModel()
        try FileManager.default.createDirectory(atPath: folder.path("clip"), withIntermediateDirectories: true)
        func write(_ file: String, _ seed: UInt64, _ build: (Weights) throws -> Void) throws {
            let store = WeightStore(.initial(try RandomGenerator(seed: seed)))
            try build(Weights(store))
            try Safetensors.write(
                store.parameters.map { ($0.name, $0.value) }, dtype: .float16, to: folder.path("clip/\(file)"))
        }
        try write("clip_image_enc.pt", 1) {
            _ = try NoisedCLIPImageTower(
                $0,
                configuration: .init(
                    input: .image(side: 16, patch: 4, timesteps: 1000), width: 64, layers: 1, heads: 1, embedding: 16))
        }
        try write("clip_text_enc.pt", 2) {
            _ = try NoisedCLIPTextTower(
                $0,
                configuration: .init(
                    input: .text(vocabulary: 49_408, context: 12), width: 64, layers: 1, heads: 1, embedding: 16))
        }
    }

    @Test func aGuidedPictureIsReproduced() throws {
        #expect(try folder.generate("1", "--seed", "5", "-o", "plain.png").status == 0)
        let guided = try folder.generate(
            "1", "--seed", "5", "--clip-guidance", "2", "--clip", "clip", "-o", "guided.png")
        #expect(guided.status == 0 && guided.output == "guided.png  seed 5\n")
        #expect(try Picture(path: folder.path("guided.png")) != Picture(path: folder.path("plain.png")))
        let again = try Program.run("reproduce", "guided.png", "--model", "small.safetensors", in: folder)
        #expect(again.output == "guided.png: identical\n")
        try FileManager.default.moveItem(atPath: folder.path("clip"), toPath: folder.path("moved"))
        let lost = try Program.run("reproduce", "guided.png", "--model", "small.safetensors", in: folder)
        #expect(lost.status == 1 && lost.messages.contains("“clip”"))
        let found = try Program.run(
            "reproduce", "guided.png", "--model", "small.safetensors", "--clip", "moved", in: folder)
        #expect(found.output == "guided.png: identical\n")
    }

    @Test func theBestCandidateIsKeptAndReproduced() throws {
        let outcome = try folder.generate(
            "1", "--seed", "5", "--candidates", "4", "--batch-size", "3", "--clip", "clip", "-o", "best.png", "--json")
        #expect(outcome.status == 0)
        let result = try outcome.object()
        let candidates = try #require(result["candidates"] as? [[String: Any]])
        let scores = try candidates.map { try #require($0["likeness"] as? Double) }
        #expect(candidates.compactMap { $0["seed"] as? Int } == [5, 6, 7, 8] && Set(scores).count == 4)
        let kept = try #require((result["pictures"] as? [[String: Any]])?.first)
        let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
        #expect(kept["seed"] as? Int == 5 + best && kept["likeness"] as? Double == scores[best])
        #expect(try folder.names() == ["best.png", "clip", "small.safetensors"])

        #expect(try folder.generate("1", "--seed", "\(5 + best)", "-o", "alone.png").status == 0)
        #expect(try Picture(path: folder.path("best.png")) == Picture(path: folder.path("alone.png")))
        let again = try Program.run("reproduce", "best.png", "--model", "small.safetensors", in: folder)
        #expect(again.output == "best.png: identical\n")
    }

    @Test func interruptingTheSecondStageKeepsTheBest() throws {
        try SmallModel.write(to: folder.path("large.safetensors"), input: .lowResolution)
        let running = try Program.start(
            [
                "generate", "1", "--model", "small.safetensors", "--seed", "5", "--steps", "2", "--width", "128", "--height",
                "64", "--candidates", "2", "--clip", "clip", "--upscale", "large.safetensors", "--json", "-o", "best.png",
            ], in: folder)
        try running.interrupt(afterSaying: "drawing: 2/2 steps")
        let outcome = try running.finish()
        #expect(outcome.status == 130)
        #expect(outcome.messages.contains("2 of 2 pictures were finished and the best of them kept; not enlarged: 1"))
        let result = try outcome.object()
        #expect((result["candidates"] as? [Any])?.count == 2 && (result["pictures"] as? [Any])?.count == 1)
        #expect(try Picture(path: folder.path("best.png")).width == 128)
    }

    @Test func scoresAreShown() throws {
        let outcome = try folder.generate(
            "1", "--seed", "5", "--candidates", "4", "--count", "2", "--clip", "clip/clip_image_enc.pt", "-o", "out")
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.contains("  likeness ") })
        #expect(outcome.messages.split(separator: "\n").count { $0.hasPrefix("not kept: seed ") } == 2)
        #expect(try folder.names(in: "out").count == 2)
    }

    /// Of each prompt the best is kept, by that prompt.
    @Test func everyPromptHasCandidates() throws {
        try Data("1\n2\n".utf8).write(to: folder.url.appending(path: "prompts.txt"))
        let outcome = try folder.generate(
            "--prompts", "prompts.txt", "--seed", "5", "--candidates", "3", "--clip", "clip", "-o", "best", "--json")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let result = try outcome.object()
        let candidates = try #require(result["candidates"] as? [[String: Any]])
        #expect(candidates.compactMap { $0["prompt"] as? String } == ["1", "1", "1", "2", "2", "2"])
        #expect(candidates.compactMap { $0["seed"] as? Int } == [5, 6, 7, 5, 6, 7])
        let kept = try #require(result["pictures"] as? [[String: Any]])
        #expect(kept.compactMap { $0["prompt"] as? String } == ["1", "2"])
        for (place, picture) in kept.enumerated() {
            let scores = candidates[3 * place..<3 * place + 3].compactMap { $0["likeness"] as? Double }
            #expect(picture["likeness"] as? Double == scores.max())
            let seed = try #require(picture["seed"] as? Int)
            #expect(picture["path"] as? String == "best/\(place + 1)-moonlit-\(seed).png")
        }
        #expect(try folder.names(in: "best").count == 2)
    }

    @Test(arguments: [
        (["--clip-guidance", "2"], "--clip-guidance needs a CLIP: --clip PATH"),
        (["--candidates", "4"], "--candidates needs a CLIP: --clip PATH"),
        (["--candidates", "2", "--count", "3", "--clip", "clip", "-o", "out"], "--candidates is 2"),
        (["--clip-guidance", "nan", "--clip", "clip"], "--clip-guidance is nan"),
    ])
    func wrongUsage(arguments: [String], message: String) throws {
        let outcome = try folder.generate(["1"] + arguments)
        #expect(outcome.status == 64 && outcome.messages.contains(message), "\(outcome.messages)")
    }

    /// As if it had been named.
    @Test func theEmbeddedModelHasAnEmbeddedCLIP() throws {
        func draw(_ arguments: [String], as file: String) throws -> [String: Any] {
            let drawing = ["generate", "a fox in the snow", "--seed", "5", "--steps", "4", "--json", "-o", file]
            let outcome = try Program.run(drawing + arguments, in: folder)
            #expect(outcome.status == 0, "\(outcome.messages)")
            return try #require(try outcome.object()["settings"] as? [String: Any])
        }
        let guided = try draw(["--clip-guidance", "2"], as: "guided.png")
        #expect((guided["clipGuidance"] as? [String: Any])?["clip"] as? String == "scenes-clip")
        _ = try draw(["--clip-guidance", "2", "--clip", "scenes-clip"], as: "named.png")
        #expect(try Picture(path: folder.path("guided.png")) == Picture(path: folder.path("named.png")))
        _ = try draw([], as: "plain.png")
        #expect(try Picture(path: folder.path("guided.png")) != Picture(path: folder.path("plain.png")))
        for model in [[], ["--model", "scenes-latent"]] {
            let chosen = try draw(["--candidates", "2"] + model, as: "best.png")
            #expect((chosen["choice"] as? [String: Any])?["clip"] as? String == "scenes-clip")
        }
    }

    @Test func aCLIPThatIsNoneIsNamed() throws {
        let outcome = try folder.generate("1", "--clip-guidance", "2", "--clip", "small.safetensors")
        #expect(outcome.status == 1 && outcome.messages.contains("small.safetensors: is no model of pictures and texts"))
        #expect(try folder.generate("1", "--clip-guidance", "2", "--clip", "nowhere").messages.contains("“nowhere”"))
    }

    /// Its stages are of all candidates, not only of those that are kept.
    @Test func aFilmStripOfTooManyCandidatesIsRefusedFirst() throws {
        let outcome = try folder.generate(
            "1", "--candidates", "12500", "--clip", "clip", "--film-strip", "film.png", "-o", "best.png")
        #expect(outcome.status == 64 && outcome.messages.contains("film-strip is of 12500"), "\(outcome.messages)")
        #expect(try folder.names() == ["clip", "small.safetensors"])
    }
}
