import Foundation
import Images
import Testing

struct ExplainTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
        try SmallModel.write(to: folder.path("small.safetensors"))
    }

    private func explain(_ arguments: String...) throws -> Program.Outcome {
        try Program.start(["explain"] + arguments + ["--model", "small.safetensors", "--seed", "7"], in: folder).finish()
    }

    @Test func wordsAreShownAndTold() throws {
        let told = try explain("1+2", "-q")
        #expect(told.status == 0, "\(told.messages)")
        let lines = told.output.split(separator: "\n")
        #expect(lines.count == 4 && lines[0].contains("%  1 (") && lines[2].contains("%  2 (") && lines[3] == "explain-7.png")
        let sheet = try Picture(path: folder.path("explain-7.png"))

        let json = try explain("1+2", "--words", "2", "--json", "-o", "one.png")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let words = try #require(object["words"] as? [[String: Any]])
        #expect(words.compactMap { $0["text"] as? String } == ["1", "+", "2"])
        #expect(abs(words.reduce(0) { $0 + ($1["share"] as? Double ?? 0) } - 1) < 1e-6)
        let one = try Picture(path: folder.path("one.png"))
        #expect(one.width * one.height < sheet.width * sheet.height)
        // The sheet carries the picture's settings.
        #expect(try PNGText.read(path: folder.path("one.png")).contains { $0.key == "moonlit" })
    }

    @Test func wordingsAreCompared() throws {
        let outcome = try explain("1+2", "--against", "2+1", "--json", "-o", "order.png")
        #expect(outcome.status == 0, "\(outcome.messages)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        #expect(try #require(object["change"] as? Double) > 0)
        #expect(try Picture(path: folder.path("order.png")).width > 100)
        #expect(try explain("1+2", "--against", "1+2", "-o", "same.png").output.hasPrefix("0.0 % of full scale"))
    }

    @Test func anotherPromptsWordIsNamed() throws {
        let outcome = try explain("1+2", "--words", "1,lake")
        #expect(outcome.status == 64)
        #expect(outcome.messages.contains("lake") && outcome.messages.contains("1, +, 2"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("explain-7.png")))
    }
}
