/// How a cut-out is put into words: its phrase alone most often, with a lead or a keyword sometimes.
enum EmojiCaptions {
    private static let leads = ["a picture of", "a drawing of", "an icon of", "an emoji of", "an illustration of"]

    static func caption(for emoji: Emoji, draws: inout SeededGenerator) -> String {
        switch draws.below(10) {
        case 0..<4:
            return emoji.phrase.text
        case 4..<6:
            return emoji.phrase.bare
        case 6..<8:
            return (draws.pick(leads) ?? leads[0]) + " " + emoji.phrase.text
        default:
            // A keyword is a tag, not grammar: it follows a comma, so that no article can be wrong.
            guard let keyword = draws.pick(emoji.keywords) else { return emoji.phrase.text }
            return (draws.chance(0.5) ? emoji.phrase.text : emoji.phrase.bare) + ", " + keyword
        }
    }

    static func all(for emoji: Emoji) -> [String] {
        let (text, bare) = (emoji.phrase.text, emoji.phrase.bare)
        return (text == bare ? [text] : [text, bare]) + leads.map { $0 + " " + text }
            + emoji.keywords.map { text + ", " + $0 }
    }
}
