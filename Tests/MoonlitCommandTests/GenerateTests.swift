import Foundation
import Images
import Tensors
import Models
import Testing

struct GenerateTests {
    let folder: Folder

    init() throws { folder = try .withSmallModel() }

    @Test func theSameSeedGivesTheSameBytes() throws {
        let first = try folder.generate("1", "--seed", "7", "-o", "a.png")
        #expect(first.status == 0)
        #expect(first.output == "a.png  seed 7\n")
        #expect(first.messages.contains("seed 7"))
        #expect(try folder.generate("1", "--seed", "7").output == "moonlit-7.png  seed 7\n")
        #expect(try folder.bytes("a.png") == folder.bytes("moonlit-7.png"))
        _ = try folder.generate("2", "--seed", "7", "-o", "prompt.png")
        _ = try folder.generate("1", "--seed", "8", "-o", "seed.png")
        let picture = try Picture(path: folder.path("a.png"))
        #expect(picture.width == 16 && picture.height == 16)
        #expect(try picture != Picture(path: folder.path("prompt.png")))
        #expect(try picture != Picture(path: folder.path("seed.png")))
    }

    @Test func severalEqualThoseMadeAlone() throws {
        let together = try folder.generate("1", "--seed", "20", "--count", "3", "--batch-size", "2", "-o", "all", "-q")
        #expect(together.status == 0)
        #expect(try folder.names(in: "all") == ["moonlit-20.png", "moonlit-21.png", "moonlit-22.png"])
        for seed in 20...22 {
            _ = try folder.generate("1", "--seed", "\(seed)")
            let alone = try Picture(path: folder.path("moonlit-\(seed).png"))
            let one = try Picture(path: folder.path("all/moonlit-\(seed).png"))
            #expect(try PictureDifference(alone, one).maximum <= 1)
        }
    }

    @Test func aDrawnSeedIsPrintedAndReproduces() throws {
        let outcome = try folder.generate("1", "--json", "-o", "x.png")
        let result = try outcome.object()
        let seed = try #require(result["seed"] as? NSNumber)
        #expect(outcome.messages.contains("seed \(seed)"))
        #expect((result["settings"] as? [String: Any])?["prompt"] as? String == "1")
        _ = try folder.generate("1", "--seed", "\(seed)", "-o", "y.png")
        #expect(try folder.bytes("x.png") == folder.bytes("y.png"))
    }

    @Test func aPictureIsReproducedFromItsFile() throws {
        _ = try folder.generate("1", "--seed", "5", "--steps", "6", "--sampler", "euler-a", "--guidance-scale", "3.5")
        let again = try Program.run(
            "reproduce", "moonlit-5.png", "--model", "small.safetensors", "-o", "again.png", in: folder)
        #expect(again.status == 0)
        #expect(again.output == "moonlit-5.png: identical\nagain.png\n")
        #expect(try folder.bytes("moonlit-5.png") == folder.bytes("again.png"))

        // Other pixels under the same settings.
        let texts = try PNGText.read(path: folder.path("moonlit-5.png"))
        var picture = try Picture(path: folder.path("moonlit-5.png"))
        picture.pixels[0] ^= 16
        try picture.write(to: folder.path("changed.png"), texts: texts)
        let changed = try Program.run(
            "reproduce", "changed.png", "--model", "small.safetensors", "--json", in: folder)
        let result = try changed.object()
        #expect(result["identical"] as? Bool == false)
        #expect(result["maximumDifference"] as? Int == 16)
        #expect(result["differingPixels"] as? Int == 1)
        #expect(changed.messages.contains("--dtype, --device and the processor"))

        // A picture of other settings, as a sheet may carry them.
        try picture.resized(width: 40, height: 24).write(to: folder.path("sheet.png"), texts: texts)
        let sheet = try Program.run("reproduce", "sheet.png", "--model", "small.safetensors", "-q", in: folder)
        #expect(sheet.status == 1 && sheet.output.isEmpty)
        #expect(sheet.messages.contains("sheet.png: is 40×24, but its settings are of a picture of 16×16"))
    }

    /// Where guidance acts nowhere, the picture is that of the text alone; everywhere, that of guidance.
    @Test func guidanceActsWhereItIsTold() throws {
        func pixels(_ options: String...) throws -> [UInt8] {
            let outcome = try Program.run(
                ["generate", "1", "--model", "small.safetensors", "--seed", "5", "-o", "one.png", "-q"] + options, in: folder)
            #expect(outcome.status == 0, "\(outcome.messages)")
            let again = try Program.run("reproduce", "one.png", "--model", "small.safetensors", in: folder)
            #expect(again.status == 0 && again.output.contains("identical"), "\(options)")
            return try Picture(path: folder.path("one.png")).pixels
        }
        let (alone, guided) = (try pixels("--guidance-scale", "1"), try pixels("--guidance-scale", "6"))
        #expect(try pixels("--guidance-scale", "6", "--guidance-interval", "1e9,1e9") == alone)
        for everywhere in ["all", "0,1e9"] {
            #expect(try pixels("--guidance-scale", "6", "--guidance-interval", everywhere) == guided)
        }
        let partly = try pixels("--guidance-scale", "6", "--guidance-interval", "0.1,2")
        let rescaled = try pixels("--guidance-scale", "6", "--guidance-rescale", "0.7")
        #expect(Set([alone, guided, partly, rescaled]).count == 4)
        for interval in ["2,1", "1", "-1,2", "a,b", "1,2,3", "0,inf"] {
            let outcome = try folder.generate("1", "--guidance-interval=\(interval)")
            #expect(outcome.status == 64 && outcome.messages.contains("guidance-interval"), "\(outcome.messages)")
        }
    }

    @Test func aPictureOfUnknownOriginIsNotReproduced() throws {
        try Picture(width: 4, height: 4, filled: .white).write(to: folder.path("plain.png"))
        let outcome = try Program.run("reproduce", "plain.png", in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.messages.contains("plain.png: it has no text “moonlit”"))
    }

    @Test func latentsGoInAndOut() throws {
        // PyTorch's first noise of seed 7 is what the sampler begins with.
        let noise = try Tensor.randn([1, 3, 16, 16], generator: RandomGenerator(seed: 7))
        try Safetensors.write([(name: "latents", value: noise)], to: folder.path("noise.safetensors"))
        let given = try folder.generate(
            "1", "--seed", "1", "--initial-noise", "noise.safetensors", "--save-latents", "a.safetensors", "-o", "a.png")
        #expect(given.status == 0)
        _ = try folder.generate("1", "--seed", "7", "--save-latents", "b.safetensors", "-o", "b.png")
        #expect(try folder.bytes("a.safetensors") == folder.bytes("b.safetensors"))
        let latents = try TensorArchive.open(folder.path("a.safetensors")).tensor("latents")
        #expect(latents.shape == [1, 3, 16, 16])
        let picture = try Picture(path: folder.path("a.png"))
        #expect(try Picture(planes: latents.floats(), width: 16, height: 16) == picture)

        let blind = try Program.run("reproduce", "a.png", "--model", "small.safetensors", in: folder)
        #expect(blind.status == 64)
        let seeing = try Program.run(
            "reproduce", "a.png", "--model", "small.safetensors", "--initial-noise", "noise.safetensors", in: folder)
        #expect(seeing.output == "a.png: identical\n")
        #expect(try folder.generate("1", "--count", "2", "--initial-noise", "noise.safetensors").status == 64)
    }

    @Test func eachPictureOfGivenNoiseIsReproduced() throws {
        let noise = try Tensor.randn([2, 3, 16, 16], generator: RandomGenerator(seed: 7))
        try Safetensors.write([(name: "latents", value: noise)], to: folder.path("noise.safetensors"))
        let drawn = try folder.generate(
            "1", "--seed", "4", "--count", "2", "--batch-size", "1", "--initial-noise", "noise.safetensors", "-o", "out")
        #expect(drawn.status == 0, "\(drawn.messages)")
        for name in ["out/moonlit-4.png", "out/moonlit-5.png"] {
            let again = try Program.run(
                "reproduce", name, "--model", "small.safetensors", "--initial-noise", "noise.safetensors", "-o", "again.png",
                in: folder)
            #expect(again.output == "\(name): identical\nagain.png\n", "\(again.messages)")
            // Also in what it says of its noise.
            #expect(try folder.bytes("again.png") == folder.bytes(name))
        }
    }

    @Test func aFilmStripShowsTheWay() throws {
        let outcome = try folder.generate(
            "1", "--seed", "3", "--count", "2", "--steps", "30", "--film-strip", "film.png", "-o", "out")
        #expect(outcome.status == 0)
        // Noise and twelve stages across, two pictures down, each enlarged by the same whole factor.
        let film = try Picture(path: folder.path("film.png"))
        #expect(film.width > 5 * film.height && film.width < 8 * film.height)
    }

    /// Of 5 stages and of 13, each enlarged eight times; of larger pictures, and of all prompts.
    @Test(arguments: [
        ["1", "--count", "12500"], ["1", "--count", "4800", "--steps", "30"],
        ["1", "--count", "300", "--width", "1024", "--height", "1024"], ["--prompts", "prompts.txt", "--count", "1250"],
    ]) func aFilmStripThatIsTooLargeIsRefusedFirst(arguments: [String]) throws {
        try Data(String(repeating: "1\n", count: 10).utf8).write(to: folder.url.appending(path: "prompts.txt"))
        let outcome = try folder.generate(arguments + ["--film-strip", "film.png"])
        #expect(outcome.status == 64 && outcome.messages.contains("film-strip is of"), "\(outcome.messages)")
        // Which is said when the model is loaded.
        #expect(!outcome.messages.contains("seed"))
        #expect(try folder.names() == ["prompts.txt", "small.safetensors"])
    }

    /// Of pictures and stages of 128 pixels a side, 4 between them.
    @Test(arguments: [
        ("125", "film.webp", "125 pictures of 16×16 in 5 stages, 656×16496 pixels in all; expected at most 16,383 a side"),
        ("497", "film.jpg", "497 pictures of 16×16 in 5 stages, 656×65600 pixels in all; expected at most 65,500 a side"),
    ]) func aFilmStripThatItsFormatCannotHoldIsRefusedFirst(count: String, file: String, told: String) throws {
        let outcome = try folder.generate("1", "--count", count, "--film-strip", file)
        #expect(outcome.status == 64 && outcome.messages.contains("film-strip is of " + told), "\(outcome.messages)")
        #expect(outcome.messages.contains("a name that ends in .png") && !outcome.messages.contains("seed"))
        #expect(try folder.names() == ["small.safetensors"])
    }

    enum Prompt: String, CaseIterable {
        case empty, foreign, long

        var text: String {
            switch self {
            case .empty: ""
            case .foreign: "🌙 月光下的湖"
            case .long: String(repeating: "1! ", count: 10_000)
            }
        }
    }

    @Test(arguments: Prompt.allCases) func anyPromptIsDrawn(prompt: Prompt) throws {
        let outcome = try folder.generate(prompt.text, "--steps", "1", "--seed", "1")
        #expect(outcome.status == 0)
        #expect(outcome.messages.contains("too long") == (prompt == .long))
        #expect(try folder.names().contains("moonlit-1.png"))
    }

    /// What was drawn, not what was planned.
    @Test func settingsAreTold() throws {
        try SmallModel.write(to: folder.path("large.safetensors"), input: .lowResolution)
        let outcome = try folder.generate(
            "1", "--seed", "5", "--prediction", "sample", "--steps", "1", "--upscale", "large.safetensors", "--json", "-o",
            "x.png")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let result = try outcome.object()
        let settings = try #require(result["settings"] as? [String: Any])
        #expect(settings["prediction"] as? String == "sample")
        #expect((settings["upscale"] as? [String: Any])?["width"] as? Int == 64)
        #expect((result["pictures"] as? [[String: Any]])?.first?["width"] as? Int == 64)
        #expect(try Picture(path: folder.path("x.png")).width == 64)
    }

    @Test func whatCannotBeEnlargedIsRefusedFirst() throws {
        try SmallModel.write(to: folder.path("large.safetensors"), input: .lowResolution)
        for (arguments, said) in [
            (["--upscale", "small.safetensors"], "a model that enlarges pictures"),
            (["--upscale", "large.safetensors", "--width", "4096"], "2048"),
        ] {
            let outcome = try folder.generate(["1", "--steps", "1"] + arguments)
            #expect(outcome.status == 64 && outcome.messages.contains("upscale is "), "\(outcome.messages)")
            #expect(outcome.messages.contains(said) && !outcome.messages.contains("seed"))
            #expect(try folder.names() == ["large.safetensors", "small.safetensors"])
        }
    }

    @Test(arguments: ["-9223372036854775808,0", "0,-9223372036854775808", "1048576,0"])
    func anOffsetOutOfRangeIsRefused(offset: String) throws {
        let outcome = try folder.generate("1", "--init-image", "a.png", "--canvas", "96x96", "--offset=\(offset)")
        #expect(outcome.status == 64 && outcome.messages.contains(offset), "\(outcome.messages)")
    }

    @Test(arguments: [("--width", "0"), ("--height", "100000"), ("--steps", "1001")])
    func whatTheModelCannotDrawIsRefused(option: String, value: String) throws {
        let outcome = try folder.generate("1", option, value)
        #expect(outcome.status == 64)
        #expect(outcome.messages.contains("\(option.dropFirst(2)) is \(value); expected"))
        #expect(try folder.names() == ["small.safetensors"])
    }

    @Test func aScheduleThatTheModelHasNotIsRefusedFirst() throws {
        let outcome = try folder.generate("1", "--schedule", "best")
        #expect(outcome.status == 64)
        #expect(outcome.messages.contains("schedule is best in 4 steps of ddim; expected"), "\(outcome.messages)")
        // Which is said when the model is loaded.
        #expect(!outcome.messages.contains("seed"))
    }

    @Test func placesThatCannotBeWrittenAreRefusedFirst() throws {
        for path in ["none/x.png", "/proc/x.png"] {
            let outcome = try folder.generate("1", "-o", path)
            #expect(outcome.status == 1)
            #expect(outcome.messages.hasPrefix("Error: \(path): cannot be written"))
            #expect(!outcome.messages.contains("seed"))
        }
    }

    @Test func aFileIsNoFolderForPictures() throws {
        try Data().write(to: folder.url.appending(path: "taken"))
        let outcome = try folder.generate("1", "--count", "2", "-o", "taken")
        #expect(outcome.status == 1)
        #expect(outcome.messages == "Error: taken: cannot be written: is a file; give a folder's name\n")
    }

    #if os(Linux)
        @Test func aFullDiskIsReported() throws {
            try FileManager.default.createSymbolicLink(atPath: folder.path("full.png"), withDestinationPath: "/dev/full")
            let outcome = try folder.generate("1", "--steps", "1", "-o", "full.png")
            #expect(outcome.status == 1)
            #expect(outcome.messages.contains("full.png: cannot be written: No space left on device"))
        }
    #endif

    // Not asynchronous: where other tests hold all of the pool's threads, a task's sleep outlasts the program.
    @Test func interruptingKeepsWhatIsFinished() throws {
        let running = try Program.start(
            [
                "generate", "1", "--model", "small.safetensors", "--count", "100000", "--batch-size", "1", "--seed", "1",
                "-o", "many",
            ], in: folder)
        while running.process.isRunning && ((try? folder.names(in: "many")) ?? []).count < 3 {
            Thread.sleep(forTimeInterval: 0.02)
        }
        kill(running.process.processIdentifier, SIGINT)
        let outcome = try running.finish()
        #expect(outcome.status == 130)
        let kept = try folder.names(in: "many")
        #expect(kept.count >= 3 && kept.count < 100_000)
        #expect(outcome.messages.contains("interrupted: \(kept.count) of 100000 pictures were finished and are kept"))
        #expect(outcome.output.split(separator: "\n").count == kept.count)
        for name in kept { #expect(try Picture(path: folder.path("many/\(name)")).width == 16) }
    }

    /// Enlarging 128×64 pixels takes many times as long as drawing them: the picture is there then, and not yet large.
    @Test func interruptingTheSecondStageKeepsTheFirst() throws {
        try SmallModel.write(to: folder.path("large.safetensors"), input: .lowResolution)
        let running = try Program.start(
            [
                "generate", "1", "--model", "small.safetensors", "--seed", "1", "--steps", "2", "--width", "128", "--height",
                "64", "--upscale", "large.safetensors", "--film-strip", "film.png", "--save-latents", "latents.safetensors",
                "--json", "-o", "x.png",
            ], in: folder)
        try running.interrupt(afterSaying: "drawing: 2/2 steps")
        let outcome = try running.finish()
        #expect(outcome.status == 130)
        #expect(outcome.messages.contains("interrupted: 1 of 1 pictures were finished and are kept; not enlarged: 1"))
        let result = try outcome.object()
        let picture = try #require((result["pictures"] as? [[String: Any]])?.first)
        #expect(picture["path"] as? String == "x.png" && picture["width"] as? Int == 128)
        #expect(result["filmStrip"] as? String == "film.png" && result["latents"] as? String == "latents.safetensors")
        #expect(try Picture(path: folder.path("x.png")).width == 128)
        #expect(Set(try folder.names()).isSuperset(of: ["film.png", "latents.safetensors"]))
        // What its file says of it draws it again.
        let again = try Program.run("reproduce", "x.png", "--model", "small.safetensors", in: folder)
        #expect(again.output == "x.png: identical\n")
    }
}
