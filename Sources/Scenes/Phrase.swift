/// A piece of a grammar: the set of word sequences it can become, with how likely each is.
///
/// One value serves both directions: `sample` says something, `accepts` tells whether it could have been said.
indirect enum Phrase: Sendable {
    /// Words separated by blanks; a comma is a word of its own.
    case words(String)
    /// "a" or "an", as the word after it asks.
    case article
    case sequence([Phrase])
    case choice([(weight: Double, phrase: Phrase)])

    static func any(_ words: String...) -> Phrase { .choice(words.map { (1, .words($0)) }) }
    static func any(_ words: [String]) -> Phrase { .choice(words.map { (1, .words($0)) }) }
    static func maybe(_ probability: Double, _ phrase: Phrase) -> Phrase {
        .choice([(probability, phrase), (1 - probability, .sequence([]))])
    }
    static func all(_ parts: Phrase...) -> Phrase { .sequence(parts) }

    /// Stands for an article until the next word is known.
    private static let articleMark = "\u{1}"

    /// A sentence of the language.
    func sample(_ random: inout SceneRandom) -> String {
        var words: [String] = []
        collect(into: &words, &random)
        return Self.text(of: words)
    }

    private func collect(into words: inout [String], _ random: inout SceneRandom) {
        switch self {
        case .words(let text): words += text.split(separator: " ").map(String.init)
        case .article: words.append(Self.articleMark)
        case .sequence(let parts): for part in parts { part.collect(into: &words, &random) }
        case .choice(let options):
            guard !options.isEmpty else { return }
            options[random.weighted(options.map(\.weight))].phrase.collect(into: &words, &random)
        }
    }

    /// The same without some words: choices that could only be said with one of them are left out.
    ///
    /// - Parameter banned: whole texts of `words` pieces.
    /// - Returns: nil where nothing is left to say.
    func without(_ banned: Set<String>) -> Phrase? {
        switch self {
        case .words(let text): return banned.contains(text) ? nil : self
        case .article: return self
        case .sequence(let parts):
            let kept = parts.compactMap { $0.without(banned) }
            return kept.count == parts.count ? .sequence(kept) : nil
        case .choice(let options):
            let kept = options.compactMap { option in
                option.phrase.without(banned).map { (weight: option.weight, phrase: $0) }
            }
            return kept.contains { $0.weight > 0 } ? .choice(kept) : nil
        }
    }

    /// A sentence of the language, each choice drawn by where it stands and not by how many came before: two phrases of
    /// one build are worded alike where they are alike.
    func sample(key: UInt64) -> String {
        var words: [String] = []
        collect(into: &words, key: mix64(key))
        return Self.text(of: words)
    }

    private func collect(into words: inout [String], key: UInt64) {
        func child(_ index: Int) -> UInt64 { mix64(key ^ (UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15)) }
        switch self {
        case .words(let text): words += text.split(separator: " ").map(String.init)
        case .article: words.append(Self.articleMark)
        case .sequence(let parts):
            for (index, part) in parts.enumerated() { part.collect(into: &words, key: child(index)) }
        case .choice(let options):
            guard !options.isEmpty else { return }
            var random = SceneRandom(state: key)
            let index = random.weighted(options.map(\.weight))
            options[index].phrase.collect(into: &words, key: child(index))
        }
    }

    private static func text(of words: [String]) -> String {
        var text = ""
        for (i, word) in words.enumerated() {
            let said = word == articleMark ? article(before: i + 1 < words.count ? words[i + 1] : "") : word
            if !text.isEmpty, said != "," { text += " " }
            text += said
        }
        return text
    }

    /// Whether the language holds this sentence, word for word.
    func accepts(_ sentence: String) -> Bool {
        let words = Self.words(of: sentence)
        return ends([0], in: words).contains(words.count)
    }

    static func words(of sentence: String) -> [String] {
        sentence.lowercased().replacing(",", with: " ,").split(separator: " ").map(String.init)
    }

    /// Where in `words` the phrase can end if it begins at one of `starts`.
    private func ends(_ starts: Set<Int>, in words: [String]) -> Set<Int> {
        if starts.isEmpty { return [] }
        switch self {
        case .words(let text):
            let own = text.split(separator: " ").map(String.init)
            return Set(
                starts.filter { $0 + own.count <= words.count && Array(words[$0..<$0 + own.count]) == own }.map {
                    $0 + own.count
                })
        case .article:
            return Set(
                starts.filter { $0 + 1 < words.count && words[$0] == Self.article(before: words[$0 + 1]) }.map {
                    $0 + 1
                })
        case .sequence(let parts):
            return parts.reduce(starts) { $1.ends($0, in: words) }
        case .choice(let options):
            return options.reduce(into: []) { if $1.weight > 0 { $0.formUnion($1.phrase.ends(starts, in: words)) } }
        }
    }

    /// By sound, not by letter: "an orange fox", "a unicorn", "a ufo".
    static func article(before word: String) -> String {
        let likeConsonant = ["unicorn", "ufo", "one", "uniform", "used", "useful"]
        guard let first = word.first, "aeiou".contains(first), !likeConsonant.contains(word) else { return "a" }
        return "an"
    }
}
