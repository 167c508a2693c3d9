import Foundation
import Images
import Models
import Testing

/// `--prompts` and `--sheet`.
struct PromptsTests {
    let folder: Folder

    init() throws { folder = try .withSmallModel() }

    private func write(_ prompts: [String]) throws {
        try Data((prompts.joined(separator: "\n") + "\n").utf8).write(to: folder.url.appending(path: "prompts.txt"))
    }

    /// The sheet of the pictures in these files, in their order.
    private func sheet(of names: [String], captions: [String]) throws -> Picture {
        let pictures = try names.map { try Picture(path: folder.path($0)) }
        return try ContactSheet(captionLines: 5).picture(of: pictures, captions: captions)
    }

    @Test func eachPromptIsDrawnAsAlone() throws {
        try write(["1", "", "#2", "3"])
        let outcome = try folder.generate("--prompts", "prompts.txt", "--seed", "7", "--count", "2", "-o", "all", "-q")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let names = (1...3).flatMap { ["\($0)-moonlit-7.png", "\($0)-moonlit-8.png"] }
        #expect(try folder.names(in: "all") == names)
        let told = outcome.output.split(separator: "\n").map { line in String(line.prefix { $0 != " " }) }
        #expect(told == names.map { "all/\($0)" })
        for (place, prompt) in ["1", "#2", "3"].enumerated() {
            let alone = try folder.generate(prompt, "--seed", "7", "--count", "2", "-o", "alone-\(place)", "-q")
            #expect(alone.status == 0)
            for seed in 7...8 {
                let together = try folder.bytes("all/\(place + 1)-moonlit-\(seed).png")
                #expect(try together == folder.bytes("alone-\(place)/moonlit-\(seed).png"))
            }
        }
        let (first, last) = (folder.path("all/1-moonlit-7.png"), folder.path("all/3-moonlit-7.png"))
        #expect(try Picture(path: first) != Picture(path: last))
    }

    @Test func aSheetShowsAllPicturesAndPrompts() throws {
        let prompts = (1...10).map { String($0 * 123) }
        try write(prompts)
        let outcome = try folder.generate(
            "--prompts", "prompts.txt", "--seed", "1", "--steps", "2", "--sheet", "sheet.png", "--film-strip", "film.png",
            "--save-latents", "latents.safetensors", "--json")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let names = (1...10).map { ($0 < 10 ? "0" : "") + "\($0)-moonlit-1.png" }
        #expect(
            try folder.names()
                == names + ["film.png", "latents.safetensors", "prompts.txt", "sheet.png", "small.safetensors"])
        let result = try outcome.object()
        #expect(result["sheet"] as? String == "sheet.png")
        let told = try #require(result["pictures"] as? [[String: Any]])
        #expect(told.compactMap { $0["path"] as? String } == names)
        #expect(told.compactMap { $0["prompt"] as? String } == prompts)
        // Four, four and two of 192 pixels a side; 4 + 14 for the letters under each, 12 between them all.
        let shown = try Picture(path: folder.path("sheet.png"))
        #expect((shown.width, shown.height) == (828, 678))
        let expected = try sheet(of: names, captions: prompts)
        #expect(shown == expected)
    }

    @Test func onePromptHasASheetToo() throws {
        // Four lines of up to 27 letters.
        let prompt = "a picture of a huge tree at the seashore under a blue sky in the style of starry night"
        let outcome = try folder.generate(
            prompt, "--seed", "1", "--count", "2", "--steps", "1", "-o", "out", "--sheet", "sheet.png")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let shown = try Picture(path: folder.path("sheet.png"))
        #expect((shown.width, shown.height) == (420, 276))
        let expected = try sheet(of: ["out/moonlit-1.png", "out/moonlit-2.png"], captions: [prompt, prompt])
        #expect(shown == expected)
    }

    @Test func theSecondStageEnlargesEachPrompt() throws {
        try SmallModel.write(to: folder.path("large.safetensors"), input: .lowResolution)
        try write(["1", "2"])
        let outcome = try folder.generate(
            "--prompts", "prompts.txt", "--seed", "1", "--steps", "1", "--upscale", "large.safetensors", "-o", "out",
            "--sheet", "sheet.png")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let expected = try sheet(of: ["out/1-moonlit-1.png", "out/2-moonlit-1.png"], captions: ["1", "2"])
        #expect(try Picture(path: folder.path("out/2-moonlit-1.png")).width == 64)
        #expect(try Picture(path: folder.path("sheet.png")) == expected)
    }

    @Test func aFileWithoutPromptsIsRefusedFirst() throws {
        try write(["", "  "])
        let outcome = try folder.generate("--prompts", "prompts.txt", "-o", "out")
        #expect(outcome.status == 1 && outcome.output.isEmpty)
        #expect(outcome.messages.hasPrefix("Error: prompts.txt holds no prompt"))
        #expect(try folder.names() == ["prompts.txt", "small.safetensors"])
    }

    @Test func onePromptIsAskedForInOneWay() throws {
        try write(["1"])
        let both = try folder.generate("1", "--prompts", "prompts.txt")
        #expect(both.status == 64 && both.messages.contains("either a prompt or --prompts"))
        let neither = try folder.generate("--seed", "1")
        #expect(neither.status == 64 && neither.messages.contains("expected a prompt"))
        let file = try folder.generate("--prompts", "prompts.txt", "-o", "lake.png")
        #expect(file.status == 64 && file.messages.contains("lake.png is a file's name"))
        #expect(try folder.names() == ["prompts.txt", "small.safetensors"])
    }

    @Test(arguments: [["--count", "10001"], ["--count", "9999", "--width", "1024", "--height", "1024"]])
    func aSheetThatIsTooLargeIsRefusedFirst(arguments: [String]) throws {
        let outcome = try folder.generate(["1", "--sheet", "sheet.png"] + arguments)
        #expect(outcome.status == 64 && outcome.messages.contains("sheet is of"), "\(outcome.messages)")
        #expect(try folder.names() == ["small.safetensors"])
    }

    /// 81 across and 80 down, each with a line under it.
    @Test func aSheetThatItsFormatCannotHoldIsRefusedFirst() throws {
        let outcome = try folder.generate("1", "--count", "6401", "--sheet", "sheet.webp")
        let told = "sheet is of 6401 pictures of 16×16, 16536×17772 pixels in all; expected at most 16,383 a side, as WebP holds"
        #expect(outcome.status == 64 && outcome.messages.contains(told), "\(outcome.messages)")
        #expect(!outcome.messages.contains("seed"))
        #expect(try folder.names() == ["small.safetensors"])
    }

    // Not asynchronous: where other tests hold all of the pool's threads, a task's sleep outlasts the program.
    @Test func interruptingKeepsWhatIsFinished() throws {
        try write(Array(repeating: "1", count: 9000))
        let running = try Program.start(
            [
                "generate", "--prompts", "prompts.txt", "--model", "small.safetensors", "--seed", "1", "-o", "many",
                "--sheet", "sheet.png",
            ], in: folder)
        while running.process.isRunning && ((try? folder.names(in: "many")) ?? []).count < 3 {
            Thread.sleep(forTimeInterval: 0.02)
        }
        kill(running.process.processIdentifier, SIGINT)
        let outcome = try running.finish()
        #expect(outcome.status == 130)
        let kept = try folder.names(in: "many")
        #expect(kept.count >= 3 && kept.count < 9000 && kept.first == "0001-moonlit-1.png")
        #expect(outcome.messages.contains("interrupted: \(kept.count) of 9000 pictures were finished and are kept"))
        let expected = try sheet(of: kept.map { "many/\($0)" }, captions: kept.map { _ in "1" })
        #expect(try Picture(path: folder.path("sheet.png")) == expected)
    }
}
