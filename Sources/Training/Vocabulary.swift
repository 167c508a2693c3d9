package import Checkpoints
package import Datasets
internal import Tokenizers

/// The tokens that a set's captions have: the rows of a small network's token table.
package enum CaptionVocabulary {
    /// Examples whose captions are read, evenly spread over the set.
    static let examples = 50_000

    /// Ascending token numbers, a pure function of the set.
    ///
    /// Each word is also taken alone, and behind a space, so that a prompt may begin with any of them: GPT-2's encoding
    /// has other tokens for these.
    package static func tokens(of set: any CaptionedPictures, vocabulary: TextConfiguration.Vocabulary) throws -> [Int] {
        let tokenizer: any Tokenizer =
            switch vocabulary {
            case .gpt2: try GPT2Tokenizer()
            case .clip: try CLIPTokenizer()
            }
        if let mixture = set as? Mixture {
            // Each set by itself: a mixture tells few captions of one that has little weight.
            let parts = try mixture.parts.map { try tokens(of: $0.set, vocabulary: vocabulary) }
            return Set(parts.joined()).sorted()
        }
        var words: Set<String> = []
        var kept: Set<Int> = []
        let step = max(1, (set.count + examples - 1) / examples)
        for index in stride(from: 0, to: set.count, by: step) {
            for caption in try set.captions(at: index) {
                if let plain = plainWords(of: caption) {
                    words.formUnion(plain)
                } else {
                    kept.formUnion(tokenizer.encode(caption))
                    words.formUnion(caption.split(whereSeparator: \.isWhitespace).map(String.init))
                }
            }
        }
        for word in words {
            kept.formUnion(tokenizer.encode(word))
            kept.formUnion(tokenizer.encode(" " + word))
        }
        return kept.sorted()
    }

    /// The words of a caption that has no tokens but those of its words, alone or behind a space; nil where it may have
    /// others.
    ///
    /// Captions are many and their words few, so that most need not be encoded. It is so of visible ASCII characters with
    /// single spaces between words: neither tokenizer's pattern takes what stands on both sides of a space for one word,
    /// nor does CLIP's cleaning look across it, but for character references, which begin with `&`.
    private static func plainWords(of caption: String) -> [String]? {
        let words = caption.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        let arePlain = words.allSatisfy { word in
            !word.isEmpty && word.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "&") }
        }
        return arePlain ? words.map { String(Substring($0)) } : nil
    }
}
