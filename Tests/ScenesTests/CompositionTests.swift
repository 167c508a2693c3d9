import Datasets
import Foundation
import Images
import Scenes
import Testing

@Suite struct CompositionTests {
    @Test func sameSeedAndIndexGiveTheSameBytesOnAnyThread() async throws {
        let scenes = try scenes { $0.styleProbability = 0.7 }
        let alone = try (0..<24).map { try scenes.scene(at: $0) }
        let together = try await withThrowingTaskGroup(of: (Int, ComposedScenes.Scene).self) { group in
            for index in (0..<24).reversed() { group.addTask { (index, try scenes.scene(at: index)) } }
            var found: [Int: ComposedScenes.Scene] = [:]
            for try await (index, scene) in group { found[index] = scene }
            return found
        }
        for (index, scene) in alone.enumerated() { #expect(together[index] == scene, "index \(index)") }
    }

    /// What an index shows and says stays: runs go on with it, and numbers of different days are compared by it. Whoever
    /// changes the scenes on purpose changes the number.
    @Test func everyIndexShowsAndSaysWhatItDid() throws {
        func text(_ scene: SceneDescription) -> String {
            let entities = scene.entities.map { entity -> String in
                let sides = entity.boxes.flatMap { [$0.x, $0.y, $0.width, $0.height] }
                let worn = entity.wears.map { "\($0.garment.rawValue)-\($0.colour?.rawValue ?? "")" }
                let told = [entity.subject, entity.size.rawValue, entity.colour?.rawValue ?? ""]
                return (told + worn + sides.map { String(Int(($0 * 1e6).rounded())) }).joined(separator: " ")
            }
            let relations = scene.relations.map { "\($0.subject) \($0.kind.rawValue) \($0.object)" }
            let setting = [scene.place.rawValue, scene.season.rawValue, scene.light.rawValue, scene.style.rawValue]
            return (entities + relations + setting).joined(separator: "|")
        }
        let scenes = try scenes()
        #expect(scenes.configuration == SceneConfiguration() && scenes.configuration.seed == 0)
        var sum: UInt64 = 0
        for index in 0..<200 {
            for line in try [text(scenes.description(at: index))] + scenes.captions(at: index) {
                sum = SceneSplit.hash(line, salt: sum)
            }
        }
        #expect(sum == 0x3009E35749E8B76D, "the scenes or their captions are others: 0x\(String(sum, radix: 16, uppercase: true))")
    }

    @Test func examplesSayWhereTheirSubjectsStand() throws {
        let scenes = try scenes()
        for index in 0..<20 {
            let boxes = try scenes.description(at: index).entities.flatMap(\.boxes)
            let regions = try scenes.example(at: index, variation: 0).regions
            #expect(!boxes.isEmpty && regions == boxes.map { Region(x: $0.x, y: $0.y, width: $0.width, height: $0.height) })
        }
    }

    @Test func standInsStandWhereTheSubjectsDo() throws {
        let scenes = try scenes {
            $0.subjects = ["fox", "cat"]
            $0.subjectCounts = [1, 0, 0]
            $0.styleProbability = 0
            $0.colourProbability = 0
            $0.garmentProbability = 0
            $0.split = .all
        }
        for index in 0..<8 {
            let scene = try scenes.scene(at: index)
            let own = scene.description.entities[0]
            #expect(try scenes.picture(at: index, standIns: [own.subject]) == scene.picture)
            let other = try scenes.picture(at: index, standIns: [own.subject == "fox" ? "cat" : "fox"])
            // A shadow and what is worn reach beyond the box a little.
            var changed = 0
            for y in 0..<64 {
                for x in 0..<64 {
                    let at = 3 * (64 * y + x)
                    guard (0..<3).contains(where: { other.pixels[at + $0] != scene.picture.pixels[at + $0] }) else { continue }
                    changed += 1
                    let (u, v) = (Double(x) / 64, Double(y) / 64)
                    #expect(
                        own.boxes.contains {
                            u > $0.x - 0.15 && u < $0.maxX + 0.15 && v > $0.y - 0.15 && v < $0.maxY + 0.15
                        })
                }
            }
            #expect(changed > 20)
        }
        #expect(throws: SceneError.self) { try scenes.picture(at: 0, standIns: ["gryphon"]) }
        #expect(throws: SceneError.self) { try scenes.picture(at: 0, standIns: []) }
        #expect(throws: DatasetError.self) { try scenes.picture(at: -1, standIns: ["fox"]) }
    }

    @Test func anotherIndexOrSeedIsAnotherScene() throws {
        let one = try scenes { $0.seed = 1 }
        let two = try scenes { $0.seed = 2 }
        let pictures = try (0..<20).map { try one.scene(at: $0).picture.pixels }
        #expect(Set(pictures).count == 20)
        #expect(try (0..<20).allSatisfy { try one.scene(at: $0).picture != two.scene(at: $0).picture })
    }

    @Test func sizeDoesNotChangeTheComposition() throws {
        let small = try scenes { $0.size = 64 }
        let large = try scenes { $0.size = 200 }
        for index in 0..<20 { #expect(try small.description(at: index) == large.description(at: index)) }
        let a = try small.scene(at: 3).picture
        let b = try large.scene(at: 3).picture
        #expect((a.width, a.height, b.width, b.height) == (64, 64, 200, 200))
        #expect(a.channels == 3)
    }

    @Test(arguments: SceneSplit.allCases) func alikeScenesShareTheirSettingAndNothingElse(split: SceneSplit) throws {
        let scenes = try scenes {
            ($0.alike, $0.split) = (16, split)
            $0.styleProbability = 0.6
        }
        var settings: Set<String> = []
        for run in 0..<40 {
            let some = try (run * 16..<run * 16 + 16).map { try scenes.description(at: $0) }
            for scene in some {
                #expect(scene.place == some[0].place && scene.light == some[0].light && scene.season == some[0].season)
                // Where nothing else fitted, the plain style stands in.
                #expect(scene.style == some[0].style || scene.style == .plain)
            }
            #expect(Set(some.map { $0.entities[0].subject }).count > 7, "run \(run)")
            settings.insert("\(some[0].place) \(some[0].light) \(some[0].style)")
        }
        #expect(settings.count > 20)
        #expect(try (0..<100).allSatisfy { try scenes.description(at: $0) == scenes.description(at: $0) })
    }

    @Test func variationChangesWordsOnly() throws {
        let scenes = try scenes()
        var changed = 0
        for index in 0..<20 {
            let a = try scenes.example(at: index, variation: 0)
            let b = try scenes.example(at: index, variation: 9)
            #expect(a.picture == b.picture && a.key == b.key)
            #expect(try scenes.identity(at: index).key == a.key)
            if a.caption != b.caption { changed += 1 }
        }
        #expect(changed > 10)
    }

    @Test func subjectsAreInsideAndDoNotCoverEachOther() throws {
        let scenes = try scenes { $0.split = .all }
        for index in 0..<3000 {
            let scene = try scenes.description(at: index)
            let behind = scene.relations.contains { $0.kind == .inFrontOf || $0.kind == .using }
            let boxes = scene.entities.flatMap(\.boxes)
            #expect((1...3).contains(scene.entities.count))
            for (i, a) in boxes.enumerated() {
                #expect(a.x > -0.03 && a.y > -0.03 && a.maxX < 1.03 && a.maxY < 1.03, "index \(index): \(a)")
                for b in boxes[(i + 1)...] {
                    #expect(a.overlap(b) <= (behind ? 0.36 : 0.03) * min(a.area, b.area), "index \(index)")
                }
            }
        }
    }

    @Test func relationsHoldInTheBoxes() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjectCounts = [0, 0.6, 0.4]
        }
        var seen: [RelationKind: Int] = [:]
        for index in 0..<3000 {
            let scene = try scenes.description(at: index)
            for relation in scene.relations {
                let a = scene.entities[relation.subject].box
                let b = scene.entities[relation.object].box
                seen[relation.kind, default: 0] += 1
                switch relation.kind {
                case .leftOf: #expect(a.maxX < b.x + 0.02, "index \(index)")
                case .nextTo:
                    let gap = max(a.x, b.x) - min(a.maxX, b.maxX)
                    #expect(gap > -0.02 && gap < 0.06 && abs(a.maxY - b.maxY) < 0.06, "index \(index)")
                case .above: #expect(a.maxY < b.y + 0.03 && abs(a.midX - b.midX) < 0.3, "index \(index)")
                case .inFrontOf: #expect(a.maxY > b.maxY && a.overlap(b) > 0, "index \(index)")
                case .using: #expect(a.overlap(b) > 0 && b.maxY > a.maxY - 0.01, "index \(index)")
                }
            }
            let swimmers = scene.entities.filter { ["boat", "ship", "canoe", "whale"].contains($0.subject) }
            if !swimmers.isEmpty { #expect(scene.place == .lake || scene.place == .beach) }
        }
        for kind in RelationKind.allCases where kind != .using { #expect(seen[kind, default: 0] > 30, "\(kind)") }
    }

    @Test(arguments: [(Place.lake, 0.78), (.beach, 0.65)])
    func keelsLieInTheWater(place: Place, lowest: Double) throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjects = ["swan", "whale", "dolphin", "shark", "boat", "ship"]
            $0.subjectCounts = [1]
            $0.places = [place]
            $0.sizeWordProbability = 1
        }
        var large = 0
        for index in 0..<300 {
            let entity = try scenes.description(at: index).entities[0]
            #expect(entity.box.maxY <= lowest + 1e-9, "index \(index): \(entity)")
            if entity.size == .large { large += 1 }
        }
        #expect(large > 30, "\(large)")
    }

    /// Wherever it stands and however large it is, a subject keeps its proportions.
    @Test func nothingIsSquashed() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjects = ["house", "cottage", "lighthouse", "boat"]
            $0.places = [.lake, .beach]
            $0.sizeWordProbability = 1
        }
        var proportions: [String: Double] = [:]
        for index in 0..<400 {
            for entity in try scenes.description(at: index).entities {
                for box in entity.boxes {
                    let own = box.width / box.height
                    let known = proportions[entity.subject] ?? own
                    #expect(abs(own - known) < 1e-9, "index \(index): \(entity)")
                    proportions[entity.subject] = known
                }
            }
        }
    }

    /// In the air over another, and in a row that was too wide, there may be no room to be large.
    @Test(arguments: [["balloon", "house"], ["balloon", "house", "cottage"], ["house", "cottage", "tent"]])
    func largeIsLargerThanAnyOther(cast: [String]) throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjects = cast
            $0.subjectCounts = (1...3).map { $0 == cast.count ? 1 : 0 }
            $0.places = [.meadow]
            $0.sizeWordProbability = 0.7
        }
        var heights: [String: [SizeWord: [Double]]] = [:]
        for index in 0..<400 {
            let entities = try scenes.description(at: index).entities
            guard entities.count == cast.count else { continue }
            for entity in entities {
                heights[entity.subject, default: [:]][entity.size, default: []].append(entity.box.height)
            }
        }
        for (subject, known) in heights {
            let least = try #require(known[.large]?.min(), "\(subject)")
            let others = known[.small, default: []] + known[.medium, default: []]
            #expect(others.count > 50 && others.allSatisfy { $0 < least }, "\(subject): \(least)")
        }
    }

    @Test func simpleShowsOneLargeSubjectWithoutStyle() throws {
        let scenes = try ComposedScenes(.simple, artwork: paperArtwork())
        for index in 0..<1500 {
            let scene = try scenes.description(at: index)
            #expect(scene.entities.count == 1 && scene.entities[0].count == 1 && scene.style == .plain)
            #expect(scene.entities[0].box.height >= 0.4 - 1e-9, "index \(index): \(scene.entities[0])")
        }
    }

    @Test func littleSpreadKeepsASubjectNearItsMiddle() throws {
        func deviation(_ spread: Double) throws -> Double {
            let scenes = try scenes {
                $0 = .eight
                $0.subjects = ["fox"]
                $0.places = [.meadow]
                $0.spread = spread
            }
            let middles = try (0..<200).map { try scenes.description(at: $0).entities[0].box.midX }
            let mean = middles.reduce(0, +) / 200
            return (middles.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200).squareRoot()
        }
        let (all, little, none) = (try deviation(1), try deviation(0.15), try deviation(0))
        #expect(all > 0.08)
        #expect(abs(little - 0.15 * all) < 0.03)
        #expect(none < 1e-6)
    }

    @Test func everythingOccurs() throws {
        let scenes = try scenes { $0.split = .all }
        var subjects: Set<String> = []
        var places: Set<Place> = []
        var lights: Set<Light> = []
        var styles: Set<Style> = []
        var garments: Set<Garment> = []
        var seasons: Set<Season> = []
        for index in 0..<4000 {
            let scene = try scenes.description(at: index)
            subjects.formUnion(scene.entities.map(\.subject))
            garments.formUnion(scene.entities.flatMap(\.wears).map(\.garment))
            places.insert(scene.place)
            lights.insert(scene.light)
            styles.insert(scene.style)
            seasons.insert(scene.season)
        }
        #expect(subjects == Set(Subject.all.map(\.name)))
        #expect(subjects.count > 120)
        #expect(
            places.count == 8 && lights.count == 4 && styles.count == 7 && garments.count == 4 && seasons.count == 2)
    }

    @Test func descriptionAndConfigurationSurviveJSON() throws {
        let scene = try scenes().description(at: 5)
        #expect(try JSONDecoder().decode(SceneDescription.self, from: JSONEncoder().encode(scene)) == scene)
        let partial = try JSONDecoder().decode(
            SceneConfiguration.self, from: Data(#"{"size": 128, "split": "heldOut", "places": ["lake"]}"#.utf8))
        #expect(partial.size == 128 && partial.split == .heldOut && partial.places == [.lake])
        #expect(partial.lights == Light.allCases)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(SceneConfiguration.self, from: Data(#"{"subject": ["fox"]}"#.utf8))
        }
        for configuration in [SceneConfiguration(), .simple, .steady] {
            let json = try JSONEncoder().encode(configuration)
            #expect(try JSONDecoder().decode(SceneConfiguration.self, from: json) == configuration)
        }
    }

    @Test(arguments: [
        (#"{"size": 32}"#, "size"), (#"{"size": 1000000}"#, "size"), (#"{"subjects": ["fox", "gryphon"]}"#, "gryphon"),
        (#"{"places": []}"#, "places"), (#"{"lights": []}"#, "lights"),
        (#"{"subjectCounts": [0, 0]}"#, "subjectCounts"),
        (#"{"subjectCounts": [1, -2]}"#, "subjectCounts"), (#"{"styleProbability": 1.5}"#, "styleProbability"),
        (#"{"styles": []}"#, "styles"), (#"{"count": 0}"#, "count"), (#"{"minimumHeight": 3}"#, "minimumHeight"),
        (#"{"spread": 2}"#, "spread"), (#"{"alike": 0}"#, "alike"),
        (#"{"subjects": ["boat"], "places": ["city"]}"#, "subjects"),
    ])
    func impossibleConfigurationsAreRefused(json: String, word: String) throws {
        let configuration = try JSONDecoder().decode(SceneConfiguration.self, from: Data(json.utf8))
        let artwork = try paperArtwork()
        let error = #expect(throws: SceneError.self) { try ComposedScenes(configuration, artwork: artwork) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test func aNameStandsForTheCore() throws {
        let named = try JSONDecoder().decode(SceneConfiguration.self, from: Data(#"{"subjects": ["core", "tiger"]}"#.utf8))
        #expect(named.subjects == Subject.core + ["tiger"])
    }

    @Test func indicesOutsideAndMissingCutOutsAreRefused() throws {
        let scenes = try scenes { $0.count = 10 }
        #expect(throws: DatasetError.self) { try scenes.scene(at: 10) }
        #expect(throws: DatasetError.self) { try scenes.example(at: -1, variation: 0) }
        let error = #expect(throws: SceneError.self) { try Artwork { _ in nil } }
        #expect(error?.description.contains("🦊") == true)
    }
}

@Suite struct EmojiArtworkTests {
    private static let isInstalled = (try? EmojiCollection.load()) != nil

    /// Needs the packages that `make setup` installs.
    @Test(.enabled(if: isInstalled)) func theFontHasEveryCutOut() throws {
        let scenes = try ComposedScenes(.simple, emoji: EmojiCollection.load())
        let first = try scenes.scene(at: 0)
        let paper = try ComposedScenes(.simple, artwork: paperArtwork()).scene(at: 0)
        #expect(first.picture != paper.picture)
    }
}
