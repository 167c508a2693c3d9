extension SceneDescription {
    /// Whether another scene shows the same, wherever it stands: equal subjects with their numbers, sizes, colours and
    /// clothes, relations, place, season, light and style.
    public func isAlike(_ other: SceneDescription) -> Bool {
        func told(_ scene: SceneDescription) -> SceneDescription {
            var scene = scene
            // Which was composed first tells nothing: entities by name.
            let order = scene.entities.indices.sorted { scene.entities[$0].subject < scene.entities[$1].subject }
            let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
            scene.entities = order.map { index in
                var entity = scene.entities[index]
                entity.boxes = entity.boxes.map { _ in Box(x: 0, y: 0, width: 0, height: 0) }
                return entity
            }
            scene.relations = scene.relations.map { relation in
                let (a, b) = (places[relation.subject] ?? 0, places[relation.object] ?? 0)
                return relation.kind.isSymmetric && b < a
                    ? Relation(subject: b, kind: relation.kind, object: a)
                    : Relation(subject: a, kind: relation.kind, object: b)
            }
            return scene
        }
        return told(self) == told(other)
    }
}

extension SceneConfiguration {
    /// What composes scenes like a given one, among others; see `ComposedScenes.indices(alike:count:)`.
    ///
    /// Sizes, spread and seed stay.
    public func composing(_ scene: SceneDescription) -> SceneConfiguration {
        func share(_ count: Int, of entities: Int) -> Double { Double(count) / Double(max(1, entities)) }
        var own = self
        let entities = scene.entities
        own.split = .all
        own.alike = 1
        own.subjects = entities.map(\.subject)
        own.subjectCounts = (1...3).map { $0 == entities.count ? 1 : 0 }
        own.places = [scene.place]
        own.lights = [scene.light]
        own.styles = scene.style == .plain ? styles : [scene.style]
        own.styleProbability = scene.style == .plain ? 0 : 1
        own.autumnProbability = scene.season == .autumn ? 1 : 0
        own.pluralProbability = entities.contains { $0.count > 1 } ? 1 : 0
        own.colourProbability = share(entities.count { $0.colour != nil }, of: entities.count)
        own.garmentProbability = share(entities.count { !$0.wears.isEmpty }, of: entities.count)
        own.sizeWordProbability = share(entities.count { $0.size != .medium }, of: entities.count)
        return own
    }
}

extension ComposedScenes {
    /// The first scenes that show the same as a given one.
    ///
    /// - Parameter limit: scenes that are looked at, at most.
    /// - Returns: `count` indices, or fewer where the set has no more within the limit.
    public func indices(alike scene: SceneDescription, count wanted: Int, limit: Int = 50_000) throws -> [Int] {
        var found: [Int] = []
        for index in 0..<min(count, limit) where found.count < wanted {
            if try description(at: index).isAlike(scene) { found.append(index) }
        }
        return found
    }
}
