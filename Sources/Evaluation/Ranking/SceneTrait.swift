public import Scenes

/// What scenes have more or less of: asked trait by trait, a model's verdicts say where it falls short.
public enum SceneTrait: String, Sendable, Codable, CaseIterable {
    case style, size, number, clothes, place, light, relation, subject

    /// What of it a scene has; more than one where two subjects differ in it.
    public func values(in scene: SceneDescription) -> Set<String> {
        switch self {
        case .style: [scene.style.rawValue]
        case .size: Set(scene.entities.map(\.size.rawValue))
        case .number: Set(scene.entities.map { $0.count > 1 ? "several" : "one" })
        case .clothes: Set(scene.entities.map { $0.wears.isEmpty ? "none" : "some" })
        case .place: [scene.place.rawValue]
        case .light: [scene.light.rawValue]
        case .relation: Set(scene.relations.map(\.kind.rawValue))
        case .subject: Set(scene.entities.map(\.subject))
        }
    }
}

/// What the verdicts on scenes that share a trait's value come to.
public struct TraitScores: Sendable, Hashable, Codable {
    /// The true caption was first of all.
    public var first: Rate
    /// It was first of those that differ in the subject alone.
    public var subject: Rate

    public init(first: Rate, subject: Rate) { (self.first, self.subject) = (first, subject) }

    init(_ verdicts: [Verdict]) {
        first = Rate(verdicts.map(\.first))
        subject = Rate(verdicts.compactMap { $0.parts[.subject] })
    }

    /// By a trait's name, by its value.
    ///
    /// - Parameter scenes: at least one a verdict, in their order.
    /// - Returns: traits of which the scenes have two values at least.
    public static func scores(
        _ verdicts: [Verdict], of scenes: [SceneDescription]
    ) -> [String: [String: TraitScores]] {
        var scores: [String: [String: TraitScores]] = [:]
        for trait in SceneTrait.allCases {
            var verdictsByValue: [String: [Verdict]] = [:]
            for (verdict, scene) in zip(verdicts, scenes) {
                for value in trait.values(in: scene) { verdictsByValue[value, default: []].append(verdict) }
            }
            if verdictsByValue.count > 1 { scores[trait.rawValue] = verdictsByValue.mapValues(TraitScores.init) }
        }
        return scores
    }
}
