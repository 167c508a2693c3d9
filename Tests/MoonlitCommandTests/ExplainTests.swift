import Foundation
import Images
import Testing

struct ExplainTests {
    let folder: Folder

    init() throws { folder = try .withSmallModel() }

    private func explain(_ arguments: String...) throws -> Program.Outcome {
        try folder.runOnSmallModel("explain", arguments + ["--seed", "7"])
    }

    @Test func wordsAreShownAndTold() throws {
        let told = try explain("1+2")
        #expect(told.status == 0, "\(told.messages)")
        let lines = told.output.split(separator: "\n")
        #expect(lines.count == 4 && lines[0].contains("%  1 (") && lines[2].contains("%  2 (") && lines[3] == "explain-7.png")
        #expect(told.messages.contains("drawing: 4/4 steps"))
        let sheet = try Picture(path: folder.path("explain-7.png"))

        let all = try words(explain("1+2", "--json"))
        #expect(all.map(\.text) == ["1", "+", "2"] && abs(all.reduce(0) { $0 + $1.share } - 1) < 1e-6)
        let quiet = try explain("1+2", "--words", "2", "--json", "-q", "-o", "one.png")
        #expect(quiet.messages.isEmpty)
        let named = try words(quiet)
        #expect(named.map(\.text) == ["2"] && named.map(\.share) == [all[2].share])
        let one = try Picture(path: folder.path("one.png"))
        #expect(one.width * one.height < sheet.width * sheet.height)
        // The sheet carries the picture's settings.
        #expect(try PNGText.read(path: folder.path("one.png")).contains { $0.key == "moonlit" })
    }

    private struct Told: Decodable {
        struct Word: Decodable {
            let text: String
            let share: Double
        }
        let words: [Word]
    }

    private func words(_ outcome: Program.Outcome) throws -> [Told.Word] {
        try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8)).words
    }

    /// Four steps a picture: the whole, and one without each word asked about.
    @Test func onlyTheWordsAskedAboutAreRemoved() throws {
        let outcome = try explain("1+2", "--by", "removal", "--words", "1,2", "--json")
        #expect(outcome.status == 0 && outcome.messages.contains("drawing: 12/12 steps"), "\(outcome.messages)")
        let removed = try words(outcome)
        #expect(removed.map(\.text) == ["1", "2"] && abs(removed.reduce(0) { $0 + $1.share } - 1) < 1e-6)
    }

    @Test func aPlaceThatCannotBeWrittenIsRefusedFirst() throws {
        let outcome = try explain("1+2", "-o", "none/why.png")
        #expect(outcome.status == 1 && outcome.messages.hasPrefix("Error: none/why.png: cannot be written"))
        #expect(!outcome.messages.contains("seed"))
    }

    /// Prompts are read plainly, whatever is compared.
    @Test func thereIsNoOtherSyntax() throws {
        let outcome = try explain("1+2", "--prompt-syntax", "weighted")
        #expect(outcome.status == 64 && outcome.messages.contains("--prompt-syntax"))
    }

    @Test func wordingsAreCompared() throws {
        let outcome = try explain("1+2", "--against", "2+1", "--json", "-o", "order.png")
        #expect(outcome.status == 0 && outcome.messages.contains("drawing: 12/12 steps"), "\(outcome.messages)")
        let object = try outcome.object()
        #expect(try #require(object["change"] as? Double) > 0)
        #expect(try Picture(path: folder.path("order.png")).width > 100)
        #expect(try explain("1+2", "--against", "1+2", "-o", "same.png").output.hasPrefix("0.0 % of full scale"))
    }

    @Test func anotherPromptsWordIsNamed() throws {
        let outcome = try explain("1+2", "--words", "1,lake")
        #expect(outcome.status == 64)
        #expect(outcome.messages.contains("lake") && outcome.messages.contains("1, +, 2"))
        #expect(!outcome.messages.contains("drawing"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("explain-7.png")))
    }
}
