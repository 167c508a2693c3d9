import Foundation
import Scenes
import Testing

@Suite struct AlterationTests {
    private func scenes(subjects: Int, _ change: (inout SceneConfiguration) -> Void = { _ in }) throws -> ComposedScenes {
        try ComposedScenes(
            configuration {
                $0.split = .all
                $0.subjectCounts = (1...3).map { $0 == subjects ? 1 : 0 }
                change(&$0)
            }, artwork: paperArtwork())
    }

    /// Read by their words, the true caption says what the scene shows, and every altered one something else in exactly
    /// the parts that it names.
    @Test func alteredCaptionsAreFalseAndDistinctOverAThousandScenes() throws {
        let reader = CaptionReader()
        for (subjects, count) in [(1, 600), (2, 400)] {
            let scenes = try scenes(subjects: subjects)
            let alterations = try CaptionAlterations(scenes.configuration)
            for index in 0..<count {
                let scene = try scenes.description(at: index)
                guard scene.entities.count == subjects else { continue }
                let truth = Content(scene)
                let caption = alterations.caption(of: scene, seed: UInt64(index))
                #expect(reader.read(caption) == truth, "\(index): \(caption)")
                let grammar = CaptionGrammar(scene)
                #expect(grammar.accepts(caption), "\(caption)")
                var altered = alterations.altered(scene, count: 4, seed: UInt64(index))
                #expect(altered.count == 4, "\(index): \(caption)")
                #expect(Set(altered.map(\.caption)).count == altered.count)
                let part = ScenePart.allCases[index % ScenePart.allCases.count]
                altered += alterations.altered(scene, in: part, limit: 1, seed: UInt64(index))
                for false_ in altered {
                    let content = reader.read(false_.caption)
                    #expect(content == Content(false_.scene), "\(index): \(false_.caption)")
                    // Whether a relation is another's cannot be told where another stands in it.
                    let (own, told) = (content.parts(unlike: truth), false_.parts)
                    let unclear: Set<ScenePart> = told.contains(.subject) ? [.relation] : []
                    #expect(
                        own.subtracting(unclear) == told.subtracting(unclear) && own.isSubset(of: told),
                        "\(index): \(caption) | \(false_.caption)")
                    #expect(!false_.parts.isEmpty && false_.caption != caption)
                    #expect(!grammar.accepts(false_.caption), "\(index): \(caption) | \(false_.caption)")
                    #expect(false_.caption.split(separator: " ").count <= 30)
                }
            }
        }
    }

    /// Read by their words, training captions tell of how subjects stand what is true of their boxes.
    @Test func directionsInTrainingCaptionsAreTrueOfTheBoxes() throws {
        let scenes = try ComposedScenes(
            configuration { $0.subjectCounts = [0, 0.6, 0.4] }, artwork: paperArtwork())
        func holds(_ a: SceneDescription.Box, _ kind: RelationKind, _ b: SceneDescription.Box) -> Bool {
            switch kind {
            case .leftOf: return a.maxX < b.x + 0.02
            case .nextTo:
                let gap = max(a.x, b.x) - min(a.maxX, b.maxX)
                return gap > -0.02 && gap < 0.06
            case .above: return a.maxY < b.y + 0.03
            case .inFrontOf: return a.maxY > b.maxY && a.overlap(b) > 0
            case .using: return b.maxY > a.maxY - 0.01 && a.overlap(b) > 0
            }
        }
        let reader = CaptionReader()
        var found: [RelationKind: Int] = [:]
        var said: [String: Int] = [:]
        let wordings = ["left of", "on the left and", "right of", "above", "below", "beneath", "in front of", "behind"]
        for index in 0..<2000 {
            let scene = try scenes.description(at: index)
            let boxes = Dictionary(uniqueKeysWithValues: scene.entities.map { ($0.subject, $0.box) })
            for caption in try scenes.captions(at: index) {
                let told = reader.relations(caption)
                for relation in told {
                    let kind = try #require(RelationKind(rawValue: relation[1]))
                    let a = try #require(boxes[relation[0]], "\(index): \(caption)")
                    let b = try #require(boxes[relation[2]], "\(index): \(caption)")
                    #expect(holds(a, kind, b), "\(index): \(caption)")
                    found[kind, default: 0] += 1
                }
                // Only "next to" may be left out, where two are told with "and".
                if scene.entities.count == 2, scene.relations[0].kind != .nextTo {
                    #expect(told.count == 1, "\(index): \(caption)")
                }
                for words in wordings where " \(caption) ".contains(" \(words) ") { said[words, default: 0] += 1 }
            }
        }
        for kind in RelationKind.allCases where kind != .using { #expect(found[kind, default: 0] > 100, "\(kind)") }
        for words in wordings { #expect(said[words, default: 0] > 20, "\(words)") }
    }

    @Test func aHundredCaptionsAreFoundAndTheSameForTheSameSeed() throws {
        for subjects in 1...3 {
            let scenes = try scenes(subjects: subjects)
            let alterations = try CaptionAlterations(scenes.configuration)
            for index in 0..<4 {
                let scene = try scenes.description(at: index)
                let altered = alterations.altered(scene, count: 99, seed: 3)
                #expect(altered.count == 99)
                #expect(Set(altered.map(\.caption)).count == 99)
                #expect(altered == alterations.altered(scene, count: 99, seed: 3))
                #expect(altered != alterations.altered(scene, count: 99, seed: 4))
                let numbers = Set(altered.map(\.parts.count))
                #expect(numbers == [1, 2, 3])
                // Every part there is in it takes part.
                for part in ScenePart.allCases where !alterations.scenes(like: scene, otherIn: part).isEmpty {
                    #expect(altered.contains { $0.parts.contains(part) }, "\(part)")
                }
            }
        }
    }

    /// Of eight subjects in eight places and four lights without style there are enough scenes too.
    @Test func aSmallWorldHasEnoughCaptions() throws {
        let scenes = try ComposedScenes(.steady, artwork: paperArtwork())
        let alterations = try CaptionAlterations(.steady)
        for index in 0..<10 {
            let scene = try scenes.description(at: index)
            #expect(alterations.altered(scene, count: 99, seed: 1).count == 99)
            #expect(alterations.altered(scene, in: .light, seed: 1).count == 3)
            #expect(alterations.altered(scene, in: .style, seed: 1).isEmpty)
            #expect(alterations.altered(scene, in: .relation, seed: 1).isEmpty)
        }
    }

    /// Where two scenes are alike, they are worded alike.
    @Test func onlyOnePartChangesInTheWords() throws {
        let scene = SceneDescription(
            entities: [.init(subject: "drum", boxes: [.init(x: 0.3, y: 0.5, width: 0.3, height: 0.4)])], place: .forest,
            light: .moonlight)
        let alterations = try CaptionAlterations(SceneConfiguration())
        func isAlike(_ caption: String, _ other: String, but changed: Int) -> Bool {
            let (own, other) = (caption.split(separator: " "), other.split(separator: " "))
            let before = zip(own, other).prefix { $0 == $1 }.count
            let after = zip(own.reversed(), other.reversed()).prefix { $0 == $1 }.count
            return before + after >= own.count - changed
        }
        for seed in UInt64(0)..<20 {
            let caption = alterations.caption(of: scene, seed: seed)
            for other in alterations.altered(scene, in: .subject, seed: seed) {
                // An article, a colour and a name; what flies is over a place, not in it.
                guard !["over", "above"].contains(where: other.caption.contains) else { continue }
                #expect(isAlike(caption, other.caption, but: 3), "\(caption) | \(other.caption)")
            }
        }
    }

    @Test func nothingIsAlteredIntoWhatMightBeTrue() throws {
        func scene(_ subject: String, _ place: Place, _ light: Light = .day) -> SceneDescription {
            SceneDescription(
                entities: [.init(subject: subject, boxes: [.init(x: 0.3, y: 0.5, width: 0.3, height: 0.4)])], place: place,
                light: light)
        }
        let alterations = try CaptionAlterations(SceneConfiguration())
        func subjects(_ scene: SceneDescription) -> Set<String> {
            Set(alterations.scenes(like: scene, otherIn: .subject).map { $0.entities[0].subject })
        }
        // A cottage is a house; a forest has trees; a boat does not sail in the desert.
        #expect(subjects(scene("cottage", .desert)).isDisjoint(with: ["house", "hut", "cottage", "boat"]))
        #expect(subjects(scene("cottage", .desert)).isSuperset(of: ["castle", "fox", "rocket"]))
        #expect(subjects(scene("fox", .forest)).isDisjoint(with: ["tree", "pine tree", "palm tree"]))
        func places(_ scene: SceneDescription) -> [Place] {
            alterations.scenes(like: scene, otherIn: .place).map(\.place)
        }
        #expect(places(scene("fox", .lake)) == [.forest, .beach, .desert, .snow, .city, .meadow])
        #expect(places(scene("boat", .lake)) == [.beach])
        let styles = alterations.scenes(like: scene("fox", .forest), otherIn: .style).map(\.style)
        #expect(styles == Style.allCases.filter { $0 != .plain })
    }

    @Test func relationsAreAlteredOnlyIntoFalseOnes() throws {
        func relations(_ a: String, _ kind: RelationKind, _ b: String, _ place: Place = .meadow) throws -> Set<[String]> {
            let box = SceneDescription.Box(x: 0.1, y: 0.5, width: 0.2, height: 0.2)
            let scene = SceneDescription(
                entities: [.init(subject: a, boxes: [box]), .init(subject: b, boxes: [box])],
                relations: [.init(subject: 0, kind: kind, object: 1)], place: place, light: .day)
            let others = try CaptionAlterations(SceneConfiguration()).scenes(like: scene, otherIn: .relation)
            return Set(others.map { Content($0).relation })
        }
        #expect(
            try relations("fox", .leftOf, "house")
                == [["house", "leftOf", "fox"], ["fox", "inFrontOf", "house"], ["house", "inFrontOf", "fox"]])
        #expect(
            try relations("fox", .nextTo, "house") == [["fox", "inFrontOf", "house"], ["house", "inFrontOf", "fox"]])
        #expect(try relations("fox", .inFrontOf, "house") == [["house", "inFrontOf", "fox"]])
        #expect(try relations("boat", .leftOf, "swan", .lake) == [["swan", "leftOf", "boat"]])
        #expect(try relations("balloon", .above, "house").isEmpty)
        #expect(try relations("fox", .using, "laptop").isEmpty)
    }

    @Test func alikeScenesShowTheSame() throws {
        for subjects in 1...2 {
            let scenes = try scenes(subjects: subjects)
            var found = 0
            for index in 0..<12 {
                let scene = try scenes.description(at: index)
                let alike = try ComposedScenes(scenes.configuration.composing(scene), artwork: paperArtwork())
                let indices = try alike.indices(alike: scene, count: 3, limit: 3000)
                if indices.count == 3 { found += 1 }
                for other in try indices.map({ try alike.description(at: $0) }) {
                    #expect(other.isAlike(scene))
                    #expect(other.place == scene.place && other.light == scene.light && other.style == scene.style)
                    #expect(
                        other.entities.map(\.subject).sorted() == scene.entities.map(\.subject).sorted())
                    #expect(other != scene)
                }
            }
            #expect(found >= 9, "\(found) of 12 scenes of \(subjects) have their like")
        }
    }
}
