/// What can truly be said of a scene, from 3 to 30 words: several templates, synonyms, parts left out.
///
/// A caption may leave a place or a light out, but never says one that is not there; a style is always told.
public struct CaptionGrammar: Sendable {
    let phrase: Phrase
    private let scene: SceneDescription

    public init(_ scene: SceneDescription) {
        self.scene = scene
        phrase = Self.caption(scene)
    }

    /// The same without some words; nil where nothing is left to say.
    init?(_ scene: SceneDescription, without banned: Set<String>) {
        guard let phrase = Self.caption(scene).without(banned) else { return nil }
        self.scene = scene
        self.phrase = phrase
    }

    /// Whether this caption can be said of the scene.
    public func accepts(_ caption: String) -> Bool { phrase.accepts(caption) }

    /// One caption; the same for the same seed.
    public func caption(seed: UInt64) -> String {
        var random = SceneRandom(seed: seed, index: 0, stream: .caption)
        return caption(&random)
    }

    func caption(_ random: inout SceneRandom) -> String {
        var shortest = ""
        for _ in 0..<16 {
            let caption = phrase.sample(&random)
            let count = caption.split(separator: " ").count
            if (3...30).contains(count) { return caption }
            if shortest.isEmpty || (count > 30 && caption.count < shortest.count) { shortest = caption }
        }
        return shortest
    }

    // MARK: the whole

    private static func caption(_ scene: SceneDescription) -> Phrase {
        let alternatives = frames(scene.style).map { frame in
            (frame.weight, Phrase.all(frame.before, core(scene, fronted: frame.opens), frame.after))
        }
        return .choice(alternatives)
    }

    /// What a style puts around what is seen; `opens` where nothing stands before it, so that it may begin with
    /// "at night, …".
    struct Frame {
        var weight = 1.0
        var before = Phrase.sequence([])
        var after = Phrase.sequence([])
        var opens: Bool { if case .sequence(let parts) = before { parts.isEmpty } else { false } }
    }

    static func frames(_ style: Style) -> [Frame] {
        func prefix(_ words: String...) -> Frame { Frame(before: .any(words)) }
        func suffix(_ words: String...) -> Frame { Frame(after: .any(words)) }
        func around(_ before: Phrase, _ words: String...) -> Frame { Frame(before: before, after: .any(words)) }
        let painting = Phrase.any("a painting of", "a picture of")
        switch style {
        case .plain:
            return [
                Frame(weight: 3),
                prefix("a picture of", "an image of", "an illustration of"),
            ]
        case .oilPainting:
            return [
                prefix("an oil painting of", "oil painting of", "a painting in oil of"),
                suffix(", oil painting", ", an oil painting", ", oil on canvas"),
                around(.words("a painting of"), "in oil", "in the style of an oil painting"),
            ]
        case .watercolour:
            return [
                prefix(
                    "a watercolour of", "watercolour of", "a watercolor of", "a watercolour painting of",
                    "a watercolor painting of"),
                suffix(", watercolour", ", watercolor", ", watercolour painting", "in watercolours"),
                around(painting, "in watercolour", "in watercolours", "in watercolor"),
            ]
        case .pixelArt:
            return [
                prefix("pixel art of", "a pixel art picture of"),
                suffix(", pixel art", ", pixel art style", "in pixel art style", "as pixel art"),
            ]
        case .pencilSketch:
            return [
                prefix(
                    "a pencil sketch of", "pencil sketch of", "a pencil drawing of", "a sketch of",
                    "a drawing in pencil of"),
                suffix(", pencil sketch", ", pencil drawing", "drawn in pencil"),
            ]
        case .flatPoster:
            return [
                prefix("a flat poster of", "a poster of", "a flat design poster of"),
                suffix(", flat poster", ", poster art", "as a flat poster", "in poster style"),
            ]
        case .starryNight:
            return [
                Frame(weight: 0.8, before: .any("a starry night style painting of", "a starry night painting of")),
                Frame(weight: 1.4, before: painting, after: vanGogh),
                Frame(weight: 0.8, after: vanGogh),
                Frame(
                    weight: 0.6,
                    after: .any(", starry night style", ", in the style of starry night", ", van gogh style")),
            ]
        }
    }

    private static var vanGogh: Phrase {
        .any(
            "in the style of starry night", "in the style of the starry night",
            "in the style of van gogh's starry night", "in the style of van gogh")
    }

    private static func core(_ scene: SceneDescription, fronted: Bool) -> Phrase {
        let who = subjects(scene)
        let at = placePhrase(scene)
        let when = lightPhrase(scene)
        let told = scene.light == .day ? 0.4 : 0.9
        var ways: [(weight: Double, phrase: Phrase)] = [
            // a house next to a lake in moonlight
            (5, .all(who, .maybe(0.93, at), .maybe(told, when))),
            // a lake in moonlight with a house; moonlit lake with a cottage
            (2, .all(placeNoun(scene, told: told, bare: fronted), .words("with"), who)),
            // a fall landscape with a small cottage next to a lake
            (
                scene.season == .autumn ? 2 : 0.4,
                .all(landscape(scene, bare: fronted), .words("with"), who, .maybe(0.85, at))
            ),
        ]
        if fronted {
            ways += [
                // at night, a fox in the forest
                (0.8, .all(when, .words(","), who, .maybe(0.93, at))),
                // in the forest at night, a fox
                (0.6, .all(at, .maybe(told, when), .words(","), who)),
            ]
        }
        return .choice(ways)
    }

    // MARK: place and light

    static func lightPhrase(_ scene: SceneDescription) -> Phrase {
        switch scene.light {
        case .day:
            .any(
                ["in daylight", "during the day", "on a sunny day", "by day", "in the sunshine"]
                    + (scene.style.keepsColours ? ["under a blue sky"] : []))
        case .sunset:
            .any(
                "at sunset", "at dusk", "in the evening", "at sundown", "in the evening sun",
                "in the light of the setting sun")
        case .moonlight:
            .any(
                "in moonlight", "at night", "in the moonlight", "by moonlight", "under the moon", "on a moonlit night",
                "by night", "under a full moon")
        case .fog: .any("in fog", "in the fog", "in mist", "in the mist", "on a foggy day", "in thick fog")
        }
    }

    private static func lightAdjective(_ light: Light) -> [String] {
        switch light {
        case .day: ["sunny", "sunlit"]
        case .sunset: ["sunset"]
        case .moonlight: ["moonlit"]
        case .fog: ["foggy", "misty"]
        }
    }

    private static func nouns(_ scene: SceneDescription) -> [String] {
        switch scene.place {
        case .lake: ["lake"]
        case .mountains: ["mountain landscape", "mountain valley"]
        case .forest: ["forest", "wood"]
        case .beach: ["beach", "seashore"]
        case .desert: ["desert", "desert landscape"]
        case .snow: ["snowy landscape", "winter landscape", "snowy field"]
        case .city: ["city", "city street"]
        case .meadow: ["meadow", "field"]
        }
    }

    private static func landscape(_ scene: SceneDescription, bare: Bool) -> Phrase {
        scene.season == .autumn
            ? .all(opening(bare, 0.85), .any("fall landscape", "autumn landscape", "fall scene", "autumn scene"))
            : .all(.article, .choice(lightAdjective(scene.light).map { (1, .words($0)) }), .any("landscape", "scene"))
    }

    /// A place that stands first: "moonlit lake", "a lake at night", "an autumn forest in fog".
    static func placeNoun(_ scene: SceneDescription, told: Double, bare: Bool) -> Phrase {
        let noun = Phrase.any(nouns(scene))
        let season = seasonAdjective(scene, 0.85)
        return .choice([
            (told, .all(opening(bare, 0.7), .any(lightAdjective(scene.light)), season, noun)),
            (1, .all(opening(bare, 0.8), season, noun, .maybe(told, lightPhrase(scene)))),
        ])
    }

    /// The article of a place that stands first; it may be dropped where nothing stands before it.
    private static func opening(_ bare: Bool, _ probability: Double) -> Phrase {
        bare ? .maybe(probability, .article) : .article
    }

    private static func seasonAdjective(_ scene: SceneDescription, _ probability: Double) -> Phrase {
        scene.season == .autumn ? .maybe(probability, .any("autumn", "fall", "autumnal")) : .sequence([])
    }

    /// Where it is; the season before the place, after it, or not at all.
    static func placePhrase(_ scene: SceneDescription) -> Phrase {
        let bare = placePhrase(scene, season: .sequence([]))
        guard scene.season == .autumn else { return bare }
        return .choice([
            (0.6, placePhrase(scene, season: seasonAdjective(scene, 1))),
            (0.2, .all(bare, .any("in autumn", "in the fall", "in fall"))),
            (0.2, bare),
        ])
    }

    private static func placePhrase(_ scene: SceneDescription, season: Phrase) -> Phrase {
        func with(_ prepositions: String..., nouns: String...) -> Phrase {
            .choice([
                (1, .all(.any(prepositions), .words("the"), season, .any(nouns))),
                (1, .all(.any(prepositions), .article, season, .any(nouns))),
            ])
        }
        let habitats = Set(scene.entities.compactMap { Subject.byName[$0.subject]?.habitat })
        let flying = habitats == [.sky]
        // Whatever flies above it, a boat stays in the water.
        let afloat = habitats.contains(.water) && !habitats.contains(.ground)
        return switch scene.place {
        case .lake:
            flying
                ? with("over", "above", nouns: "lake")
                : afloat
                    ? with("on", "out on", nouns: "lake")
                    : with("next to", "by", "beside", "at", "near", "on the shore of", nouns: "lake")
        case .mountains:
            flying
                ? .all(.any("over", "above"), .words("the"), season, .any("mountains"))
                : .choice([
                    (3, .all(.any("in", "in front of"), .words("the"), season, .words("mountains"))),
                    (1, .all(.words("in"), .article, season, .any("mountain landscape", "mountain valley"))),
                ])
        case .forest:
            flying
                ? with("over", "above", nouns: "forest")
                : .choice([(2, with("in", nouns: "forest")), (1, .all(.words("in the"), season, .words("woods")))])
        case .beach:
            flying
                ? .any("over the beach", "above a beach", "over the sea")
                : afloat
                    ? .any("on the sea", "in the sea", "by the beach", "off a beach")
                    : .any(
                        "on a beach", "on the beach", "at the beach", "by the sea", "on a sandy beach",
                        "at the seashore")
        case .desert:
            flying
                ? .any("over the desert", "above a desert", "in the desert")
                : .any("in the desert", "in a desert", "in a sandy desert")
        case .snow:
            flying
                ? .any("over the snow", "above a snowy field", "in a snowy landscape")
                : .any("in the snow", "in snow", "in a snowy landscape", "on a snowy field", "in a winter landscape")
        case .city:
            flying
                ? .any("over the city", "above a city", "over the town")
                : .any("in the city", "in a city", "in town", "in front of a city skyline", "in a city street")
        case .meadow:
            flying
                ? with("over", "above", nouns: "meadow", "field")
                : with("in", "on", nouns: "meadow").or(with("in", nouns: "field"))
        }
    }

    // MARK: subjects

    private static func subjects(_ scene: SceneDescription) -> Phrase {
        let names = scene.entities.map { noun($0, scene.style) }
        switch names.count {
        case 0: return .sequence([])
        case 1: return names[0]
        case 2:
            guard let relation = scene.relations.first else { return .all(names[0], .words("and"), names[1]) }
            return related(names[relation.subject], relation.kind, names[relation.object])
        default:
            guard scene.relations.count > 1 else {
                return .all(names[0], .words(","), names[1], .words("and"), names[2])
            }
            let first = scene.relations[0]
            let second = scene.relations[1]
            let pair = related(names[first.subject], first.kind, names[first.object])
            // The second relation shares one subject with the first, which is then known: "the fox".
            let shared =
                [first.subject, first.object].first { $0 == second.subject || $0 == second.object } ?? second.object
            let newcomer = second.subject == shared ? second.object : second.subject
            let known = Phrase.all(.words("the"), plainNoun(scene.entities[shared]))
            let told =
                newcomer == second.subject
                ? Phrase.all(names[newcomer], .any(words(second.kind)), known)
                : Phrase.all(names[newcomer], .any(inverseWords(second.kind)), known)
            return .choice([
                (2, .all(pair, .any("and", ", and", "with"), told)),
                (1, .all(names[0], .words(","), names[1], .words("and"), names[2])),
            ])
        }
    }

    static func words(_ kind: RelationKind) -> [String] {
        switch kind {
        case .leftOf: ["to the left of", "left of", "on the left of"]
        case .nextTo: ["next to", "beside", "close to"]
        case .above: ["above", "over", "high above"]
        case .inFrontOf: ["in front of"]
        case .using: ["using"]
        }
    }

    static func inverseWords(_ kind: RelationKind) -> [String] {
        switch kind {
        case .leftOf: ["to the right of", "right of", "on the right of"]
        case .nextTo: ["next to", "beside", "close to"]
        case .above: ["below", "under", "beneath"]
        case .inFrontOf: ["behind"]
        case .using: ["used by"]
        }
    }

    private static func related(_ a: Phrase, _ kind: RelationKind, _ b: Phrase) -> Phrase {
        var ways: [(weight: Double, phrase: Phrase)] = [
            (2, .all(a, .any(words(kind)), b)), (1.4, .all(b, .any(inverseWords(kind)), a)),
        ]
        if kind == .nextTo {
            ways += [
                (0.8, .all(a, .words("and"), b)), (0.4, .all(b, .words("and"), a)), (0.3, .all(a, .words("with"), b)),
            ]
        }
        if kind == .leftOf { ways.append((0.4, .all(a, .any("on the left and"), b, .words("on the right")))) }
        return .choice(ways)
    }

    static func plainNoun(_ entity: SceneDescription.Entity) -> Phrase {
        guard let subject = Subject.byName[entity.subject] else { return .words(entity.subject) }
        return .words(entity.count > 1 ? subject.plural : subject.name)
    }

    static func noun(_ entity: SceneDescription.Entity, _ style: Style) -> Phrase {
        guard let subject = Subject.byName[entity.subject] else { return .words(entity.subject) }
        var parts: [Phrase] = []
        let numbers = ["", "one", "two", "three", "four", "five"]
        let several = entity.count > 1
        parts.append(
            several ? .any([numbers[min(entity.count, 5)]] + (entity.count == 2 ? ["a pair of"] : [])) : .article)
        switch entity.size {
        case .small: parts.append(.maybe(0.9, .any("small", "little", "tiny")))
        case .large: parts.append(.maybe(0.9, .any("large", "big", "huge")))
        case .medium: break
        }
        if let colour = entity.colour {
            parts.append(.maybe(0.95, colourWord(colour)))
        } else if style.keepsColours, let colour = subject.naturalColour {
            parts.append(.maybe(0.08, colourWord(colour)))
        }
        parts.append(
            several
                ? .words(subject.plural)
                : .choice([(4, .words(subject.name))] + subject.synonyms.map { (1, .words($0)) }))
        if !entity.wears.isEmpty {
            parts.append(
                .maybe(
                    0.97, .all(.any(several ? ["wearing"] : ["wearing", "in", "with"]), clothes(entity.wears, style))))
        }
        return .sequence(parts)
    }

    private static func colourWord(_ word: ColourWord) -> Phrase {
        word == .grey ? .any("grey", "gray") : .words(word.rawValue)
    }

    private static func clothes(_ worn: [SceneDescription.Worn], _ style: Style) -> Phrase {
        let items = worn.map { item -> Phrase in
            let name: Phrase =
                switch item.garment {
                case .bowTie: .any("bow tie", "bowtie")
                case .partyHat: .words("party hat")
                case .topHat: .any(["top hat"] + (style.keepsColours ? ["black top hat"] : []))
                case .crown: .any(["crown"] + (style.keepsColours ? ["golden crown"] : []))
                }
            return .all(.article, item.colour.map(colourWord) ?? .sequence([]), name)
        }
        return .sequence(items.enumerated().flatMap { i, item in i == 0 ? [item] : [.words("and"), item] })
    }
}

extension Phrase {
    func or(_ other: Phrase) -> Phrase { .choice([(1, self), (1, other)]) }
}
