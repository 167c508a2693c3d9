import Checkpoints
import Models
import Testing
import Tokenizers

struct PromptTests {
    let tokenizer: GPT2Tokenizer
    let words: [Int]

    init() throws {
        tokenizer = try GPT2Tokenizer()
        words = tokenizer.encode("a red house")
    }

    @Test func allTokensAreKnown() throws {
        let encoder = try TextConfiguration(context: 5).encoder()
        let padded = encoder.padded("A red house")
        #expect(words.count == 3)
        #expect(padded.ids == words + [50_256, 50_256] && padded.mask == [true, true, true, false, false] && padded.cut == 0)
        #expect(encoder.tokens(in: "a red house").map(\.id) == words)
        #expect(encoder.padded("").mask == Array(repeating: false, count: 5))
        let long = encoder.padded(String(repeating: "house ", count: 10_000))
        #expect(long.ids.count == 5 && long.cut >= 9_995)
        #expect(encoder.tokens(in: String(repeating: "house ", count: 50)).count == 5)
    }

    @Test func tokensThatAreNotKeptAreLeftOut() throws {
        let kept = words.sorted()
        let configuration = TextConfiguration(context: 4, kept: kept)
        #expect(try configuration.vocabularyCount == 4)
        let encoder = try configuration.encoder()
        let rows = words.compactMap { kept.firstIndex(of: $0) }
        let plain = encoder.padded("a red house")
        #expect(plain.ids == rows + [3] && plain.mask == [true, true, true, false] && plain.cut == 0)
        #expect(encoder.padded("a very red 🌙 house") == plain)
        #expect(encoder.padded("月 elephant") == PaddedTokens(ids: [3, 3, 3, 3], mask: Array(repeating: false, count: 4), cut: 0))
        let long = encoder.padded("a red house red red")
        #expect(long.ids.count == 4 && long.cut == 1 && long.mask == Array(repeating: true, count: 4))
        let prompt = "a very red house"
        #expect(encoder.tokens(in: prompt).map { String(prompt[$0.word]) } == ["a", "red", "house"])
        #expect(encoder.tokens(in: prompt).map(\.id) == rows)
    }

    @Test func badListsAreRefused() {
        for configuration in [
            TextConfiguration(context: 0), TextConfiguration(context: 5000), TextConfiguration(context: 4, kept: [3, 3]),
            TextConfiguration(context: 4, kept: [3, 2]), TextConfiguration(context: 4, kept: [-1, 2]),
        ] {
            #expect(throws: ConfigurationError.self) { try configuration.encoder() }
        }
    }
}
