/// CLIP's byte-pair encoding: start token, tokens, end token, padding. Agrees with `openai/CLIP`'s
/// `simple_tokenizer.py`; GLIDE's noised CLIP and Stable Diffusion's text encoders use the same vocabulary.
public struct CLIPTokenizer: Tokenizer {
    /// How a prompt is cleaned before its words are told apart. The two agree on plain text; they differ on character
    /// references, curly quotes, ligatures, full-width forms, control characters and the final sigma.
    public enum Cleaning: Hashable, Sendable, CaseIterable {
        /// As OpenAI's and open_clip's tokenizers: ftfy, character references resolved twice, white space collapsed,
        /// lower case. ftfy's guess at wrongly decoded text ("cafÃ©") is not made; see `TextRepair`.
        case openAI
        /// As the fast tokenizer of transformers: normal form C, white space collapsed, lower case.
        case transformers
    }

    public let cleaning: Cleaning
    /// `<|startoftext|>`, 49,406.
    public let startToken: Int
    /// `<|endoftext|>`, 49,407.
    public let endToken: Int

    private let stream: TokenStream
    private let repair: TextRepair

    /// - Parameter cleaning: what happens to a prompt first; CLIP was trained with `.openAI`.
    /// - Throws: `TokenizerError` where the vocabulary that comes with Moonlit is missing or damaged.
    public init(cleaning: Cleaning = .openAI) throws(TokenizerError) {
        let tables = try Self.loaded.get()
        self.cleaning = cleaning
        repair = tables.repair
        stream = TokenStream(
            vocabulary: tables.vocabulary,
            scanner: .clip(specials: Self.specials, cleaning),
            specials: Self.specials)
        startToken = stream.count - 2
        endToken = stream.count - 1
    }

    /// 49,408. GLIDE's noised CLIP has a larger table, of 65,536 rows, and leaves the others unused.
    public var vocabularyCount: Int { stream.count }
    /// 77.
    public var contextLength: Int { 77 }

    public func encode(_ text: String) -> [Int] { stream.ids(in: clean(text)) }

    public func tokens(in text: String) -> [Token] { stream.tokens(in: clean(text), of: text) }

    public func padded(_ text: String, length: Int) -> PaddedTokens { padded(text, length: length, padding: 0) }

    /// The start token, as many tokens as fit, the end token, then `padding`.
    ///
    /// - Parameters:
    ///   - length: how many numbers to give; under 2 there is no room for the start token.
    ///   - padding: 0 as OpenAI's and open_clip's; the first Stable Diffusion was trained with `endToken`.
    public func padded(_ text: String, length: Int, padding: Int) -> PaddedTokens {
        let length = max(length, 0)
        let all = encode(text)
        let kept = all.prefix(max(length - 2, 0))
        let ids = Array(([startToken] + kept + [endToken]).suffix(length))
        let missing = length - ids.count
        return PaddedTokens(
            ids: ids + [Int](repeating: padding, count: missing),
            mask: [Bool](repeating: true, count: ids.count) + [Bool](repeating: false, count: missing),
            cut: all.count - kept.count)
    }

    /// Words are followed by a space each, as upstream's are.
    public func decode(_ ids: some Sequence<Int>) -> String { stream.decode(ids) }

    private func clean(_ text: String) -> SourceText {
        switch cleaning {
        case .openAI:
            let repaired = repair.repair(SourceText(text))
            let unescaped = repair.entities.unescape(repair.entities.unescape(repaired))
            return unescaped.collapsingWhitespace().lowercased()
        case .transformers:
            return SourceText(text).canonicallyComposed().collapsingWhitespace().lowercased(finalSigma: .ignored)
        }
    }

    private static let specials = ["<|startoftext|>", "<|endoftext|>"]

    private struct Tables {
        let vocabulary: BytePairs
        let repair: TextRepair
    }

    /// Read once, when first asked for.
    private static let loaded = Result { () throws(TokenizerError) -> Tables in
        let merges = "clip-merges.txt", entities = "html-entities.txt"
        return Tables(
            vocabulary: try BytePairs(VocabularyFolder.read(merges), file: merges, marksWordEnds: true),
            repair: TextRepair(entities: try HTMLEntities(VocabularyFolder.read(entities), file: entities)))
    }
}
