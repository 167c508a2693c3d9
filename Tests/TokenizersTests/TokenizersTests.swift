import Foundation
import Testing
import Tokenizers

@Suite struct GoldenTokens {
    let gpt2: GPT2Tokenizer
    let openAI: CLIPTokenizer
    let transformers: CLIPTokenizer

    init() throws {
        gpt2 = try GPT2Tokenizer()
        openAI = try CLIPTokenizer()
        transformers = try CLIPTokenizer(cleaning: .transformers)
    }

    struct Prompt: Decodable {
        var prompt: String
        var gpt2: [Int]
        /// Absent where ftfy guesses at an encoding; then the prompt is in `mojibake.json`.
        var clip: [Int]?
        var transformers: [Int]
    }

    @Test func agreesWithTheReferences() throws {
        let prompts = try fixture("prompts.json", as: [Prompt].self)
        #expect(prompts.count >= 250)
        #expect(prompts.compactMap(\.clip).count >= 250)
        for record in prompts {
            #expect(gpt2.encode(record.prompt) == record.gpt2, "GPT-2: \(record.prompt.debugDescription)")
            if let clip = record.clip {
                #expect(openAI.encode(record.prompt) == clip, "CLIP: \(record.prompt.debugDescription)")
            }
            #expect(
                transformers.encode(record.prompt) == record.transformers,
                "transformers: \(record.prompt.debugDescription)")
        }
    }

    struct Mojibake: Decodable {
        var prompt: String
        var clip: [Int]
        var unguessed: [Int]
    }

    @Test func doesNotGuessAtEncodings() throws {
        for record in try fixture("mojibake.json", as: [Mojibake].self) {
            #expect(openAI.encode(record.prompt) == record.unguessed, "\(record.prompt.debugDescription)")
        }
    }

    struct Decoding: Decodable {
        var gpt2: [Int]
        var gpt2Text: String
        var clip: [Int]
        var clipText: String
    }

    @Test func decodesAsTheReferences() throws {
        for record in try fixture("decode.json", as: [Decoding].self) {
            #expect(gpt2.decode(record.gpt2).unicodeScalars.elementsEqual(record.gpt2Text.unicodeScalars))
            #expect(openAI.decode(record.clip).unicodeScalars.elementsEqual(record.clipText.unicodeScalars))
        }
    }

    private func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/tokenizers/\(name)").standardizedFileURL
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }
}

@Suite struct Padding {
    @Test func gpt2PadsAndCuts() throws {
        let tokenizer = try GPT2Tokenizer()
        #expect(tokenizer.vocabularyCount == 50_257)
        #expect(tokenizer.endToken == 50_256)

        let empty = tokenizer.padded("")
        #expect(empty.ids == [Int](repeating: 50_256, count: 128))
        #expect(empty.mask == [Bool](repeating: false, count: 128))

        let short = tokenizer.padded("Hello world", length: 4)
        #expect(short.ids == [31_373, 995, 50_256, 50_256])
        #expect(short.mask == [true, true, false, false])
        #expect(short.cut == 0)

        let long = tokenizer.padded(String(repeating: "word ", count: 200), length: 128)
        #expect(long.ids.count == 128)
        #expect(!long.mask.contains(false))
        #expect(long.cut == 201 - 128)
        #expect(tokenizer.padded("a", length: -3).ids.isEmpty)
    }

    @Test func clipPadsAndCuts() throws {
        let tokenizer = try CLIPTokenizer()
        #expect(tokenizer.vocabularyCount == 49_408)

        let short = tokenizer.padded("Hello world", length: 6)
        #expect(short.ids == [49_406, 3_306, 1_002, 49_407, 0, 0])
        #expect(short.mask == [true, true, true, true, false, false])
        #expect(tokenizer.padded("", length: 4, padding: 49_407).ids == [49_406, 49_407, 49_407, 49_407])

        let long = tokenizer.padded(String(repeating: "word ", count: 100))
        #expect(long.ids.count == 77)
        #expect(long.ids.first == 49_406)
        #expect(long.ids.last == 49_407)
        #expect(long.cut == 25)
        let exact = tokenizer.padded(String(repeating: "word ", count: 75))
        #expect(exact.cut == 0)
        #expect(exact.ids.last == 49_407)
        #expect(tokenizer.padded("word", length: 1).ids == [49_407])
        #expect(tokenizer.padded("word", length: 0).ids.isEmpty)
    }
}

@Suite struct Origins {
    @Test func wordsOfTheHouseByTheLake() throws {
        let prompt = "A house, next to a  lake in Moonlight"
        for tokenizer in [try GPT2Tokenizer(), try CLIPTokenizer()] as [any Tokenizer] {
            let tokens = tokenizer.tokens(in: prompt)
            #expect(tokens.map(\.id) == tokenizer.encode(prompt))
            var words: [Substring] = []
            for token in tokens where prompt[token.word] != words.last { words.append(prompt[token.word]) }
            #expect(words.filter { $0 != " " } == ["A", "house", ",", "next", "to", "a", "lake", "in", "Moonlight"])
        }
    }

    @Test func partsOfAWordShareIt() throws {
        let prompt = "one Donaudampfschiff"
        let tokens = try CLIPTokenizer().tokens(in: prompt)
        #expect(tokens.count > 2)
        #expect(tokens.dropFirst().allSatisfy { prompt[$0.word] == "Donaudampfschiff" })
        #expect(tokens.dropFirst().map { prompt[$0.range] }.joined() == "Donaudampfschiff")
    }

    @Test func originsSurviveCleaning() throws {
        let prompt = "  caf&eacute; \u{201C}ﬁn\u{201D}\u{1B}[0m e\u{301}t\u{E9} <\u{1F3E0}>"
        let words = try CLIPTokenizer().tokens(in: prompt).map { String(prompt[$0.word]) }
        var distinct: [String] = []
        for word in words where distinct.last != word { distinct.append(word) }
        #expect(distinct.first == "caf&eacute;")
        #expect(distinct.contains("ﬁn"))
        #expect(distinct.contains("e\u{301}t\u{E9}"))
        #expect(distinct.last == "<\u{1F3E0}>")
    }

    @Test func aLeadingSpaceIsInTheRangeNotTheWord() throws {
        let prompt = "red cube"
        let cube = try #require(try GPT2Tokenizer().tokens(in: prompt).last)
        #expect(prompt[cube.range] == " cube")
        #expect(prompt[cube.word] == "cube")
    }
}
