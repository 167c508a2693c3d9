import Foundation
import Testing
import Tokenizers

/// The web UIs' weighting syntax, case by case from its documentation.
@Suite struct Emphasis {
    typealias Part = EmphasisedPrompt.Part

    static func text(_ text: String, _ weight: Double = 1) -> Part { .text(text, weight: weight) }

    static let cases: [(String, [Part])] = [
        // Nothing to weigh.
        ("", [text("")]),
        ("normal text", [text("normal text")]),
        ("a, b; c", [text("a, b; c")]),
        // Parentheses: 1.1 each.
        ("an (important) word", [text("an "), text("important", 1.1), text(" word")]),
        ("((word))", [text("word", 1.1 * 1.1)]),
        ("(((sky)))", [text("sky", 1.1 * 1.1 * 1.1)]),
        ("(a (b) c)", [text("a ", 1.1), text("b", 1.1 * 1.1), text(" c", 1.1)]),
        ("(unnecessary)(parens)", [text("unnecessaryparens", 1.1)]),
        // Brackets: 1 / 1.1 each.
        ("[word]", [text("word", 1 / 1.1)]),
        ("[[word]]", [text("word", 1 / 1.1 * (1 / 1.1))]),
        ("a [b] c", [text("a "), text("b", 1 / 1.1), text(" c")]),
        // Numbers.
        ("(word:1.3)", [text("word", 1.3)]),
        ("(word:.5)", [text("word", 0.5)]),
        ("(word:2)", [text("word", 2)]),
        ("(word:0)", [text("word", 0)]),
        ("(word:-1)", [text("word", -1)]),
        ("(word:+1.5)", [text("word", 1.5)]),
        ("(word: 1.3 )", [text("word", 1.3)]),
        ("(a b:1.3) c", [text("a b", 1.3), text(" c")]),
        ("((a:1.3))", [text("a", 1.3 * 1.1)]),
        ("[(a:1.3)]", [text("a", 1.3 * (1 / 1.1))]),
        ("(a (b:1.5):0.5)", [text("a ", 0.5), text("b", 1.5 * 0.5)]),
        // No number, or not in parentheses: text.
        ("word:1.3", [text("word:1.3")]),
        ("a:1.3) b", [text("a:1.3) b")]),
        ("(a:b)", [text("a:b", 1.1)]),
        ("(a:)", [text("a:", 1.1)]),
        ("(a:1.2.3)", [text("a:1.2.3", 1.1)]),
        ("(a:1.3 b)", [text("a:1.3 b", 1.1)]),
        ("[a:1.3]", [text("a:1.3", 1 / 1.1)]),
        ("(time 12:30)", [text("time 12", 30)]),
        // Not closed, or not opened.
        ("(unbalanced", [text("unbalanced", 1.1)]),
        ("a ((b c", [text("a "), text("b c", 1.1 * 1.1)]),
        ("a [b", [text("a "), text("b", 1 / 1.1)]),
        ("a) b", [text("a) b")]),
        ("a] b", [text("a] b")]),
        (")(", [text(")")]),
        ("(a]b)", [text("a]b", 1.1)]),
        ("(a [b) c]", [text("a ", 1.1), text("b", 1.1 * (1 / 1.1)), text(" c", 1 / 1.1)]),
        // Escapes.
        ("\\(literal\\]", [text("(literal]")]),
        ("a \\(b\\) c", [text("a (b) c")]),
        ("\\[a\\]", [text("[a]")]),
        ("a\\\\b", [text("a\\b")]),
        ("a\\b", [text("ab")]),
        ("a\\", [text("a")]),
        ("(a\\:1.3)", [text("a", 1.3)]),
        ("(\\)a:1.3)", [text(")a", 1.3)]),
        ("\\((a)\\)", [text("("), text("a", 1.1), text(")")]),
        // All together, as its documentation has it.
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
            [
                text("a "), text("house", 1.3 * 1.1 * 1.1), text(" ", 1.1), text("on", 1 / 1.1 * 1.1),
                text(" a ", 1.1), text("hill", 0.5 * 1.1), text(", sun, ", 1.1), text("sky", 1.1 * 1.1 * 1.1 * 1.1),
                text(".", 1.1),
            ]
        ),
        // BREAK is a word of its own, in capitals; white space about it goes.
        ("a BREAK b", [text("a"), .chunkBreak, text("b")]),
        ("a  BREAK\n b", [text("a"), .chunkBreak, text("b")]),
        ("BREAK", [text(""), .chunkBreak, text("")]),
        ("a BREAK BREAK b", [text("a"), .chunkBreak, text(""), .chunkBreak, text("b")]),
        ("a.BREAK,b", [text("a."), .chunkBreak, text(",b")]),
        ("BREAKFAST aBREAK BREAK_x break", [text("BREAKFAST aBREAK BREAK_x break")]),
        ("(a BREAK b:1.2)", [text("a", 1.2), .chunkBreak, text("b", 1.2)]),
        ("(a) BREAK [b]", [text("a", 1.1), text(""), .chunkBreak, text(""), text("b", 1 / 1.1)]),
    ]

    @Test(arguments: cases) func isReadAsDocumented(prompt: String, parts: [Part]) {
        let found = EmphasisedPrompt(prompt).parts
        #expect(found.count == parts.count, "\(found)")
        for (a, b) in zip(found, parts) {
            switch (a, b) {
            case (.text(let text, let weight), .text(let expected, let factor)):
                #expect(text == expected && abs(weight - factor) < 1e-12, "\(found)")
            default: #expect(a == b, "\(found)")
            }
        }
    }

    @Test func literalPromptsStay() {
        #expect(EmphasisedPrompt(literal: "(a:1.3) BREAK [b").parts == [Self.text("(a:1.3) BREAK [b")])
        #expect(EmphasisedPrompt("a (b:1.3)\\) BREAK c").text == "a b) c")
    }

    /// Time stays linear and weights finite, whatever is typed.
    @Test func hostilePromptsAreHarmless() {
        for prompt in [
            String(repeating: "(", count: 200_000) + "a", String(repeating: "(a", count: 50_000),
            String(repeating: "[a", count: 50_000) + String(repeating: ")]", count: 50_000),
            String(repeating: "(a:9)", count: 20_000), "(a:" + String(repeating: "9", count: 5000) + ")",
            String(repeating: "(", count: 90) + "a" + String(repeating: ":999)", count: 90),
            String(repeating: ":", count: 100_000), String(repeating: "\\", count: 100_001),
            String(repeating: " BREAK", count: 20_000), "(a:.)", "(a:-)", "(a:+.)", "(a:1e5)", "(a:nan)", "(a:１)",
        ] {
            for part in EmphasisedPrompt(prompt).parts {
                guard case .text(_, let weight) = part else { continue }
                #expect(weight.isFinite)
            }
        }
        var random = SplitMix(state: 3)
        let pieces = ["(", ")", "[", "]", ":", "1.3", "-", "\\", "a", " ", "BREAK", "\n", "é", ":1.2)", "🏠"]
        for _ in 0..<5000 {
            let prompt = (0..<Int(random.next() % 20)).map { _ in pieces[Int(random.next() % 15)] }.joined()
            #expect(!EmphasisedPrompt(prompt).parts.isEmpty)
        }
    }

    struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}

/// Prompts in chunks of tokens.
@Suite struct Chunks {
    let tokenizer: CLIPTokenizer
    init() throws { tokenizer = try CLIPTokenizer(cleaning: .transformers, padding: .endToken) }

    let start = 49_406
    let end = 49_407

    @Test func aShortPromptIsOneChunk() throws {
        let chunks = PromptChunker(tokenizer).chunks(of: "a (red:1.3) boat").chunks
        let ids = tokenizer.encode("a red boat")
        #expect(chunks.count == 1)
        #expect(chunks[0].tokens == [start] + ids + [Int](repeating: end, count: 77 - 1 - ids.count))
        #expect(chunks[0].weights == [1, 1, 1.3, 1] + [Double](repeating: 1, count: 73))
        #expect(chunks[0].isWeighted)
        // Without brackets, what diffusers' tokenizer gives.
        let plain = PromptChunker(tokenizer, reading: .plain).chunks(of: "a red boat")
        #expect(plain.chunks[0].tokens == tokenizer.padded("a red boat").ids && plain.cut == 0)
        #expect(!plain.chunks[0].isWeighted)
        #expect(PromptChunker(tokenizer).emptyChunk.tokens == tokenizer.padded("").ids)
        #expect(PromptChunker(tokenizer).chunks(of: "").chunks == [PromptChunker(tokenizer).emptyChunk])
    }

    @Test func paddingIsTheTokenizers() throws {
        let zero = try CLIPTokenizer(cleaning: .transformers, padding: .exclamationMark)
        let chunk = PromptChunker(zero).chunks(of: "a boat!").chunks[0]
        #expect(chunk.tokens == [start] + zero.encode("a boat") + [0, end] + [Int](repeating: 0, count: 72))
        #expect(zero.encode("a boat!").last == 0 && tokenizer.encode("a boat!").last == 256)
        #expect(chunk.tokens == zero.padded("a boat!").ids)
    }

    /// Each word here is one token, and none is a comma.
    @Test func longPromptsGoOn() throws {
        let words = (0..<160).map { ["boat", "lake", "house", "moon", "tree"][$0 % 5] }
        let ids = words.flatMap { tokenizer.encode($0) }
        #expect(ids.count == 160)
        let chunks = PromptChunker(tokenizer).chunks(of: words.joined(separator: " ")).chunks
        #expect(chunks.count == 3 && chunks.allSatisfy { $0.tokens.count == 77 && $0.weights.count == 77 })
        #expect(chunks[0].tokens == [start] + ids[..<75] + [end])
        #expect(chunks[1].tokens == [start] + ids[75..<150] + [end])
        #expect(chunks[2].tokens == [start] + ids[150...] + [Int](repeating: end, count: 66))
        // Exactly full: no empty chunk behind.
        let full = PromptChunker(tokenizer).chunks(of: words[..<75].joined(separator: " "))
        #expect(full.chunks.count == 1)
        let cut = PromptChunker(tokenizer, reading: PromptReading(length: .cut)).chunks(of: words.joined(separator: " "))
        #expect(cut.chunks.count == 1 && cut.cut == 85 && cut.chunks[0] == chunks[0])
        #expect(cut.chunks[0].tokens == tokenizer.padded(words.joined(separator: " ")).ids)
    }

    @Test func chunksEndAtANearComma() throws {
        let before = (0..<60).map { _ in "boat" }.joined(separator: " ")
        // The comma is token 61 of 75: 14 follow it, then one that does not fit.
        let near = before + ", " + (0..<20).map { _ in "lake" }.joined(separator: " ")
        let chunks = PromptChunker(tokenizer).chunks(of: near).chunks
        let (boat, lake) = (tokenizer.encode("boat")[0], tokenizer.encode("lake")[0])
        let comma = tokenizer.encode(",")[0]
        #expect(chunks.count == 2)
        #expect(
            chunks[0].tokens
                == [start] + [Int](repeating: boat, count: 60) + [comma] + [Int](repeating: end, count: 15))
        #expect(
            chunks[1].tokens == [start] + [Int](repeating: lake, count: 20) + [Int](repeating: end, count: 56))
        // A comma at place 55 of 75 is within reach, at 54 no longer.
        for (count, kept) in [(55, 56), (54, 75)] {
            let text =
                (0..<count).map { _ in "boat" }.joined(separator: " ") + ", "
                + (0..<40).map { _ in "lake" }.joined(separator: " ")
            let first = PromptChunker(tokenizer).chunks(of: text).chunks[0].tokens
            #expect(first.firstIndex(of: end) == kept + 1, "\(count)")
        }
        // A comma that is the first that does not fit begins the next chunk.
        let full = (0..<75).map { _ in "boat" }.joined(separator: " ") + ", lake"
        #expect(Array(PromptChunker(tokenizer).chunks(of: full).chunks[1].tokens[1...2]) == [comma, lake])
    }

    @Test func breakFillsTheChunk() throws {
        let chunks = PromptChunker(tokenizer).chunks(of: "a boat BREAK (a lake:1.2)").chunks
        #expect(chunks.count == 2)
        #expect(chunks[0].tokens == tokenizer.padded("a boat").ids)
        #expect(chunks[1].tokens == tokenizer.padded("a lake").ids)
        #expect(chunks[1].weights[1] == 1.2)
        #expect(PromptChunker(tokenizer).chunks(of: "BREAK a").chunks.count == 2)
        let literal = PromptChunker(tokenizer, reading: PromptReading(emphasis: .literal))
        #expect(literal.chunks(of: "a BREAK b").chunks[0].tokens == tokenizer.padded("a break b").ids)
        let cut = PromptChunker(tokenizer, reading: PromptReading(length: .cut)).chunks(of: "a boat BREAK a lake")
        #expect(cut.chunks.count == 1 && cut.chunks[0].tokens == tokenizer.padded("a boat a lake").ids)
    }

    @Test func promptsAreEvened() throws {
        let chunker = PromptChunker(tokenizer)
        let both = chunker.evened([chunker.chunks(of: "a BREAK b BREAK c"), chunker.chunks(of: "ugly")])
        #expect(both.map(\.chunks.count) == [3, 3])
        #expect(both[1].chunks[1] == chunker.emptyChunk && both[1].chunks[2] == chunker.emptyChunk)
        #expect(chunker.evened([]).isEmpty)
    }

    @Test func addedWordsBecomeTheirRows() throws {
        let added = [
            AddedWord(word: "EasyNegative", ids: [49_408, 49_409]), AddedWord(word: "<cat-toy>", ids: [49_410]),
            AddedWord(word: "cat", ids: [49_411]), AddedWord(word: "", ids: [1]), AddedWord(word: "empty", ids: []),
        ]
        let chunker = PromptChunker(tokenizer, added: added)
        func content(_ prompt: String) -> [Int] {
            let tokens = chunker.chunks(of: prompt).chunks[0].tokens
            return Array(tokens[1..<(tokens.firstIndex(of: end) ?? 77)])
        }
        #expect(content("easynegative, bad") == [49_408, 49_409] + tokenizer.encode(", bad"))
        #expect(content("a <cat-toy>, here") == tokenizer.encode("a") + [49_410] + tokenizer.encode(", here"))
        #expect(content("(a <cat-toy>)") == tokenizer.encode("a") + [49_410])
        #expect(content("a cat's cats Cat") == tokenizer.encode("a") + [49_411] + tokenizer.encode("'s cats") + [49_411])
        #expect(content("empty concat") == tokenizer.encode("empty concat"))
        let weighted = chunker.chunks(of: "(easynegative:0.8)").chunks[0]
        #expect(Array(weighted.weights[..<4]) == [1, 0.8, 0.8, 1])
        // Rows are kept together: they go to the next chunk whole.
        let long = (0..<74).map { _ in "boat" }.joined(separator: " ") + " EasyNegative end"
        let chunks = chunker.chunks(of: long).chunks
        #expect(chunks.count == 2 && Array(chunks[1].tokens[1...2]) == [49_408, 49_409])
        #expect(chunks[0].tokens[75] == end)
        let wide = PromptChunker(tokenizer, added: [AddedWord(word: "wide", ids: Array(0..<200))])
        #expect(wide.chunks(of: "a wide b").chunks.allSatisfy { $0.tokens.count == 77 })
    }

    /// Each token says where in the prompt its word stands, added ones too, and the tokens are the chunks'.
    @Test(arguments: [
        "a Moonish house", "née moonish, <toy> 🦊 on   a lake", "moonish", "moonishly <toy><toy>", "", "İ moonish é",
    ])
    func tokensKnowTheirWords(prompt: String) throws {
        let added = [AddedWord(word: "moonish", ids: [49_408, 49_409]), AddedWord(word: "<toy>", ids: [49_410])]
        let chunker = PromptChunker(tokenizer, reading: .plain, added: added)
        let tokens = chunker.tokens(of: prompt)
        let chunk = chunker.chunks(of: prompt).chunks[0].tokens
        #expect(tokens.map(\.id) == Array(chunk[1..<1 + tokens.count]) && chunk[1 + tokens.count] == end)
        for token in tokens {
            let word = String(prompt[token.word])
            switch token.id {
            case 49_408, 49_409: #expect(word.lowercased() == "moonish" && token.range == token.word)
            case 49_410: #expect(word == "<toy>")
            default:
                #expect(tokenizer.encode(word).contains(token.id), "\(word)")
                #expect(token.word.contains(token.range.upperBound) || token.word.upperBound == token.range.upperBound)
            }
        }
    }

    @Test func anyContextIsServed() throws {
        for context in [-1, 0, 3, 5] {
            let chunks = PromptChunker(tokenizer, context: context).chunks(of: "a, b, c d e f").chunks
            #expect(chunks.allSatisfy { $0.tokens.count == max(3, context) && $0.weights.count == $0.tokens.count })
        }
    }
}
