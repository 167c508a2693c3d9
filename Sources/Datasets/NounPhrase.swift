/// A noun phrase of English and its article: "a red apple", "an elephant", "grapes", "the Statue of Liberty".
public struct NounPhrase: Sendable, Equatable {
    /// The phrase without an article: "red apple".
    public let bare: String
    /// "a", "an", "the", or nil for plurals, mass nouns and names of persons.
    public let article: String?

    /// The phrase as it stands in a sentence: "a red apple".
    public var text: String { article.map { $0 + " " + bare } ?? bare }

    /// Reads a phrase that is already right, with or without its article.
    public init(_ text: String) {
        for article in ["a", "an", "the"] where text.hasPrefix(article + " ") {
            self.article = article
            bare = String(text.dropFirst(article.count + 1))
            return
        }
        article = nil
        bare = text
    }

    /// A phrase whose head decides: plurals and mass nouns stand alone, everything else takes "a" or "an".
    public init(of noun: String) {
        bare = noun
        article = Self.isPlural(noun) || Self.mass.contains(noun) ? nil : Self.indefiniteArticle(before: noun)
    }

    /// By sound as far as spelling shows it: "an hour", "a unicorn", "an x-ray", "a one-piece swimsuit", "an 8 ball".
    public static func indefiniteArticle(before words: String) -> String {
        let word = words.lowercased()
        if silentConsonants.contains(where: word.hasPrefix) { return "an" }
        if voicedVowels.contains(where: word.hasPrefix) { return "a" }
        return word.first.map { "aeiou8".contains($0) } == true ? "an" : "a"
    }

    private static let silentConsonants = ["hour", "honest", "honor", "honour", "heir", "x-ray", "11", "18"]
    private static let voicedVowels = [
        "uni", "use", "usu", "uti", "ukulele", "euro", "ewe", "eu", "one", "once", "ufo",
    ]

    /// Whether the head noun, the last word before a preposition or participle, is a plural.
    static func isPlural(_ noun: String) -> Bool {
        if ["people ", "men ", "women ", "two "].contains(where: noun.hasPrefix) { return true }
        var head = ""
        for (position, word) in noun.split(separator: " ").enumerated() {
            if position > 0, complements.contains(String(word)) { break }
            head = word.lowercased()
        }
        if ["people", "men", "women", "dice", "police"].contains(head) { return true }
        if singularInS.contains(head) { return false }
        return head.hasSuffix("s") && !["ss", "us", "is", "’s", "'s"].contains(where: head.hasSuffix)
    }

    private static let complements: Set<String> = [
        "with", "of", "on", "in", "and", "behind", "showing", "holding", "without", "over", "at", "to", "from", "for",
        "pointing", "fluttering", "under", "beside", "playing", "lifting", "wearing", "rowing",
    ]
    private static let singularInS: Set<String> = ["gas", "lens", "canvas", "atlas", "christmas", "pancreas"]

    private static let mass: Set<String> = [
        "bread", "garlic", "broccoli", "bacon", "popcorn", "butter", "salt", "canned food", "cooked rice", "curry rice",
        "spaghetti", "oden", "sushi", "falafel", "dango", "custard", "shaved ice", "soft ice cream", "ice cream", "ice",
        "bubble tea", "sake", "mate", "candy", "wood", "fog", "fire", "confetti", "luggage", "meat on the bone",

    ]
}
