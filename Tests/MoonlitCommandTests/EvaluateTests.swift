import Checkpoints
import Datasets
import Foundation
import Images
import Layers
import Models
import Tensors
import Testing

/// `moonlit evaluate` with a small model and a small judge, both of random weights: nothing is drawn well, everything is
/// there.
@Suite(.enabled(if: (try? EmojiCollection.load()) != nil)) struct EvaluateTests {
    let folder: Folder

    private static let words = "a fox house boat in the forest desert at night in fog sunset"

    init() throws {
        folder = try .withSmallModel()
        try folder.writeCLIP("judge.safetensors", words: Self.words, seed: 4)
    }

    private static let common = [
        "evaluate", "--judge", "judge.safetensors", "--count", "5", "--captions", "10", "--references", "6",
        "--data", "scenes-steady", "--quiet",
    ]

    private func report(_ place: String = "out") throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: folder.bytes("\(place)/evaluation.json")) as? [String: Any])
    }

    @Test func aModelIsDrawnJudgedAndGoneOnWith() throws {
        let drawing = [
            "--model", "small.safetensors", "--steps", "2", "--unconditional", "3", "--diversity", "1", "--batch-size", "20",
            "-o", "out", "--seed", "3",
        ]
        let outcome = try Program.run(Self.common + drawing, in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        #expect(outcome.output.contains("| real scenes | 5 |") && outcome.output.contains("| **guidance 2** | 5 |"))
        #expect(
            try folder.names(in: "out")
                == ["evaluation.json", "evaluation.md", "evaluation.png", "held-out", "prompts-held-out.txt", "settings.json"])
        let own = "out/held-out/guidance-2.0"
        #expect(try folder.names(in: own) == ["diversity", "pictures", "scores.jsonl", "unconditional"])
        #expect(try folder.names(in: own + "/pictures") == (0..<5).map { "0000\($0).png" })
        #expect(try folder.names(in: own + "/diversity/0").count == 20)
        #expect(try folder.names(in: own + "/unconditional").count == 3)
        let first = try report()
        #expect(first["isFinished"] as? Bool == true)
        let set = try #require((first["sets"] as? [[String: Any]])?.first)
        #expect(set["captions"] as? Double == 10)
        #expect(((set["drawn"] as? [[String: Any]])?.first?["unconditional"]) != nil)

        // The picture is the one that generate draws.
        let prompts = try String(contentsOfFile: folder.path("out/prompts-held-out.txt"), encoding: .utf8).split(separator: "\n")
        let alone = try folder.generate(String(prompts[1]), "--steps", "2", "--seed", "4", "-o", "one.png")
        #expect(alone.status == 0)
        let (one, other) = (try Picture(path: folder.path("one.png")), try Picture(path: folder.path(own + "/pictures/00001.png")))
        #expect(zip(one.pixels, other.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })

        // One picture is lost; the rest is taken as it is, and the result is the same.
        let kept = try folder.bytes(own + "/pictures/00000.png")
        try FileManager.default.removeItem(atPath: folder.path(own + "/pictures/00003.png"))
        let again = try Program.run(Self.common + drawing, in: folder)
        #expect(again.status == 0, "\(again.messages)")
        #expect(try folder.bytes(own + "/pictures/00000.png") == kept)
        #expect(try folder.names(in: own + "/pictures").count == 5)

        // Other settings do not mix.
        let mixed = try Program.run(Self.common + drawing + ["--sampler", "euler"], in: folder)
        #expect(mixed.status == 1)
        #expect(mixed.messages.contains("settings.json"))
    }

    @Test func scalesAreSweptAndFoldersJudged() throws {
        let outcome = try Program.run(
            Self.common + [
                "--model", "small.safetensors", "--steps", "1", "--guidance-scales", "0,1.5", "--unconditional", "0",
                "--guidance-interval", "0.2,1e6", "--guidance-rescale", "0.5", "--diversity", "0", "-o", "out", "--json",
            ], in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        let object = try outcome.object()
        let drawn = try #require((object["sets"] as? [[String: Any]])?.first?["drawn"] as? [[String: Any]])
        #expect(drawn.compactMap { $0["guidanceScale"] as? Double } == [0, 1.5])
        let model = try #require(object["model"] as? [String: Any])
        #expect(model["guidanceInterval"] as? [Double] == [0.2, 1e6] && model["guidanceRescale"] as? Double == 0.5)
        let again = try Program.run(
            "reproduce", "out/held-out/guidance-1.5/pictures/00001.png", "--model", "small.safetensors", in: folder)
        #expect(again.output.contains("identical"), "\(again.messages)")

        let pictures = try Program.run(
            Self.common + ["--pictures", "out/held-out/guidance-1.5/pictures", "-o", "folder"], in: folder)
        #expect(pictures.status == 0, "\(pictures.messages)")
        let judged = try #require(((try report("folder"))["sets"] as? [[String: Any]])?.first?["drawn"] as? [[String: Any]])
        // The same pictures and judge: the same verdict.
        let (a, b) = (drawn[1]["findings"] as? [String: Any], judged[0]["findings"] as? [String: Any])
        #expect((a?["ranking"] as? NSDictionary) == (b?["ranking"] as? NSDictionary))
        #expect((a?["frechet"] as? Double) == (b?["frechet"] as? Double))
    }

    /// A CLIP that guides: its pictures are those that generate draws so, and no judge may guide.
    @Test func guidanceByCLIPIsSwept() throws {
        try folder.writeCLIP("guide.safetensors", words: Self.words, seed: 5)
        let sweep = [
            "--model", "small.safetensors", "--steps", "2", "--unconditional", "0", "--diversity", "0", "--seed", "3", "-o",
            "out", "--clip", "guide.safetensors", "--clip-guidance-scales", "0,40", "--guidance-scales", "0,1,2",
        ]
        let outcome = try Program.run(Self.common + sweep, in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        #expect(outcome.output.contains("| **guidance 1, CLIP 40** | 5 |") && outcome.output.contains("guide.safetensors"))
        #expect(
            try folder.names(in: "out/held-out") == [
                "guidance-0.0", "guidance-1.0", "guidance-1.0-clip-0.0", "guidance-1.0-clip-40.0", "guidance-2.0",
            ])
        func picture(_ place: String) throws -> Picture { try Picture(path: folder.path("out/held-out/\(place)/pictures/00001.png")) }
        #expect(try picture("guidance-1.0") == picture("guidance-1.0-clip-0.0"))
        #expect(try picture("guidance-1.0") != picture("guidance-1.0-clip-40.0"))
        let prompts = try String(contentsOfFile: folder.path("out/prompts-held-out.txt"), encoding: .utf8).split(separator: "\n")
        let alone = try folder.generate(
            String(prompts[1]), "--steps", "2", "--seed", "4", "--guidance-scale", "1", "--clip", "guide.safetensors",
            "--clip-guidance", "40", "-o", "one.png")
        #expect(alone.status == 0, "\(alone.messages)")
        let (one, other) = (try Picture(path: folder.path("one.png")), try picture("guidance-1.0-clip-40.0"))
        #expect(zip(one.pixels, other.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })

        // Not even under another name.
        try FileManager.default.copyItem(atPath: folder.path("judge.safetensors"), toPath: folder.path("copy.safetensors"))
        for guide in ["judge.safetensors", "copy.safetensors"] {
            let own = try Program.run(
                Self.common + ["--model", "small.safetensors", "--clip", guide, "--clip-guidance-scales", "1"],
                in: folder)
            #expect(own.status == 1 && own.messages.contains("both guides and judges"))
        }
    }

    @Test func realScenesAloneAndWhatIsMissing() throws {
        let real = try Program.run(Self.common + ["--real", "-o", "real", "--prompts", "pairs"], in: folder)
        #expect(real.status == 0, "\(real.messages)")
        #expect(try report("real")["model"] == nil)
        for (arguments, named) in [
            (["--data", "nothing"], "nothing"), (["--prompts", "none.txt"], "none.txt"), (["--pictures", "none"], "none"),
            (["--model", "nowhere"], "nowhere"),
        ] {
            let outcome = try Program.run(Self.common + arguments + ["-o", "missing"], in: folder)
            #expect(outcome.status == 1, "\(outcome.messages)")
            #expect(outcome.messages.contains(named), "\(outcome.messages)")
            #expect(outcome.messages.split(separator: "\n").count == 1)
            #expect(!FileManager.default.fileExists(atPath: folder.path("missing")))
        }
    }

    @Test func clipAndAutoencodersAreMeasured() throws {
        let clip = try Program.run(
            "evaluate", "clip", "judge.safetensors", "--count", "5", "--captions", "10", "--gallery", "12", "--quiet", "-o",
            "clip", in: folder)
        #expect(clip.status == 0, "\(clip.messages)")
        #expect(clip.output.contains("5 captions among 12 pictures"))
        // Without noise there is nothing to plot.
        #expect(try folder.names(in: "clip") == ["clip.json", "clip.md"])
        // In half the bytes it is the same model, nearly.
        let half = try Program.run(
            "convert", "judge.safetensors", "-o", "half.safetensors", "--dtype", "bfloat16", in: folder)
        #expect(half.status == 0, "\(half.messages)")
        #expect(try folder.bytes("half.safetensors").count < folder.bytes("judge.safetensors").count * 3 / 4)
        let own = try PictureTextModels.load(folder.path("judge.safetensors")).embeddings(ofTexts: ["a fox"]).floats()
        let other = try PictureTextModels.load(folder.path("half.safetensors")).embeddings(ofTexts: ["a fox"]).floats()
        #expect(own != other && zip(own, other).allSatisfy { abs($0 - $1) < 0.02 })
        let steps = try Program.run("evaluate", "clip", "judge.safetensors", "--count", "2", "--steps", "5", in: folder)
        #expect(steps.status == 1 && steps.messages.contains("clean pictures"))

        let store = WeightStore(.initial(try RandomGenerator(seed: 4)))
        let configuration = AutoencoderConfiguration(
            kind: .kl, latentChannels: 4, levels: [.init(channels: 8), .init(channels: 8)],
            residualBlocks: 1, normGroups: 4, scalingFactor: 1)
        _ = try Autoencoder(Weights(store), configuration: configuration)
        try AutoencoderFile.write(store.parameters, configuration: configuration, to: folder.path("f2"))
        let autoencoder = try Program.run(
            "evaluate", "autoencoder", "f2", "--count", "3", "--quiet", "--json", "-o", "measured", in: folder)
        #expect(autoencoder.status == 0, "\(autoencoder.messages)")
        let object = try autoencoder.object()
        #expect(object["count"] as? Int == 3)
        #expect(try folder.names(in: "measured") == ["autoencoder.json", "autoencoder.md", "autoencoder.png"])
        let odd = try Program.run("evaluate", "autoencoder", "f2", "--size", "65", in: folder)
        #expect(odd.status == 1 && odd.messages.contains("multiple of 2"))
        #expect(try Program.run("evaluate", "autoencoder", "judge.safetensors", in: folder).status == 1)
        let embedded = try Program.run(
            "evaluate", "autoencoder", "scenes-latent", "--count", "2", "--quiet", "--json", in: folder)
        #expect(embedded.status == 0, "\(embedded.messages)")
        let overall = try #require(embedded.object()["overall"] as? [String: Any])
        #expect(try #require(overall["psnr"] as? Double) > 20)
    }

    /// Of scenes that nothing was held out of, every evaluation of prompts says so.
    @Test(arguments: [
        ["clip", "judge.safetensors", "--captions", "2", "--gallery", "0"], ["text", "small.safetensors", "--levels", "1"],
    ]) func whatHoldsNothingOutIsSaid(command: [String]) throws {
        let outcome = try Program.run(
            ["evaluate"] + command + ["--count", "3", "--data", "scenes-steady", "--quiet"], in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        #expect(outcome.messages.contains("held-out: nothing of this data was held out"), "\(outcome.messages)")
    }

    /// The embedded CLIP, as it was when its card was written: far from guessing, which finds one in a hundred.
    @Test func theEmbeddedCLIPKnowsScenes() throws {
        let outcome = try Program.run(
            "evaluate", "clip", "scenes-clip", "--count", "60", "--gallery", "200", "--quiet", "--json", in: folder)
        #expect(outcome.status == 0, "\(outcome.messages)")
        let object = try outcome.object()
        let first = try #require((object["clean"] as? [String: Any])?["first"] as? [String: Any])
        #expect(try #require(first["right"] as? Double) > 15)
        let found = try #require((object["retrieval"] as? [String: Any])?["firstTen"] as? [String: Any])
        #expect(try #require(found["right"] as? Double) > 50)
    }

    @Test func enlargedAndPaintedPicturesAreMeasured() throws {
        let common = ["--judge", "judge.safetensors", "--count", "3", "--steps", "1", "--quiet", "--data", "scenes-steady"]
        let painted = try Program.run(
            ["evaluate", "inpainting", "small.safetensors", "-o", "painted"] + common, in: folder)
        #expect(painted.status == 0, "\(painted.messages)")
        // The last column: nothing outside the masks is changed.
        #expect(painted.output.contains("| 0 |"))
        #expect(try folder.names(in: "painted") == ["inpainting.json", "inpainting.md", "inpainting.png"])

        try SmallModel.write(to: folder.path("upsampler.safetensors"), input: .lowResolution)
        let enlarged = try Program.run(
            ["evaluate", "upsampler", "upsampler.safetensors", "--json", "-o", "enlarged"] + common, in: folder)
        #expect(enlarged.status == 0, "\(enlarged.messages)")
        let object = try enlarged.object()
        #expect(object["side"] as? Int == 64 && object["factor"] as? Int == 4 && object["count"] as? Int == 3)
        #expect(try folder.names(in: "enlarged") == ["upsampler.json", "upsampler.md", "upsampler.png"])
        for (command, model) in [("upsampler", "small.safetensors"), ("inpainting", "upsampler.safetensors")] {
            let wrong = try Program.run(["evaluate", command, model] + common, in: folder)
            #expect(wrong.status == 64 && wrong.messages.contains("expected a model that"), "\(wrong.messages)")
        }
    }

    @Test func aReportIsNotLost() throws {
        let command = ["evaluate", "clip", "judge.safetensors", "--count", "2", "--captions", "2", "--gallery", "0", "-o"]
        // Nothing is computed for a place that cannot be written.
        let nowhere = try Program.run(command + ["/proc/none/x"], in: folder)
        #expect(nowhere.status == 1 && nowhere.output.isEmpty)
        #expect(nowhere.messages.hasPrefix("Error: /proc/none/x: cannot be written"))
        #expect(nowhere.messages.split(separator: "\n").count == 1, "\(nowhere.messages)")

        // Where it turns out later, the report is printed all the same.
        try FileManager.default.createDirectory(atPath: folder.path("full/clip.json"), withIntermediateDirectories: true)
        let full = try Program.run(command + ["full"], in: folder)
        #expect(full.status == 1 && full.messages.contains("full: cannot be written"), "\(full.messages)")
        #expect(full.output.contains("# judge.safetensors on 2 real scenes"))
    }

    // Not asynchronous, as below.
    @Test(arguments: [("inpainting", "painting"), ("upsampler", "enlarging")])
    func controlCReportsWhatIsDone(command: String, title: String) throws {
        try SmallModel.write(to: folder.path("upsampler.safetensors"), input: .lowResolution)
        let process = try Program.start(
            [
                "evaluate", command, command == "upsampler" ? "upsampler.safetensors" : "small.safetensors", "--judge",
                "judge.safetensors", "--count", "40", "--steps", "60", "--data", "scenes-steady", "--json", "-o", "out",
            ], in: folder)
        while process.process.isRunning,
            !((try? String(contentsOf: process.messages, encoding: .utf8)) ?? "").contains("\(title): ")
        {
            Thread.sleep(forTimeInterval: 0.02)
        }
        process.process.interrupt()
        let outcome = try process.finish()
        #expect(outcome.status == 130, "\(outcome.messages)")
        let object = try outcome.object()
        let found = object["found"] as? [String: Any]
        let count = try #require((found ?? object)["count"] as? Int)
        #expect(count >= 2 && count < 40)
        #expect(outcome.messages.contains("the report is of the \(count) of 40 pictures"), "\(outcome.messages)")
        #expect(try folder.bytes("out/\(command).json") == Data(outcome.output.utf8))
    }

    // Not asynchronous: where other tests hold all of the pool's threads, a task's sleep outlasts the program.
    @Test func controlCKeepsWhatIsDrawn() throws {
        let process = try Program.start(
            Self.common.map { $0 == "5" ? "200" : $0 } + [
                "--model", "small.safetensors", "--steps", "4", "--diversity", "0", "--unconditional", "0", "--batch-size",
                "2", "-o", "out",
            ], in: folder)
        let pictures = folder.path("out/held-out/guidance-2.0/pictures")
        while process.process.isRunning,
            ((try? FileManager.default.contentsOfDirectory(atPath: pictures)) ?? []).filter({ !$0.hasPrefix(".") }).count < 4
        {
            Thread.sleep(forTimeInterval: 0.02)
        }
        process.process.interrupt()
        let outcome = try process.finish()
        #expect(outcome.status == 130, "\(outcome.messages)")
        #expect(outcome.messages.contains("goes on"))
        let report = try report()
        #expect(report["isFinished"] as? Bool == false)
        let drawn = try #require(((report["sets"] as? [[String: Any]])?.first?["drawn"] as? [[String: Any]])?.first)
        let count = try #require((drawn["findings"] as? [String: Any])?["count"] as? Int)
        #expect(count >= 4 && count < 200)
        #expect(try folder.names(in: "out/held-out/guidance-2.0/pictures").count == count)
    }
}
