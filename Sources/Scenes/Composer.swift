/// Decides what a scene shows: subjects, place, light, style, and where everything stands.
struct Composer: Sendable {
    let configuration: SceneConfiguration
    let artwork: Artwork
    private let subjects: [Subject]
    /// Compositions of one subject that the split admits: what is left when nothing else was found.
    private let fallbacks: [(subject: Subject, place: Place)]

    /// - Throws: `SceneError.configuration` where no scene at all can be composed.
    init(_ configuration: SceneConfiguration, _ artwork: Artwork) throws(SceneError) {
        self.configuration = configuration
        self.artwork = artwork
        subjects = try configuration.validated()
        fallbacks = subjects.flatMap { subject in
            configuration.places.filter { place in
                Self.isAtHome(subject, place)
                    && (configuration.split == .all
                        || SceneSplit.isHeldOut(subject: subject.name, place: place)
                            == (configuration.split == .heldOut))
            }.map { (subject, $0) }
        }
        guard !fallbacks.isEmpty else {
            throw .configuration(
                "none of the \(subjects.count) subjects may stand in \(configuration.places.map(\.rawValue)) in the "
                    + "split \(configuration.split.rawValue); add subjects or places")
        }
    }

    static func isAtHome(_ subject: Subject, _ place: Place) -> Bool { subject.habitat != .water || place.hasWater }

    /// What alike scenes share.
    struct Setting {
        var place: Place
        var light: Light
        var style: Style
        var isAutumn: Bool
    }

    /// That of the scenes around an index; nil where each has its own.
    func setting(of index: Int) -> Setting? {
        guard configuration.alike > 1 else { return nil }
        var random = SceneRandom(seed: configuration.seed, index: index / configuration.alike, stream: .setting)
        // Only places where the split has something to show.
        let places = configuration.places.filter { place in fallbacks.contains { $0.place == place } }
        guard let place = random.pick(places), let light = random.pick(configuration.lights) else { return nil }
        return Setting(
            place: place, light: light, style: style(&random),
            isAutumn: place.hasAutumn && random.chance(configuration.autumnProbability))
    }

    /// - Parameter setting: given to this scene; drawn where nil.
    func compose(_ random: inout SceneRandom, in setting: Setting? = nil) -> (scene: SceneDescription, stage: Stage) {
        for _ in 0..<64 {
            if let result = draft(setting, &random), configuration.split.admits(result.scene) { return result }
        }
        let possible = setting.map { setting in fallbacks.filter { $0.place == setting.place } } ?? fallbacks
        let (subject, place) = possible[random.below(possible.count)]
        var stage = Stage(place, &random)
        var layout = Layout(configuration: configuration, artwork: artwork, cast: [subject])
        layout.arrangeOne(&stage, &random)
        return dress(layout, [], .plain, stage, setting, &random)
    }

    private func style(_ random: inout SceneRandom) -> Style {
        random.chance(configuration.styleProbability)
            ? configuration.styles[random.below(configuration.styles.count)] : .plain
    }

    /// One attempt; nil where the subjects did not fit.
    private func draft(_ setting: Setting?, _ random: inout SceneRandom) -> (scene: SceneDescription, stage: Stage)? {
        let first: Subject
        let place: Place
        if let setting {
            guard let subject = random.pick(subjects.filter({ Self.isAtHome($0, setting.place) })) else { return nil }
            (first, place) = (subject, setting.place)
        } else {
            first = subjects[random.below(subjects.count)]
            guard let own = random.pick(configuration.places.filter({ Self.isAtHome(first, $0) })) else { return nil }
            place = own
        }
        var cast = [first]
        for _ in 0..<random.weighted(configuration.subjectCounts) {
            let others = subjects.filter { other in
                Self.isAtHome(other, place) && !cast.contains { $0.name == other.name }
            }
            // Left to chance a tool would hardly ever meet its user.
            let tools = first.usesTools && random.chance(0.05) ? others.filter(\.isTool) : []
            guard let other = random.pick(tools.isEmpty ? others : tools) else { break }
            cast.append(other)
        }
        let style = setting?.style ?? style(&random)
        var stage = Stage(place, &random)
        var layout = Layout(configuration: configuration, artwork: artwork, cast: cast)
        guard let relations = layout.arrange(&stage, &random) else { return nil }
        return dress(layout, relations, style, stage, setting, &random)
    }

    /// Colours, clothes and light for subjects that have their places.
    private func dress(
        _ layout: Layout, _ relations: [SceneDescription.Relation], _ style: Style, _ bare: Stage,
        _ setting: Setting?, _ random: inout SceneRandom
    ) -> (scene: SceneDescription, stage: Stage) {
        var stage = bare
        let autumn =
            setting?.isAutumn ?? (stage.place.hasAutumn && random.chance(configuration.autumnProbability))
        let light = setting?.light ?? configuration.lights[random.below(configuration.lights.count)]
        let entities = zip(layout.cast, layout.blocks).map { subject, block in
            SceneDescription.Entity(
                subject: subject.name, boxes: block.boxes, size: block.size,
                colour: style.keepsColours && subject.takesColour && random.chance(configuration.colourProbability)
                    ? random.pick(Artwork.paints.filter { $0 != subject.naturalColour }) : nil,
                wears: clothes(for: subject, style: style, &random).filter { worn in
                    worn.garment == .bowTie
                        || block.boxes.allSatisfy { $0.y > subject.hatHeight(artwork) * $0.height }
                })
        }
        // Sun and moon keep clear of hats too.
        let covered = zip(layout.cast, entities).flatMap { subject, entity in
            entity.boxes.map { box in
                let hat = entity.wears.contains { $0.garment != .bowTie } ? subject.hatHeight(artwork) * box.height : 0
                return SceneDescription.Box(x: box.x, y: box.y - hat, width: box.width, height: box.height + hat)
            }
        }
        stage.placeLamp(light: light, style: style, clearOf: covered, &random)
        let scene = SceneDescription(
            entities: entities, relations: relations, place: stage.place, season: autumn ? .autumn : .summer,
            light: light, style: style)
        return (scene, stage)
    }

    private func clothes(for subject: Subject, style: Style, _ random: inout SceneRandom) -> [SceneDescription.Worn] {
        guard subject.figure != nil, random.chance(configuration.garmentProbability) else { return [] }
        func colour() -> ColourWord? {
            style.keepsColours && random.chance(0.6) ? random.pick(Artwork.paints) : nil
        }
        switch random.below(10) {
        case 0..<4: return [.init(garment: .bowTie, colour: colour())]
        case 4..<7: return [.init(garment: .partyHat, colour: colour())]
        case 7: return [.init(garment: .bowTie, colour: colour()), .init(garment: .partyHat, colour: colour())]
        case 8: return [.init(garment: .topHat, colour: nil)]
        default: return [.init(garment: .crown, colour: nil)]
        }
    }
}

extension Stage {
    /// Hangs sun or moon where no subject covers it. A sketch has no colours to tell a sunset by: its sun sinks farther.
    mutating func placeLamp(
        light: Light, style: Style, clearOf boxes: [SceneDescription.Box], _ random: inout SceneRandom
    ) {
        var best = Double.infinity
        let sketched = style == .pencilSketch
        let crowded = place == .mountains || place == .forest || place == .city || (place == .snow && !sketched)
        // Between the hills and the water of a lake it would be hidden.
        let sunk = sketched ? place == .lake ? -0.06 : 0.08 : 0
        for _ in 0..<24 {
            let radius =
                light == .moonlight
                ? random.uniform(0.062, 0.085)
                : light == .sunset ? random.uniform(0.07, 0.095) : random.uniform(0.045, 0.06)
            let x = random.uniform(0.11, 0.89)
            let y =
                light != .sunset
                ? random.uniform(0.1, 0.17)
                : crowded ? random.uniform(0.13, 0.2) : horizon - random.uniform(0.08, 0.18) + sunk
            let disc = SceneDescription.Box(
                x: x - radius * 1.2, y: y - radius * 1.2, width: radius * 2.4, height: radius * 2.4)
            let covered = boxes.map { $0.overlap(disc) }.reduce(0, +)
            if covered < best { (best, lamp) = (covered, (x, y, radius)) }
            if covered == 0 { return }
        }
    }
}
