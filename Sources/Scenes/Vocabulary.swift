/// Where a scene is.
public enum Place: String, Codable, Sendable, CaseIterable, Hashable {
    case lake, mountains, forest, beach, desert, snow, city, meadow

    /// Whether boats and whales are at home here.
    var hasWater: Bool { self == .lake || self == .beach }
    /// Whether leaves and grass turn in autumn here.
    var hasAutumn: Bool { self == .lake || self == .mountains || self == .forest || self == .meadow }
}

/// The time of the year, told where it is seen: `autumn` colours leaves and grass.
public enum Season: String, Codable, Sendable, CaseIterable, Hashable { case summer, autumn }

/// What a scene is lit by.
public enum Light: String, Codable, Sendable, CaseIterable, Hashable { case day, sunset, moonlight, fog }

/// How a scene is painted; `plain` is the clean drawing itself.
public enum Style: String, Codable, Sendable, CaseIterable, Hashable {
    case plain, oilPainting, watercolour, pixelArt, pencilSketch, flatPoster, starryNight

    /// Whether a colour word still tells what is seen.
    var keepsColours: Bool { self != .pencilSketch }
}

/// How two subjects stand to each other. Each has one direction only: "right of" is `leftOf` read from the
/// other side, so that a held-out combination cannot come in by the back door.
public enum RelationKind: String, Codable, Sendable, CaseIterable, Hashable {
    case leftOf, nextTo, above, inFrontOf
    /// An animal or robot at a calculator or laptop that stands before it.
    case using

    var isSymmetric: Bool { self == .nextTo }
}

public enum SizeWord: String, Codable, Sendable, CaseIterable, Hashable { case small, medium, large }

/// Colours a subject may be given.
public enum ColourWord: String, Codable, Sendable, CaseIterable, Hashable {
    case red, orange, yellow, green, blue, purple, pink, white, black, grey, brown

    /// As painted, before light and style.
    var colour: Colour {
        switch self {
        case .red: Colour(0xDD2E2E)
        case .orange: Colour(0xF28A1E)
        case .yellow: Colour(0xF8CF2A)
        case .green: Colour(0x3FA648)
        case .blue: Colour(0x2F6FDB)
        case .purple: Colour(0x8A45C4)
        case .pink: Colour(0xF27FB2)
        case .white: Colour(0xF4F2EC)
        case .black: Colour(0x2B2B30)
        case .grey: Colour(0x8D9299)
        case .brown: Colour(0x8A5A34)
        }
    }
}

/// What an animal may wear.
public enum Garment: String, Codable, Sendable, CaseIterable, Hashable { case bowTie, partyHat, topHat, crown }
