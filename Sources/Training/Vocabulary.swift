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
                kept.formUnion(tokenizer.encode(caption))
                words.formUnion(caption.split(whereSeparator: \.isWhitespace).map(String.init))
            }
        }
        for word in words {
            kept.formUnion(tokenizer.encode(word))
            kept.formUnion(tokenizer.encode(" " + word))
        }
        return kept.sorted()
    }
}
