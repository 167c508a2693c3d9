/// The patterns that cut text into words before byte pairs merge, written out as scanners. They agree with Python's
/// `regex` module, but for scalars that only one of the two Unicode versions knows.
package enum WordScanner: Sendable {
    /// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. Every scalar is in a word.
    case gpt2
    /// CLIP: `<|startoftext|>|<|endoftext|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`. White space is
    /// in no word. OpenAI ignores case; transformers does not, and finds special tokens before all else, also inside
    /// a run of punctuation.
    case clip(specials: [String], CLIPTokenizer.Cleaning)

    /// A word as places in the text; `special` is its index among the special tokens if it is one.
    package struct Word: Hashable, Sendable {
        package var range: Range<Int>
        package var special: Int?
    }

    /// The words of `text`, which must be in lower case already.
    package func words(in text: SourceText) -> [Word] {
        let scalars = text.elements.map(\.scalar)
        let classes = scalars.map(ScalarClass.init)
        return switch self {
        case .gpt2: Self.gpt2Words(scalars, classes)
        case .clip(let specials, let cleaning):
            Self.clipWords(scalars, classes, specials.map { Array($0.unicodeScalars) }, cleaning)
        }
    }

    private static func gpt2Words(_ scalars: [Unicode.Scalar], _ classes: [ScalarClass]) -> [Word] {
        var words: [Word] = []
        var index = 0
        while index < scalars.count {
            var end = index + contraction(scalars, at: index, ignoringCase: false)
            if end == index {
                // One space may lead a word.
                let hasSpace = scalars[index] == " " && index + 1 < scalars.count && classes[index + 1] != .whitespace
                let start = hasSpace ? index + 1 : index
                end = runEnd(classes, from: start)
                // White space leaves its last for the word after it, unless it has no other.
                if classes[start] == .whitespace, end < scalars.count, end - start > 1 { end -= 1 }
            }
            words.append(Word(range: index..<end))
            index = end
        }
        return words
    }

    private static func clipWords(
        _ scalars: [Unicode.Scalar], _ classes: [ScalarClass], _ specials: [[Unicode.Scalar]],
        _ cleaning: CLIPTokenizer.Cleaning
    ) -> [Word] {
        let ignoringCase = cleaning == .openAI
        func special(at index: Int) -> Word? {
            for (number, special) in specials.enumerated() where special.first == scalars[index] {
                let end = index + special.count
                guard end <= scalars.count else { continue }
                let found = scalars[index..<end]
                if found.elementsEqual(special) { return Word(range: index..<end, special: number) }
                // Matched with another case, it is one word but no special token.
                if ignoringCase, found.elementsEqual(special, by: { $0 == $1 || ($0 == "ſ" && $1 == "s") }) {
                    return Word(range: index..<end)
                }
            }
            return nil
        }
        var words: [Word] = []
        var index = 0
        while index < scalars.count {
            if classes[index] == .whitespace {
                index += 1
                continue
            }
            if let found = special(at: index) {
                words.append(found)
                index = found.range.upperBound
                continue
            }
            var end = index + contraction(scalars, at: index, ignoringCase: ignoringCase)
            if end == index {
                end = classes[index] == .number ? index + 1 : runEnd(classes, from: index)
                if cleaning == .transformers, classes[index] == .other {
                    end = (index..<end).first { special(at: $0) != nil } ?? end
                }
            }
            words.append(Word(range: index..<end))
            index = end
        }
        return words
    }

    private static func runEnd(_ classes: [ScalarClass], from start: Int) -> Int {
        classes[start...].firstIndex { $0 != classes[start] } ?? classes.count
    }

    /// The length of the contraction that starts at `index`, or 0.
    private static func contraction(_ scalars: [Unicode.Scalar], at index: Int, ignoringCase: Bool) -> Int {
        guard scalars[index] == "'", index + 1 < scalars.count else { return 0 }
        switch scalars[index + 1] {
        case "s", "t", "m", "d": return 2
        // The one lower-case letter besides its own that a letter of the pattern matches when case is ignored.
        case "ſ": return ignoringCase ? 2 : 0
        case let first:
            guard index + 2 < scalars.count else { return 0 }
            switch (first, scalars[index + 2]) {
            case ("r", "e"), ("v", "e"), ("l", "l"): return 3
            default: return 0
            }
        }
    }
}
