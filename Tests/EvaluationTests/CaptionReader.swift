import Scenes

/// What a caption says, read by its words: written apart from the grammar that says it.
struct Content: Hashable {
    var subjects: [String] = []
    var place: Place?
    var light: Light?
    var style = Style.plain
    /// Subject, kind, object by name; "next to" in the order of the names.
    var relation: [String] = []

    init() {}

    init(_ scene: SceneDescription) {
        subjects = scene.entities.map(\.subject).sorted()
        (place, light, style) = (scene.place, scene.light, scene.style)
        if let first = scene.relations.first {
            relation = Self.relation(
                scene.entities[first.subject].subject, first.kind, scene.entities[first.object].subject)
        }
    }

    static func relation(_ a: String, _ kind: RelationKind, _ b: String) -> [String] {
        let pair = kind == .nextTo ? [a, b].sorted() : [a, b]
        return [pair[0], kind.rawValue, pair[1]]
    }

    /// The parts in which two contents differ. A subject that is exchanged changes the relation's names, not the relation.
    func parts(unlike other: Content) -> Set<ScenePart> {
        var parts: Set<ScenePart> = []
        if subjects != other.subjects { parts.insert(.subject) }
        if place != other.place { parts.insert(.place) }
        if light != other.light { parts.insert(.light) }
        if style != other.style { parts.insert(.style) }
        if subjects == other.subjects ? relation != other.relation : relation.dropFirst().first != other.relation.dropFirst().first {
            parts.insert(.relation)
        }
        return parts
    }
}

struct CaptionReader {
    private let names: [String: String]
    private let longest: Int

    init() {
        var names: [String: String] = [:]
        for subject in Subject.all {
            for name in [subject.name, subject.plural] + subject.synonyms { names[name] = subject.name }
        }
        self.names = names
        longest = names.keys.map { $0.split(separator: " ").count }.max() ?? 1
    }

    func read(_ caption: String) -> Content {
        var words = Self.words(of: caption)
        var content = Content()
        content.style = style(&words)
        let found = subjects(in: words)
        content.subjects = found.map(\.name).sorted()
        let rest = words.indices.filter { index in !found.contains { $0.at.contains(index) } }.map { words[$0] }
        content.place = Self.only(Self.places, rest)
        content.light = Self.only(Self.lights, rest)
        if found.count == 2 { content.relation = relation(in: words, found[0], found[1]) }
        return content
    }

    /// What is told between each two subjects named one after the other, as in `Content.relation`; "and" tells nothing.
    func relations(_ caption: String) -> [[String]] {
        let words = Self.words(of: caption)
        let found = subjects(in: words)
        return zip(found, found.dropFirst()).map { relation(in: words, $0, $1) }.filter { !$0.isEmpty }
    }

    private typealias Found = (name: String, at: Range<Int>)

    private static func words(of caption: String) -> [String] {
        caption.lowercased().replacing(",", with: " ").split(separator: " ").map(String.init)
    }

    private func subjects(in words: [String]) -> [Found] {
        var found: [Found] = []
        var index = 0
        while index < words.count {
            let length = stride(from: min(longest, words.count - index), through: 1, by: -1).first { length in
                names[words[index..<index + length].joined(separator: " ")] != nil
            }
            if let length, let name = names[words[index..<index + length].joined(separator: " ")] {
                found.append((name, index..<index + length))
                index += length
            } else {
                index += 1
            }
        }
        return found
    }

    private static let places: [Place: [String]] = [
        .lake: ["lake"], .mountains: ["mountains", "mountain"], .forest: ["forest", "wood", "woods"],
        .beach: ["beach", "sea", "seashore"], .desert: ["desert"], .snow: ["snow", "snowy", "winter"],
        .city: ["city", "town"], .meadow: ["meadow"],
    ]
    private static let lights: [Light: [String]] = [
        .day: ["sunny", "sky"], .sunset: ["sunset", "sundown", "setting", "evening"],
        .moonlight: ["moonlight", "moonlit", "moon", "night"], .fog: ["fog", "foggy", "mist", "misty"],
    ]

    /// The one key of which a word is there; nil for none, and for two.
    private static func only<Key>(_ table: [Key: [String]], _ words: [String]) -> Key? {
        let keys = table.filter { $0.value.contains { words.contains($0) } }.map(\.key)
        return keys.count == 1 ? keys[0] : nil
    }

    private func style(_ words: inout [String]) -> Style {
        let table: [(String, Style)] = [
            ("oil", .oilPainting), ("watercolour", .watercolour), ("watercolor", .watercolour),
            ("watercolours", .watercolour), ("pixel", .pixelArt), ("pencil", .pencilSketch), ("sketch", .pencilSketch),
            ("poster", .flatPoster), ("starry", .starryNight), ("gogh", .starryNight), ("gogh's", .starryNight),
        ]
        let style = table.first { words.contains($0.0) }?.1 ?? .plain
        // "a city skyline" is no sky; "starry night" is no night.
        if style == .starryNight, let at = words.firstIndex(of: "starry"), at + 1 < words.count { words.remove(at: at + 1) }
        return style
    }

    private func relation(in words: [String], _ a: Found, _ b: Found) -> [String] {
        let between = " " + words[a.at.upperBound..<b.at.lowerBound].joined(separator: " ") + " "
        let phrases: [(String, RelationKind, Bool)] = [
            (" left ", .leftOf, true), (" right of ", .leftOf, false), (" next to ", .nextTo, true),
            (" beside ", .nextTo, true), (" close to ", .nextTo, true), (" in front of ", .inFrontOf, true),
            (" behind ", .inFrontOf, false), (" above ", .above, true), (" over ", .above, true),
            (" below ", .above, false), (" under ", .above, false), (" beneath ", .above, false),
            (" using ", .using, true), (" used by ", .using, false),
        ]
        guard let (_, kind, isForward) = phrases.first(where: { between.contains($0.0) }) else { return [] }
        return isForward ? Content.relation(a.name, kind, b.name) : Content.relation(b.name, kind, a.name)
    }
}
