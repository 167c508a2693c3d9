import Checkpoints
import Tokenizers

/// The words of a prompt, and which of them are asked about.
struct PromptWords {
    /// In the prompt's order; those that the model reads.
    let all: [Word]
    private let named: Set<String>?

    struct Word {
        let text: String
        /// In the prompt.
        let place: Range<String.Index>
        /// They stand side by side.
        fileprivate(set) var tokens: [AttendedToken]
    }

    /// - Parameters:
    ///   - tokens: of the prompt, those that the model reads.
    ///   - named: the words asked about, whatever their case; nil asks about all.
    /// - Throws: `GenerationError.invalid` for a word that is not there.
    init(_ tokens: [AttendedToken], of prompt: String, naming named: [String]?) throws {
        var words: [Word] = []
        for token in tokens {
            let place = token.token.word
            if words.last?.place == place {
                words[words.count - 1].tokens.append(token)
            } else {
                words.append(Word(text: String(prompt[place]), place: place, tokens: [token]))
            }
        }
        let told = Set(words.map { $0.text.lowercased() })
        if let unknown = named?.first(where: { !told.contains($0.lowercased()) }) {
            throw GenerationError.invalid(
                option: "words", value: unknown,
                expected: "words of the prompt that the model reads: " + words.map(\.text).joined(separator: ", "))
        }
        all = words
        self.named = named.map { Set($0.map { $0.lowercased() }) }
    }

    var asked: [Word] { all.filter(isAsked) }

    func isAsked(_ word: Word) -> Bool { named?.contains(word.text.lowercased()) ?? true }
}
