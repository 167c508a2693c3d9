/// The held-out compositions: a fixed fifth of all (subject, place), (subject, style) and
/// (subject, relation, subject) combinations, chosen by hash, that no training scene contains.
///
/// The plain style is nobody's composition and is never held out.
public enum SceneSplit: String, Codable, Sendable, CaseIterable {
    /// Scenes with no held-out combination.
    case train
    /// Scenes with at least one.
    case heldOut
    /// All scenes.
    case all

    /// Picked so that the prompts the project shows (house and cottage at a lake, a fox in the style of starry
    /// night) are held out, every swimmer keeps water to be trained in, no subject has more than five of its eight places
    /// held out, and the shares of places and styles are within a point of a fifth.
    static let salt: UInt64 = 184

    public static func isHeldOut(subject: String, place: Place) -> Bool {
        inFifth("place|\(subject)|\(place.rawValue)")
    }

    public static func isHeldOut(subject: String, style: Style) -> Bool {
        style != .plain && inFifth("style|\(subject)|\(style.rawValue)")
    }

    public static func isHeldOut(subject: String, relation: RelationKind, object: String) -> Bool {
        let pair = relation.isSymmetric && object < subject ? (object, subject) : (subject, object)
        return inFifth("relation|\(pair.0)|\(relation.rawValue)|\(pair.1)")
    }

    /// Whether anything in it is held out.
    public static func isHeldOut(_ scene: SceneDescription) -> Bool {
        scene.entities.contains {
            isHeldOut(subject: $0.subject, place: scene.place) || isHeldOut(subject: $0.subject, style: scene.style)
        }
            || scene.relations.contains {
                isHeldOut(
                    subject: scene.entities[$0.subject].subject, relation: $0.kind,
                    object: scene.entities[$0.object].subject)
            }
    }

    func admits(_ scene: SceneDescription) -> Bool {
        switch self {
        case .all: true
        case .train: !Self.isHeldOut(scene)
        case .heldOut: Self.isHeldOut(scene)
        }
    }

    private static func inFifth(_ key: String) -> Bool { hash(key, salt: salt) % 5 == 0 }

    /// FNV-1a of the bytes, finished by SplitMix64's mixer.
    package static func hash(_ key: String, salt: UInt64) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mix64(hash ^ mix64(salt))
    }
}
