/// A part of a scene that a caption can be wrong about.
public enum ScenePart: String, Codable, Sendable, CaseIterable, Hashable { case subject, place, light, style, relation }

/// What is said of another scene, which differs from a true one in known parts and in nothing else.
public struct AlteredCaption: Sendable, Equatable {
    public var parts: Set<ScenePart>
    public var scene: SceneDescription
    public var caption: String
}

/// Captions that are certainly false of a scene, and the true one, in one way of wording.
///
/// ```swift
/// let alterations = try CaptionAlterations(.simple)
/// let prompt = alterations.caption(of: scene, seed: 7)  // "a fox in the forest at night"
/// alterations.altered(scene, in: .light, seed: 7)  // "a fox in the forest at sunset" …
/// ```
/// An altered scene is one that the configuration could compose, on either side of its split: no caption is unlikely by
/// itself. Nothing is altered where the picture might show it all the same (`Likeness`), nor into what a caption need not
/// tell: never into the plain style, and "next to" never into "left of". So a relation is altered only where another is as
/// likely and false; something above something else has none.
public struct CaptionAlterations: Sendable {
    public let configuration: SceneConfiguration
    private let subjects: [Subject]

    /// - Throws: `SceneError.configuration`.
    public init(_ configuration: SceneConfiguration) throws(SceneError) {
        self.configuration = configuration
        subjects = try configuration.validated()
    }

    /// What a picture of the scene is to be drawn of and judged by: everything told. The same for the same seed.
    public func caption(of scene: SceneDescription, seed: UInt64) -> String { ExactCaption(scene).caption(key: seed) }

    /// All scenes that differ in one part alone, in a fixed order.
    public func scenes(like scene: SceneDescription, otherIn part: ScenePart) -> [SceneDescription] {
        func with<T>(_ path: WritableKeyPath<SceneDescription, T>, _ values: [T]) -> [SceneDescription] {
            values.map { value in
                var other = scene
                other[keyPath: path] = value
                return Self.settled(other)
            }.filter(isComposable)
        }
        switch part {
        case .light: return with(\.light, configuration.lights.filter { $0 != scene.light })
        case .style:
            let styles = configuration.styleProbability > 0 ? configuration.styles : []
            return with(\.style, styles.filter { $0 != scene.style && $0 != .plain })
        case .place:
            let alike = Likeness.places(like: scene.place)
            return with(\.place, configuration.places.filter { !alike.contains($0) })
        case .relation: return with(\.relations, relations(of: scene))
        case .subject:
            return scene.entities.indices.flatMap { index in
                with(\.entities, replacements(of: index, in: scene).map { name in
                    var entities = scene.entities
                    entities[index].subject = name
                    return entities
                })
            }
        }
    }

    /// Captions that are false in one part alone.
    ///
    /// - Parameter limit: at most so many, drawn by the seed where there are more.
    public func altered(
        _ scene: SceneDescription, in part: ScenePart, limit: Int = .max, seed: UInt64
    ) -> [AlteredCaption] {
        var random = SceneRandom(state: mix64(seed ^ 0xA17E_0001))
        let others = scenes(like: scene, otherIn: part)
        let chosen = others.count > limit ? Array(random.shuffled(others).prefix(max(0, limit))) : others
        var words = Wording(caption(of: scene, seed: seed), key: seed)
        return chosen.compactMap { words.altered($0, [part]) }
    }

    /// Captions that are false in one part or more: half of them in one, a third in two, the rest in three, as far as the
    /// configuration has so many scenes.
    ///
    /// - Returns: `count` captions, or fewer where there are no more.
    public func altered(_ scene: SceneDescription, count: Int, seed: UInt64) -> [AlteredCaption] {
        var random = SceneRandom(state: mix64(seed ^ 0xA17E_0002))
        var words = Wording(caption(of: scene, seed: seed), key: seed)
        // Nobody else's subject may stand in the true place unasked, wherever it is put: drawn from what fits there.
        let names = scene.entities.indices.map { replacements(of: $0, in: scene) }
        let exchanged = scene.entities.indices.filter { !names[$0].isEmpty }
        let parts = ScenePart.allCases.filter {
            $0 == .subject ? !exchanged.isEmpty : !scenes(like: scene, otherIn: $0).isEmpty
        }
        guard !parts.isEmpty else { return [] }
        var found: [AlteredCaption] = []
        for _ in 0..<max(0, count) * 60 where found.count < count {
            let number = 1 + random.weighted([0.5, 0.34, 0.16])
            var other = scene
            let chosen = Set(random.shuffled(parts).prefix(number))
            // Relations last: they ask who stands there.
            for part in ScenePart.allCases where chosen.contains(part) {
                if part == .subject {
                    guard let index = random.pick(exchanged), let name = random.pick(names[index]) else { break }
                    other.entities[index].subject = name
                    other = Self.settled(other)
                } else {
                    guard let next = random.pick(scenes(like: other, otherIn: part)) else { break }
                    other = next
                }
            }
            guard isComposable(other), Self.parts(of: other, unlike: scene) == chosen,
                let caption = words.altered(other, chosen)
            else { continue }
            found.append(caption)
        }
        return found
    }

    /// The parts in which two scenes of the same cast differ.
    static func parts(of scene: SceneDescription, unlike other: SceneDescription) -> Set<ScenePart> {
        var parts: Set<ScenePart> = []
        if scene.entities.map(\.subject) != other.entities.map(\.subject) { parts.insert(.subject) }
        if scene.place != other.place { parts.insert(.place) }
        if scene.light != other.light { parts.insert(.light) }
        if scene.style != other.style { parts.insert(.style) }
        if scene.relations != other.relations { parts.insert(.relation) }
        return parts
    }

    // MARK: what may stand for what

    private func replacements(of index: Int, in scene: SceneDescription) -> [String] {
        let entity = scene.entities[index]
        guard let own = Subject.byName[entity.subject] else { return [] }
        let taken = scene.entities.reduce(into: Likeness.scenery(of: scene.place)) {
            $0.formUnion(Likeness.names(like: $1.subject))
        }
        let isAlone = scene.entities.count == 1
        let uses = scene.relations.contains { $0.kind == .using && $0.subject == index }
        return subjects.filter { other in
            guard !taken.contains(other.name) else { return false }
            // Others' relations are those of its habitat; clothes need a figure, a colour needs paint.
            guard isAlone || other.habitat == own.habitat && other.isTool == own.isTool else { return false }
            guard !uses || other.usesTools, Composer.isAtHome(other, scene.place) else { return false }
            guard entity.wears.isEmpty || other.figure != nil else { return false }
            return entity.colour == nil || other.takesColour || !entity.wears.isEmpty
        }.map(\.name)
    }

    private func relations(of scene: SceneDescription) -> [[SceneDescription.Relation]] {
        let subjects = scene.entities.map { Subject.byName[$0.subject] }
        return scene.relations.indices.flatMap { index -> [[SceneDescription.Relation]] in
            let own = scene.relations[index]
            let swapped = SceneDescription.Relation(subject: own.object, kind: own.kind, object: own.subject)
            let standing = subjects.allSatisfy { $0?.habitat == .ground } && subjects.count == 2
            let before =
                standing
                ? [own, swapped].map { SceneDescription.Relation(subject: $0.subject, kind: .inFrontOf, object: $0.object) }
                : []
            let others: [SceneDescription.Relation] =
                switch own.kind {
                case .leftOf: [swapped] + before
                case .nextTo: before
                case .inFrontOf: [swapped]
                // What flies is above whatever stands, and at a tool sits who can use it.
                case .above, .using: []
                }
            return others.map { other in
                var relations = scene.relations
                relations[index] = other
                return relations
            }
        }
    }

    /// A scene after a part of it was changed: without what cannot be there any more.
    private static func settled(_ scene: SceneDescription) -> SceneDescription {
        var scene = scene
        if !scene.place.hasAutumn { scene.season = .summer }
        for index in scene.entities.indices {
            let takesColour = Subject.byName[scene.entities[index].subject]?.takesColour ?? false
            if !takesColour || !scene.style.keepsColours { scene.entities[index].colour = nil }
            if !scene.style.keepsColours {
                for worn in scene.entities[index].wears.indices { scene.entities[index].wears[worn].colour = nil }
            }
        }
        return scene
    }

    private func isComposable(_ scene: SceneDescription) -> Bool {
        scene.entities.allSatisfy { entity in
            Subject.byName[entity.subject].map { Composer.isAtHome($0, scene.place) } ?? false
        }
    }
}

/// Words altered scenes as the true one is worded, and sees to it that no two captions are the same.
private struct Wording {
    private let key: UInt64
    private var used: Set<String>

    init(_ truth: String, key: UInt64) {
        self.key = key
        used = [truth]
    }

    mutating func altered(_ scene: SceneDescription, _ parts: Set<ScenePart>) -> AlteredCaption? {
        let caption = ExactCaption(scene).caption(key: key)
        return used.insert(caption).inserted ? AlteredCaption(parts: parts, scene: scene, caption: caption) : nil
    }
}
