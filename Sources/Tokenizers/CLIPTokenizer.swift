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
    /// What stands behind the end token: 0 as OpenAI's and open_clip's have it; the first Stable Diffusion was trained
    /// with the end token.
    public let paddingToken: Int
    /// 77.
    public let contextLength: Int

    private let stream: TokenStream
    private let repair: TextRepair

    /// - Parameters:
    ///   - cleaning: what happens to a prompt first; CLIP was trained with `.openAI`.
    ///   - padding: what stands behind the end token.
    /// - Throws: `TokenizerError` where the vocabulary that comes with Moonlit is missing or damaged.
    public init(cleaning: Cleaning = .openAI, padding: Padding = .zero) throws(TokenizerError) {
        let tables = try Self.loaded.get()
        self.cleaning = cleaning
        repair = tables.repair
        let count = tables.vocabulary.count
        var specials = Self.specials.enumerated().map { (text: $1, id: count + $0) }
        if padding == .exclamationMark { specials.append((text: "!", id: 0)) }
        stream = TokenStream(
            vocabulary: tables.vocabulary, scanner: .clip(specials: specials.map(\.text), cleaning),
            specials: specials, count: count + 2)
        startToken = count
        endToken = count + 1
        paddingToken = padding == .endToken ? endToken : 0
        contextLength = 77
    }

    /// What stands behind the end token.
    public enum Padding: Hashable, Sendable {
        /// Token 0: OpenAI's and OpenCLIP's own tokenizers.
        case zero
        /// The end token: the first Stable Diffusion's.
        case endToken
        /// Token 0, as in transformers' tokenizers of the second Stable Diffusion and of XL's second tower. There it is
        /// written `!`, and because what pads is special wherever it stands, a `!` in a prompt is token 0 too, where the
        /// others take it for the `!` that ends a word.
        case exclamationMark
    }

    /// Reads the tokenizer of a model: `vocab.json` and `merges.txt`, or `tokenizer.json`, with what
    /// `special_tokens_map.json` and `tokenizer_config.json` say of special tokens, as transformers' CLIP tokenizers do.
    ///
    /// - Throws: `TokenizerError` naming the file that is missing or damaged.
    public init(folder: String, cleaning: Cleaning = .transformers) throws(TokenizerError) {
        let files = try CLIPTokenizerFiles(folder: folder)
        let tables = try Self.loaded.get()
        self.cleaning = cleaning
        repair = tables.repair
        let specials = files.specials
        stream = TokenStream(
            // One copy of the tables everybody has.
            vocabulary: files.pairs.isSame(as: tables.vocabulary) ? tables.vocabulary : files.pairs,
            scanner: .clip(specials: specials.map(\.text), cleaning), specials: specials, count: files.count)
        startToken = files.start.id
        endToken = files.end.id
        paddingToken = files.padding
        contextLength = files.contextLength
    }

    /// A part of the vocabulary, or all of it, as its files would be read.
    public init(_ vocabulary: CLIPVocabularyFiles, context: Int = 77) throws(TokenizerError) {
        let merges = vocabulary.merges.map { line in
            let bytes = Array(line.utf8)
            let gap = bytes.firstIndex(of: UInt8(ascii: " ")) ?? bytes.endIndex
            return (left: bytes[..<gap], right: bytes[min(gap + 1, bytes.endIndex)...])
        }
        let numbers = Dictionary(
            vocabulary.tokens.enumerated().map { (Symbol($1), $0) }, uniquingKeysWith: { first, _ in first })
        let specials = [
            (text: CLIPVocabularyFiles.startText, id: vocabulary.startToken),
            (text: CLIPVocabularyFiles.endText, id: vocabulary.endToken),
        ]
        cleaning = .transformers
        repair = try Self.loaded.get().repair
        stream = TokenStream(
            vocabulary: try BytePairs(
                merges: merges, vocabulary: numbers, unknown: vocabulary.endToken, file: "merges.txt", firstLine: 2),
            scanner: .clip(specials: specials.map(\.text), cleaning), specials: specials, count: vocabulary.tokens.count)
        startToken = vocabulary.startToken
        endToken = vocabulary.endToken
        paddingToken = vocabulary.endToken
        contextLength = context
    }

    /// 49,408. GLIDE's noised CLIP has a larger table, of 65,536 rows, and leaves the others unused.
    public var vocabularyCount: Int { stream.count }

    public func encode(_ text: String) -> [Int] { stream.ids(in: clean(text)) }

    public func tokens(in text: String) -> [Token] { stream.tokens(in: clean(text), of: text) }

    public func padded(_ text: String, length: Int) -> PaddedTokens {
        padded(text, length: length, padding: paddingToken)
    }

    /// The start token, as many tokens as fit, the end token, then `padding`.
    ///
    /// - Parameters:
    ///   - length: how many numbers to give; under 2 there is no room for the start token.
    ///   - padding: in place of `paddingToken`.
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
