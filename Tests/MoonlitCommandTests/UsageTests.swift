import Foundation
import Testing

struct UsageTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    @Test func withoutArgumentsItShowsHelp() throws {
        let outcome = try Program.run(in: folder)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("USAGE: moonlit <subcommand>"))
        #expect(outcome.messages.isEmpty)
    }

    @Test func itTellsItsVersion() throws {
        let outcome = try Program.run("--version", in: folder)
        #expect(outcome.status == 0)
        #expect(outcome.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }

    @Test(arguments: ["generate", "reproduce", "noise", "train", "evaluate", "data", "inspect", "verify", "bench", "index", "search", "explain", "upscale"])
    func everyCommandExplainsItselfWithAnExample(command: String) throws {
        let outcome = try Program.run(command, "--help", in: folder)
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("OVERVIEW: "))
        #expect(outcome.output.contains("moonlit \(command) "))
        #expect(outcome.output.contains("Example"))
    }

    @Test(arguments: [
        ["frobnicate"], ["generate"], ["explain"], ["explain", "x", "--words", ","], ["explain", "x", "--against", "y", "--by", "removal"], ["generate", "x", "--sampler", "none"], ["generate", "x", "--count", "0"],
        ["generate", "x", "--seed", "-1"], ["generate", "x", "-o", "lake.gif"],
        ["generate", "x", "--count", "2", "-o", "lake.png"], ["generate", "x", "--device", "abacus"],
        ["generate", "x", "--prompts", "y"], ["generate", "--prompts", "y", "-o", "lake.png"],
        ["generate", "x", "--sheet", "lake.gif"], ["generate", "x", "-o", "lake.png", "--sheet", "./lake.png"],
        ["generate", "x", "--sheet", "a.png", "--film-strip", "a.png"], ["generate", "x", "--film-strip", "moonlit-7.png"],
        ["generate", "--prompts", "y", "-o", "all/", "--sheet", "all/03-moonlit-7.png"],
        ["generate", "x", "--count", "2", "--save-latents", "moonlit-8.png"],
        ["evaluate", "--judge", "x", "--real", "--model", "y"], ["evaluate", "--judge", "x", "--guidance-scales", "1,,2"],
        ["evaluate", "--judge", "x", "--guidance-scale", "2", "--guidance-scales", "1,2"],
        ["evaluate", "--judge", "x", "--clip", "y"], ["evaluate", "clip", "x", "--count", "9", "--gallery", "8"],
        ["evaluate", "--judge", "x", "--prompts", "train", "--prompts", "train"], ["evaluate"],
        ["noise", "x.png", "-o", "y.png", "--steps", "1"], ["bench", "train", "--config", "x", "--repeat", "0"],
    ])
    func wrongUsageIsRefused(arguments: [String]) throws {
        let outcome = try Program.run(arguments, in: folder)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.messages.hasPrefix("Error: "))
        #expect(try folder.names().isEmpty)
    }

    @Test(arguments: [
        (["generate", "x", "--model", "nowhere"], "nowhere"), (["generate", "x", "--model", "/"], "folder"),
        (["generate", "--prompts", "none.txt"], "none.txt"),
        (["inspect", "/dev/null"], "/dev/null"), (["reproduce", "missing.png"], "missing.png"),
        (["noise", "missing.png", "-o", "x.png"], "missing.png"), (["data", "nothing"], "emoji"),
        (["verify", "nowhere", "--golden", "none"], "nowhere"), (["train", "--config", "none", "-o", "run"], "none"),
        (["bench", "train", "--config", "none.yaml"], "none.yaml"),
    ])
    func whatIsMissingIsNamedInOneSentence(arguments: [String], named: String) throws {
        let outcome = try Program.run(arguments, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.messages.hasPrefix("Error: "))
        #expect(outcome.messages.contains(named))
        #expect(outcome.messages.split(separator: "\n").count == 1)
    }
}
