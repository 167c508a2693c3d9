import Testing
import Tokenizers

@Suite struct Junk {
    /// SplitMix64, so that a failure can be had again.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let awkward = Array("'\"&#;x<|> \t\r\n\u{1B}[m\u{0}\u{7F}sSſΣİéﬁＡｶ½٣\u{301}\u{323}\u{200D}\u{FE0F}👩🚀🏽\u{85}\u{FEFF}\u{10FFFF}한ᄀ".unicodeScalars)

    private func junk(_ seed: UInt64) -> String {
        var generator = Generator(state: seed)
        let length = Int.random(in: 0...120, using: &generator)
        switch seed % 3 {
        case 0:
            let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            return String(decoding: bytes, as: UTF8.self)
        case 1:
            var scalars = String.UnicodeScalarView()
            for _ in 0..<length {
                if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator)) {
                    scalars.append(scalar)
                }
            }
            return String(scalars)
        default:
            var scalars = String.UnicodeScalarView()
            for _ in 0..<length { scalars.append(Self.awkward.randomElement(using: &generator) ?? " ") }
            return String(scalars)
        }
    }

    @Test func anythingIsEncodedAndGPT2GivesItBack() throws {
        let gpt2 = try GPT2Tokenizer()
        for seed in 0..<600 as Range<UInt64> {
            let text = junk(seed)
            let lower = SourceText(text).lowercased().string
            #expect(gpt2.decode(gpt2.encode(text)).unicodeScalars.elementsEqual(lower.unicodeScalars), "seed \(seed)")
            if !text.unicodeScalars.contains("Σ") {
                #expect(lower.unicodeScalars.elementsEqual(text.lowercased().unicodeScalars), "seed \(seed)")
            }
        }
    }

    @Test(arguments: CLIPTokenizer.Cleaning.allCases)
    func clipKeepsRangesInsideThePrompt(cleaning: CLIPTokenizer.Cleaning) throws {
        let clip = try CLIPTokenizer(cleaning: cleaning)
        for seed in 0..<600 as Range<UInt64> {
            let text = junk(seed)
            let tokens = clip.tokens(in: text)
            #expect(tokens.map(\.id) == clip.encode(text), "seed \(seed)")
            #expect(tokens.allSatisfy { (0..<49_408).contains($0.id) }, "seed \(seed)")
            for token in tokens {
                #expect(!token.range.isEmpty && token.range.upperBound <= text.endIndex, "seed \(seed)")
                #expect(token.word.lowerBound <= token.range.lowerBound, "seed \(seed)")
                #expect(token.range.upperBound <= token.word.upperBound, "seed \(seed)")
            }
        }
    }

    @Test func decodingAnyNumbersGivesText() throws {
        #expect(try GPT2Tokenizer().decode([-1, 50_256, 50_257, .max]) == "\u{FFFD}<|endoftext|>\u{FFFD}\u{FFFD}")
        #expect(try CLIPTokenizer().decode([49_406, 320, 49_407, .min]) == "<|startoftext|>a <|endoftext|>\u{FFFD}")
        // The first byte of a longer character, alone.
        #expect(try GPT2Tokenizer().decode([172]) == "\u{FFFD}")
    }

    @Test func aWordOfAHundredThousandLettersIsNoTrap() throws {
        let word = String(repeating: "abcdefghij", count: 10_000)
        let ids = try GPT2Tokenizer().encode(word)
        #expect(try GPT2Tokenizer().decode(ids) == word)
        let marks = "é" + String(repeating: "\u{323}\u{F73}\u{301}", count: 10_000)
        #expect(try !CLIPTokenizer().encode(marks).isEmpty)
        let nested = "&" + String(repeating: "amp;", count: 5_000)
        #expect(try !CLIPTokenizer().encode(nested).isEmpty)
        let signs = String(repeating: "&", count: 20_000) + String(repeating: "\u{1B}[1", count: 20_000)
        #expect(try !CLIPTokenizer().encode(signs).isEmpty)
    }

    @Test func normalFormCKeepsOrigins() {
        let text = "xe\u{323}\u{302}y한"
        let composed = SourceText(text).canonicallyComposed()
        #expect(composed.string.unicodeScalars.elementsEqual("xệy한".unicodeScalars))
        #expect(composed.elements.map(\.source) == [0..<1, 1..<6, 6..<7, 7..<10])
    }
}
