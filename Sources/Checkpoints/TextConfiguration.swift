import Models
public import Tokenizers

/// How prompts become the token numbers a network knows.
public struct TextConfiguration: Codable, Sendable, Equatable {
    public enum Vocabulary: String, Codable, Sendable, CaseIterable {
        case gpt2, clip
    }

    public var vocabulary: Vocabulary
    /// Tokens the network reads, padding included.
    public var context: Int
    /// The tokens a small network knows, ascending, when it does not know its whole vocabulary: token `kept[i]` is row i
    /// of its table, and tokens that are not kept are left out of the prompt.
    public var kept: [Int]?

    public init(vocabulary: Vocabulary = .gpt2, context: Int, kept: [Int]? = nil) {
        self.vocabulary = vocabulary
        self.context = context
        self.kept = kept
    }

    /// Rows of the network's token table: one more than the kept tokens, for padding.
    public var vocabularyCount: Int {
        get throws {
            if let kept { return kept.count + 1 }
            return try tokenizer().vocabularyCount
        }
    }

    /// - Throws: `ConfigurationError` for a bad length or a bad list of tokens.
    package func validate() throws {
        guard (1...4096).contains(context) else {
            throw ConfigurationError("a context of \(context) tokens; expected 1 to 4,096")
        }
        guard let kept else { return }
        guard zip(kept, kept.dropFirst()).allSatisfy({ $0 < $1 }), (kept.first ?? 0) >= 0 else {
            throw ConfigurationError("the kept tokens are not in ascending order")
        }
    }

    private func tokenizer() throws -> any Tokenizer {
        switch vocabulary {
        case .gpt2: try GPT2Tokenizer()
        case .clip: try CLIPTokenizer()
        }
    }

    /// - Throws: `TokenizerError` where the vocabulary cannot be read, `ConfigurationError` for a bad list of tokens.
    public func encoder() throws -> PromptEncoder {
        try validate()
        return PromptEncoder(tokenizer: try tokenizer(), context: context, kept: kept)
    }
}

/// Turns prompts into what the text transformer reads.
public struct PromptEncoder: Sendable {
    public let tokenizer: any Tokenizer
    public let context: Int
    private let rows: [Int: Int]?

    /// - Parameter kept: ascending, as `TextConfiguration.validate()` sees to.
    fileprivate init(tokenizer: any Tokenizer, context: Int, kept: [Int]?) {
        self.tokenizer = tokenizer
        self.context = context
        rows = kept.map { Dictionary(uniqueKeysWithValues: $0.enumerated().map { ($1, $0) }) }
    }

    /// The row that stands at padded places; the network replaces it by its padding embedding.
    private var padding: Int { rows?.count ?? tokenizer.vocabularyCount - 1 }

    /// The tokens the network sees, in order, with their origins in the prompt; cut at its context.
    public func tokens(in prompt: String) -> [Token] {
        let known = tokenizer.tokens(in: prompt).compactMap { token -> Token? in
            guard let rows else { return token }
            return rows[token.id].map { Token(id: $0, range: token.range, word: token.word) }
        }
        return Array(known.prefix(context))
    }

    /// Rows and mask of exactly `context` entries; an empty prompt is all padding.
    public func padded(_ prompt: String) -> PaddedTokens {
        guard let rows else { return tokenizer.padded(prompt, length: context) }
        let known = tokenizer.encode(prompt).compactMap { rows[$0] }
        let shown = known.prefix(context)
        let missing = context - shown.count
        return PaddedTokens(
            ids: shown + Array(repeating: padding, count: missing),
            mask: Array(repeating: true, count: shown.count) + Array(repeating: false, count: missing),
            cut: known.count - shown.count)
    }
}
