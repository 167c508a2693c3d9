import Datasets
import Foundation
import Models
import Testing

/// `moonlit evaluate text` with a small model of random weights, and with the embedded one.
@Suite(.enabled(if: (try? EmojiCollection.load()) != nil)) struct EvaluateTextTests {
    let folder: Folder

    init() throws { folder = try .withSmallModel() }

    private static let common = [
        "evaluate", "text", "small.safetensors", "--count", "5", "--levels", "3", "--batch-size", "2", "--quiet",
    ]

    @Test func whatIsHeardIsWrittenAndPrinted() throws {
        let outcome = try Program.run(Self.common + ["-o", "out"], in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        #expect(outcome.output.contains("captions of 5 real scenes (held-out of scenes)"))
        #expect(outcome.output.contains("| step | σ | true caption | subject | place | light | style | no caption |"))
        #expect(try folder.names(in: "out") == ["text.json", "text.md", "text.png"])
        #expect(try folder.bytes("out/text.md") == Data((outcome.output.dropLast()).utf8))

        let again = try Program.run(Self.common + ["--json"], in: folder)
        #expect(try folder.bytes("out/text.json") == Data(again.output.utf8))
        let object = try again.object()
        let levels = try #require(object["levels"] as? [[String: Any]])
        #expect(levels.compactMap { $0["step"] as? Int } == [166, 500, 833])
        #expect(object["count"] as? Int == 5 && object["set"] as? String == "held-out")
        #expect(levels.allSatisfy { $0["squaredError"] as? Double ?? 0 > 0 && $0["empty"] != nil })

        let pairs = try Program.run(
            Self.common.map { $0 == "5" ? "20" : $0 } + ["--prompts", "pairs", "--seed", "3"], in: folder)
        #expect(pairs.status == 0 && pairs.output.contains(" style | relation | "), "\(pairs.messages)")
    }

    /// The embedded latent model sees through much noise what the true place is, and that there is a caption at all.
    @Test func theEmbeddedModelHears() throws {
        let outcome = try Program.run(
            "evaluate", "text", "scenes-latent", "--count", "12", "--levels", "2", "--quiet", "--json", in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        let last = try #require((try outcome.object()["levels"] as? [[String: Any]])?.last)
        let place = try #require((last["parts"] as? [String: [String: Any]])?["place"])
        #expect(try #require(place["value"] as? Double) > 0)
        #expect(try #require((last["empty"] as? [String: Any])?["value"] as? Double) > 0)
    }

    @Test func whatDrawsFromMoreThanATextIsRefused() throws {
        for (name, does) in [("upsampler", "enlarges"), ("inpainting", "fills in holes")] {
            try SmallModel.write(
                to: folder.path("\(name).safetensors"), input: name == "upsampler" ? .lowResolution : .masked)
            let outcome = try Program.run("evaluate", "text", "\(name).safetensors", "-o", "out", in: folder)
            #expect(outcome.status == 64, "\(outcome.messages)")
            #expect(outcome.messages.contains("expected a model that draws from a text alone: this one \(does)"))
        }
        try folder.writeCLIP("clip.safetensors", words: "a fox", seed: 4)
        for (name, problem) in [("clip.safetensors", "draws nothing"), ("nowhere", "nowhere")] {
            let outcome = try Program.run("evaluate", "text", name, "-o", "out", in: folder)
            #expect(outcome.status == 1 && outcome.messages.contains(problem), "\(outcome.messages)")
            #expect(outcome.messages.split(separator: "\n").count == 1)
        }
        let much = try Program.run("evaluate", "text", "small.safetensors", "--levels", "0", in: folder)
        #expect(much.status == 64 && much.messages.contains("--levels is 0"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    }

    // Not asynchronous: where other tests hold all of the pool's threads, a task's sleep outlasts the program.
    @Test func controlCReportsWhatIsDone() throws {
        let process = try Program.start(
            [
                "evaluate", "text", "small.safetensors", "--count", "400", "--levels", "100", "--batch-size", "4", "--json",
                "-o", "out",
            ], in: folder)
        try process.interrupt(afterSaying: "listening: ")
        let outcome = try process.finish()
        #expect(outcome.status == 130, "\(outcome.messages)")
        let count = try #require(try outcome.object()["count"] as? Int)
        #expect(count >= 4 && count < 400)
        #expect(outcome.messages.contains("the report is of the \(count) of 400 scenes"), "\(outcome.messages)")
        #expect(try folder.bytes("out/text.json") == Data(outcome.output.utf8))
    }
}
