/// How a cut-out is put into words: its phrase alone most often, with a lead or a keyword sometimes.
enum EmojiCaptions {
    private static let leads = ["a picture of", "a drawing of", "an icon of", "an emoji of", "an illustration of"]

    /// - Parameter ground: what stands behind, as it ends the phrase: "on a pink background".
    static func caption(for emoji: Emoji, ground: String? = nil, draws: inout SeededGenerator) -> String {
        let behind = ground.map { " " + $0 } ?? ""
        switch draws.below(10) {
        case 0..<4:
            return emoji.phrase.text + behind
        case 4..<6:
            return emoji.phrase.bare + behind
        case 6..<8:
            return (draws.pick(leads) ?? leads[0]) + " " + emoji.phrase.text + behind
        default:
            // A keyword is a tag, not grammar: it follows a comma, so that no article can be wrong.
            guard let keyword = draws.pick(emoji.keywords) else { return emoji.phrase.text + behind }
            return (draws.chance(0.5) ? emoji.phrase.text : emoji.phrase.bare) + behind + ", " + keyword
        }
    }

    static func all(for emoji: Emoji) -> [String] {
        let (text, bare) = (emoji.phrase.text, emoji.phrase.bare)
        return (text == bare ? [text] : [text, bare]) + leads.map { $0 + " " + text }
            + emoji.keywords.map { text + ", " + $0 }
    }
}
