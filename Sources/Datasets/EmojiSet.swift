import Images

/// The built-in set `emoji`: each of Noto's cut-outs centred on a square ground, with captions worded from its name and
/// keywords.
public struct EmojiSet: CaptionedPictures {
    /// What stands behind a cut-out.
    public enum Ground: String, Sendable, Codable, CaseIterable {
        case white
        /// One of ten soft colours, drawn by the variation; `groundNamed` captions of all say which.
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
        var draws = SeededGenerator(variation, 0x65_6D6F_6A69)
        var colour = Colour.white
        var behind: String?
        if ground == .soft, let soft = draws.pick(SoftGround.all) {
            colour = soft.colour
            if draws.chance(groundNamed) { behind = "on \(soft.phrase) background" }
        }
        let caption = EmojiCaptions.caption(for: emoji, ground: behind, draws: &draws)
        let picture = try collection.picture(of: emoji).trimmed().centred(inSquare: Self.side, over: colour)
        return Example(picture: picture, caption: caption, key: emoji.name)
    }

    public func captions(at index: Int) throws -> [String] {
        try check(index)
        return EmojiCaptions.all(for: emoji[index])
    }

    public func identity(at index: Int) throws -> ExampleIdentity {
        let captions = try captions(at: index)
        return ExampleIdentity(key: emoji[index].name, stamp: "\(ground.rawValue)-\(stamp(captions))")
    }
}

struct SoftGround: Sendable {
    let phrase: String
    let colour: Colour

    static let all = [
        SoftGround(phrase: "a white", colour: .white),
        SoftGround(phrase: "a light blue", colour: Colour(red: 196, green: 222, blue: 244)),
        SoftGround(phrase: "a light green", colour: Colour(red: 205, green: 232, blue: 200)),
        SoftGround(phrase: "a light yellow", colour: Colour(red: 250, green: 240, blue: 190)),
        SoftGround(phrase: "a pink", colour: Colour(red: 246, green: 208, blue: 218)),
        SoftGround(phrase: "a lavender", colour: Colour(red: 220, green: 210, blue: 240)),
        SoftGround(phrase: "a peach", colour: Colour(red: 250, green: 218, blue: 194)),
        SoftGround(phrase: "a light grey", colour: Colour(red: 214, green: 216, blue: 220)),
        SoftGround(phrase: "a dark blue", colour: Colour(red: 44, green: 58, blue: 94)),
        SoftGround(phrase: "a black", colour: Colour(red: 18, green: 18, blue: 20)),
    ]
}
