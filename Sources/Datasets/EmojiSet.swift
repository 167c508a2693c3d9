import Images

/// The built-in set `emoji`: each of Noto's cut-outs centred on a square ground, with captions worded from its name and
/// keywords.
public struct EmojiSet: CaptionedPictures {
    /// What stands behind a cut-out.
    public enum Ground: String, Sendable, Codable, CaseIterable {
        case white
        /// One of ten soft colours, drawn by the variation. Where `EmojiSet.namesGround` asks, the caption says which.
        case soft
    }

    public let name: String
    public let collection: EmojiCollection
    public let emoji: [Emoji]
    public let ground: Ground
    /// How often a caption names its ground: "a red apple on a light blue background".
    public let groundNamed: Double
    /// Of the square, in pixels: the cut-out's 136 and a margin.
    public static let side = 144

    /// - Parameter emoji: those of `collection` to be shown; by default all.
    public init(
        _ collection: EmojiCollection, emoji: [Emoji]? = nil, ground: Ground = .white, groundNamed: Double = 0.5,
        name: String = "emoji"
    ) {
        self.name = name
        self.collection = collection
        self.emoji = emoji ?? collection.emoji
        self.ground = ground
        self.groundNamed = groundNamed
    }

    public var count: Int { emoji.count }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        let emoji = emoji[index]
        var draws = SeededGenerator(variation, 0x656D6F6A69)
        var caption = EmojiCaptions.caption(for: emoji, draws: &draws)
        var colour = Colour.white
        if ground == .soft, let soft = draws.pick(SoftGround.all) {
            colour = soft.colour
            if draws.chance(groundNamed) { caption += " on \(soft.phrase) background" }
        }
        let picture = try collection.picture(of: emoji).trimmed().centred(inSquare: Self.side, over: colour)
        return Example(picture: picture, caption: caption, key: emoji.name)
    }

    public func captions(at index: Int) throws -> [String] {
        try check(index)
        return EmojiCaptions.all(for: emoji[index])
    }
}

struct SoftGround: Sendable {
    let phrase: String
    let colour: Colour

    static let all = [
        SoftGround(phrase: "a white", colour: .white),
        SoftGround(phrase: "a light blue", colour: Colour(196, 222, 244)),
        SoftGround(phrase: "a light green", colour: Colour(205, 232, 200)),
        SoftGround(phrase: "a light yellow", colour: Colour(250, 240, 190)),
        SoftGround(phrase: "a pink", colour: Colour(246, 208, 218)),
        SoftGround(phrase: "a lavender", colour: Colour(220, 210, 240)),
        SoftGround(phrase: "a peach", colour: Colour(250, 218, 194)),
        SoftGround(phrase: "a light grey", colour: Colour(214, 216, 220)),
        SoftGround(phrase: "a dark blue", colour: Colour(44, 58, 94)),
        SoftGround(phrase: "a black", colour: Colour(18, 18, 20)),
    ]
}
