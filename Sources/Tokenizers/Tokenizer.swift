/// Turns text into the token numbers a network was trained on, and back.
///
///     let tokenizer = try GPT2Tokenizer()
///     let tokens = tokenizer.padded("a house next to a lake in moonlight", length: 128)
///
/// Any text has tokens: nothing but loading a vocabulary can fail.
public protocol Tokenizer: Sendable {
    /// One more than the largest token number: the rows of the network's token table.
    var vocabularyCount: Int { get }
    /// How many tokens the networks trained with this tokenizer read.
    var contextLength: Int { get }

    /// The text's tokens with their origins, uncut, without start, end or padding.
    func tokens(in text: String) -> [Token]

    /// The text's token numbers, uncut, without start, end or padding.
    func encode(_ text: String) -> [Int]

    /// Exactly `length` token numbers, cut or padded as the network expects, with its start and end tokens if it has
    /// such.
    func padded(_ text: String, length: Int) -> PaddedTokens

    /// The text that token numbers stand for. Bytes that are no UTF-8, and numbers that are no token, give U+FFFD.
    func decode(_ ids: some Sequence<Int>) -> String
}

extension Tokenizer {
    public func padded(_ text: String) -> PaddedTokens { padded(text, length: contextLength) }
}

/// A token and the part of the prompt it came from.
public struct Token: Hashable, Sendable {
    /// Its number in the vocabulary.
    public var id: Int
    /// The characters whose bytes it holds, a leading space included. Tokens that share one character, as the parts of
    /// an emoji do, have the same range.
    public var range: Range<String.Index>
    /// The whole word, number or punctuation it is a part of, without white space.
    public var word: Range<String.Index>

    public init(id: Int, range: Range<String.Index>, word: Range<String.Index>) {
        self.id = id
        self.range = range
        self.word = word
    }
}

/// A prompt as a network reads it.
public struct PaddedTokens: Hashable, Sendable {
    /// Token numbers, [length].
    public var ids: [Int]
    /// False where a token is padding, [length].
    public var mask: [Bool]
    /// How many of the prompt's own tokens did not fit.
    public var cut: Int

    public init(ids: [Int], mask: [Bool], cut: Int) {
        self.ids = ids
        self.mask = mask
        self.cut = cut
    }
}
