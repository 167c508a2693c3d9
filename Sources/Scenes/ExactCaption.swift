/// A caption that leaves nothing out that is asked about: subjects, relation, place, light and style are all told, each in
/// words that exclude the others. What a picture is drawn of when it is to be judged.
///
/// It says a part of what `CaptionGrammar` may say, with the same words, so that a model trained on those captions knows
/// them. Left out are words that are true of two things: "by day" of fog too, "at dusk" of a moonlit evening, "field" of
/// snow.
struct ExactCaption {
    private let scene: SceneDescription

    init(_ scene: SceneDescription) { self.scene = scene }

    /// Texts of the grammar that tell a light or a place and may be true of another as well.
    static let ambiguous: [ScenePart: Set<String>] = [
        .light: [
            "in daylight", "during the day", "by day", "in the sunshine", "sunny", "sunlit",
            "at dusk", "in the evening",
        ],
        .place: ["field"],
    ]
    private static let allAmbiguous = ambiguous.values.reduce(into: Set<String>()) { $0.formUnion($1) }

    /// - Parameter key: the same key words two scenes alike wherever they are alike.
    func caption(key: UInt64) -> String {
        var caption = ""
        for attempt in 0..<16 {
            caption = phrase(key: mix64(key &+ UInt64(attempt))).sample(key: mix64(key ^ UInt64(attempt)))
            if caption.split(separator: " ").count <= 30 { break }
        }
        return caption
    }

    /// One way to tell it: what a style puts around, and the order of the parts.
    private func phrase(key: UInt64) -> Phrase {
        var random = SceneRandom(state: key)
        let frames = CaptionGrammar.frames(scene.style)
        let frame = frames[random.weighted(frames.map(\.weight))]
        let who = Self.subjects(scene)
        let at = Self.certain(CaptionGrammar.placePhrase(scene))
        let when = Self.certain(CaptionGrammar.lightPhrase(scene))
        let core: Phrase =
            switch random.weighted(frame.opens ? [5, 2, 0.8, 0.6] : [5, 2]) {
            case 0: .all(who, at, when)
            case 1:
                .all(
                    Self.certain(CaptionGrammar.placeNoun(scene, told: 1, bare: frame.opens)), .words("with"), who)
            case 2: .all(when, .words(","), who, at)
            default: .all(at, when, .words(","), who)
            }
        return .all(frame.before, core, frame.after)
    }

    private static func certain(_ phrase: Phrase) -> Phrase { phrase.without(allAmbiguous) ?? phrase }

    private static func subjects(_ scene: SceneDescription) -> Phrase {
        let names = scene.entities.map { CaptionGrammar.noun($0, scene.style) }
        guard names.count > 1 else { return names.first ?? .sequence([]) }
        guard let first = scene.relations.first else {
            return .sequence(names.enumerated().flatMap { $0 == 0 ? [$1] : [.words("and"), $1] })
        }
        let pair = related(names[first.subject], first.kind, names[first.object])
        guard names.count > 2, let second = scene.relations.dropFirst().first else { return pair }
        // The second relation shares one subject with the first, which is then known: "the fox".
        let shared = [first.subject, first.object].contains(second.subject) ? second.subject : second.object
        let newcomer = second.subject == shared ? second.object : second.subject
        let words =
            newcomer == second.subject
            ? CaptionGrammar.words(second.kind) : CaptionGrammar.inverseWords(second.kind)
        let known = Phrase.all(.words("the"), CaptionGrammar.plainNoun(scene.entities[shared]))
        return .all(pair, .any("and", ", and", "with"), names[newcomer], .any(words), known)
    }

    /// Never by "and" alone, which tells no relation.
    private static func related(_ a: Phrase, _ kind: RelationKind, _ b: Phrase) -> Phrase {
        var ways: [(weight: Double, phrase: Phrase)] = [
            (2, .all(a, .any(CaptionGrammar.words(kind)), b)), (1.4, .all(b, .any(CaptionGrammar.inverseWords(kind)), a)),
        ]
        if kind == .leftOf { ways.append((0.4, .all(a, .any("on the left and"), b, .words("on the right")))) }
        return .choice(ways)
    }
}
