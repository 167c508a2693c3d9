/// GPT-2's byte-pair encoding as GLIDE uses it: lower case only, no start or end token, cut at 128 tokens, padded with
/// the end-of-text token and masked. Agrees with `glide_text2im/tokenizer/bpe.py`.
public struct GPT2Tokenizer: Tokenizer {
    /// `<|endoftext|>`, GLIDE's padding.
    public let endToken: Int

    private let stream: TokenStream

    /// - Throws: `TokenizerError` where the vocabulary that comes with Moonlit is missing or damaged.
    public init() throws(TokenizerError) {
        stream = try Self.loaded.get()
        endToken = stream.count - 1
    }

    /// 50,257.
    public var vocabularyCount: Int { stream.count }
    /// 128, GLIDE's.
    public var contextLength: Int { 128 }

    public func encode(_ text: String) -> [Int] {
        stream.ids(in: SourceText(text).lowercased())
    }

    public func tokens(in text: String) -> [Token] {
        stream.tokens(in: SourceText(text).lowercased(), of: text)
    }

    /// Tokens, then `endToken` as padding. The empty prompt, which guidance is away from, is all padding.
    public func padded(_ text: String, length: Int) -> PaddedTokens {
        let length = max(length, 0)
        let all = encode(text)
        let kept = all.prefix(length)
        let padding = length - kept.count
        return PaddedTokens(
            ids: kept + [Int](repeating: endToken, count: padding),
            mask: [Bool](repeating: true, count: kept.count) + [Bool](repeating: false, count: padding),
            cut: all.count - kept.count)
    }

    public func decode(_ ids: some Sequence<Int>) -> String { stream.decode(ids) }

    /// Read once, when first asked for.
    private static let loaded = Result { () throws(TokenizerError) -> TokenStream in
        let file = "gpt2-merges.txt"
        let vocabulary = try BytePairs(VocabularyFolder.read(file), file: file, marksWordEnds: false)
        return TokenStream(vocabulary: vocabulary, scanner: .gpt2, specials: ["<|endoftext|>"])
    }
}
