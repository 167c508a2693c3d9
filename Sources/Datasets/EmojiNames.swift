/// From CLDR's short names to phrases that are true of Noto's drawings.
///
/// CLDR names characters, not pictures: "fox" is drawn as a face, "tennis" as a racket and a ball, "man: bald" is a
/// bald man. What a rule can mend is mended by rule; the rest stands in `EmojiPhrases`.
enum EmojiNames {
    /// Beings of which only the head is drawn, though the name does not say so.
    static let facesOnly: Set<String> = [
        "fox", "bear", "polar bear", "panda", "lion", "koala", "wolf", "raccoon", "hamster", "frog", "unicorn",
        "boar", "chicken", "moose", "zebra",
    ]

    static func depicted(_ name: String) -> String {
        let name = name.replacing("’", with: "'")
        return facesOnly.contains(name) ? name + " face" : name
    }

    static func phrase(for name: String, subgroup: String) -> NounPhrase {
        if let exact = EmojiPhrases.exact[name] { return NounPhrase(exact) }
        if let phrase = withColon(name) { return phrase }
        var words = name
        for (plain, mended) in EmojiPhrases.endings where words.hasSuffix(plain) {
            words = words.dropLast(plain.count) + mended
            break
        }
        return NounPhrase(of: words)
    }

    /// "woman: red hair", "person: bald", "kiss: woman, man", "couple with heart: man, man".
    private static func withColon(_ name: String) -> NounPhrase? {
        let parts = name.split(separator: ":", maxSplits: 1).map(trimmed)
        guard parts.count == 2 else { return nil }
        switch (parts[0], parts[1]) {
        case ("kiss", let who): return NounPhrase(two(who) + " kissing")
        case ("couple with heart", let who): return NounPhrase(two(who) + " with a heart between them")
        case (let who, "bald"): return NounPhrase(of: "bald " + who)
        case (let who, "beard"): return NounPhrase(of: who + " with a beard")
        case (let who, let what): return NounPhrase(of: who + " with " + what)
        }
    }

    private static func two(_ who: String) -> String {
        switch who {
        case "man, man": "two men"
        case "woman, woman": "two women"
        default: "a woman and a man"
        }
    }

    /// Keywords that no look at the picture confirms.
    private static let notSeen: Set<String> = [
        "zodiac", "aries", "taurus", "gemini", "cancer", "leo", "virgo", "libra", "scorpio", "scorpius", "sagittarius",
        "capricorn", "aquarius", "pisces", "dupe", "expendable", "interrogation", "ugly duckling", "comic", "punk rock",
        "hotsprings", "one-piece", "flag", "sign", "symbol", "person", "gesture", "doubt",
    ]

    /// Keywords that say something the name does not, and are words.
    static func keywords(_ keywords: [String], beside name: String) -> [String] {
        let known = words(of: name)
        return keywords.filter { keyword in
            guard !notSeen.contains(keyword.lowercased()), keyword.count > 2,
                keyword.allSatisfy({ $0.isLetter || $0 == " " || $0 == "-" })
            else { return false }
            // "wrestle" beside "wrestling", "card" beside "cards" say nothing new.
            return !words(of: keyword).allSatisfy { word in
                known.contains { $0 == word || ($0.count > 3 && word.count > 3 && $0.hasPrefix(word.dropLast())) }
            }
        }
    }

    private static func words(of text: String) -> [String] {
        text.lowercased().split { !$0.isLetter }.map(String.init)
    }
}
