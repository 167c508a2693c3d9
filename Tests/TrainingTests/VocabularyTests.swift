import Checkpoints
import Datasets
import Testing
import Tokenizers
import Training

@Suite struct VocabularyTests {
    /// Captions without pictures.
    private struct Captions: CaptionedPictures {
        struct NoPicture: Error {}
        let name = "captions"
        let count = 1
        let texts: [String]

        func example(at index: Int, variation: UInt64) throws -> Example { throw NoPicture() }
        func captions(at index: Int) throws -> [String] { texts }
    }

    private static let tricky = [
        "a house next to a lake in moonlight", "It's THE dog's: they'll say we've won't, 'tis rock 'n' roll ' s",
        "3 cats, 12,5 % at 10:30 on 2024-05-06", "a (red) square... and \"more\" -- or/and $5!?", "x", "",
        "a  red  square", "a red\nsquare", "a red\r\nsquare", "a\tred square", " a red square", "a red square ", "  ", "\n",
        "ein Käse auf dem Öltanker", "ΟΔΥΣΣΕΥΣ ΟΔΟΣ", "日本 の 山", "a 🏠 by a 🏞️", "it\u{2019}s a \u{FB01}sh", "e \u{301}a",
        "a\u{A0}red\u{3000}square", "a &lt; b &amp;amp; c", "AT&T & R&amp D", "a <b> &NTILDE; c", "a&nbsp;b &#32; c",
        "<|endoftext|> a <|startoftext|>", "\u{1B}[31mred\u{1B}[0m square", "a \u{7F} b\u{0}c", "\u{1B}[3 1mred",
    ]

    /// Each caption whole, and each of its words alone and behind a space.
    private func encodedWhole(_ captions: [String], _ vocabulary: TextConfiguration.Vocabulary) throws -> [Int] {
        let tokenizer: any Tokenizer =
            switch vocabulary {
            case .gpt2: try GPT2Tokenizer()
            case .clip: try CLIPTokenizer()
            }
        var kept: Set<Int> = []
        for caption in captions {
            let words = caption.split(whereSeparator: \.isWhitespace).map(String.init)
            for text in [caption] + words + words.map({ " " + $0 }) { kept.formUnion(tokenizer.encode(text)) }
        }
        return kept.sorted()
    }

    /// Captions whose words are enough are not encoded whole; nothing is lost by it.
    @Test(arguments: TextConfiguration.Vocabulary.allCases)
    func tokensAreThoseOfWholeCaptionsAndTheirWords(vocabulary: TextConfiguration.Vocabulary) throws {
        for captions in Self.tricky.map({ [$0] }) + [Self.tricky] {
            let found = try CaptionVocabulary.tokens(of: Captions(texts: captions), vocabulary: vocabulary)
            let expected = try encodedWhole(captions, vocabulary)
            #expect(found == expected, "\(captions)")
        }
    }
}
