import Scenes
import Testing

@Suite struct CaptionTests {
    /// Word groups that say something, and when that is true. Written apart from the grammar.
    private static let claims: [(words: [String], holds: @Sendable (SceneDescription) -> Bool)] = [
        (["moonlit", "moonlight", "night", "moon"], { $0.light == .moonlight }),
        (["sunset", "dusk", "evening", "sundown", "setting sun"], { $0.light == .sunset }),
        (["fog", "foggy", "mist", "misty"], { $0.light == .fog }),
        (["daylight", "day", "sunny", "sunlit", "sunshine", "blue sky"], { $0.light == .day }),
        (["lake"], { $0.place == .lake }),
        (["mountain", "mountains"], { $0.place == .mountains }),
        (["forest", "wood", "woods"], { $0.place == .forest }),
        (["beach", "sea", "seashore", "sandy beach"], { $0.place == .beach }),
        (["desert"], { $0.place == .desert }),
        (["snow", "snowy", "winter"], { $0.place == .snow }),
        (["city", "town"], { $0.place == .city }),
        (["meadow"], { $0.place == .meadow }),
        (["field"], { $0.place == .meadow || $0.place == .snow }),
        (["autumn", "autumnal", "fall"], { $0.season == .autumn }),
        (["oil"], { $0.style == .oilPainting }),
        (["watercolour", "watercolor", "watercolours"], { $0.style == .watercolour }),
        (["pixel"], { $0.style == .pixelArt }),
        (["pencil", "sketch"], { $0.style == .pencilSketch }),
        (["poster"], { $0.style == .flatPoster }),
        (["starrynight", "van"], { $0.style == .starryNight }),
        (["two", "pair"], { $0.entities.contains { $0.count == 2 } }),
        (["three"], { $0.entities.contains { $0.count == 3 } }),
        (["four"], { $0.entities.contains { $0.count == 4 } }),
        (["small", "little", "tiny"], { $0.entities.contains { $0.size == .small } }),
        (["large", "big", "huge"], { $0.entities.contains { $0.size == .large } }),
        (["tie", "bowtie"], { $0.entities.contains { $0.wears.contains { $0.garment == .bowTie } } }),
        (["party"], { $0.entities.contains { $0.wears.contains { $0.garment == .partyHat } } }),
        (["top"], { $0.entities.contains { $0.wears.contains { $0.garment == .topHat } } }),
        (["crown"], { $0.entities.contains { $0.wears.contains { $0.garment == .crown } } }),
        (["left", "right"], { $0.relations.contains { $0.kind == .leftOf } }),
        (
            ["above", "below", "under", "beneath", "over"],
            { scene in
                scene.relations.contains { $0.kind == .above } || scene.entities.allSatisfy { isFlying($0.subject) }
            }
        ),
        (["behind"], { $0.relations.contains { $0.kind == .inFrontOf } }),
        (["using"], { $0.relations.contains { $0.kind == .using } }),
    ]

    private static func isFlying(_ name: String) -> Bool { Subject.all.first { $0.name == name }?.habitat == .sky }

    private static func plainWords(_ caption: String) -> String {
        var text = " " + caption.replacing(",", with: " ").split(separator: " ").joined(separator: " ") + " "
        // Set phrases whose words would claim something else.
        for (phrase, word) in [
            ("starry night", "starrynight"), ("under the moon", "in moonlight"), ("under a full moon", "in moonlight"),
            ("under a blue sky", "by day"), ("black top hat", "top hat"), ("on a moonlit night", "in moonlight"),
            ("on a foggy day", "in fog"),
        ] { text = text.replacing(" \(phrase) ", with: " \(word) ") }
        return text
    }

    private static let colours = ColourWord.allCases.map(\.rawValue) + ["gray"]

    /// Also of hats and of the sky.
    private static func tellsColours(_ caption: String) -> Bool {
        let words = caption.replacing(",", with: "").split(separator: " ").map(String.init)
        return words.contains { colours.contains($0) || $0 == "golden" }
    }

    @Test func whatIsSaidIsTrue() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjectCounts = [1, 1, 1]
        }
        // Longest names first, so that a "teddy bear" is no bear.
        let names = Subject.all.flatMap { s in ([s.name, s.plural] + s.synonyms).map { (said: $0, subject: s.name) } }
            .sorted { $0.said.count > $1.said.count }
        for index in 0..<3000 {
            let scene = try scenes.description(at: index)
            let grammar = CaptionGrammar(scene)
            let caption = grammar.caption(seed: UInt64(index))
            #expect(grammar.accepts(caption), "\(caption)")
            var text = Self.plainWords(caption)
            var named: Set<String> = []
            for name in names where text.contains(" \(name.said) ") {
                named.insert(name.subject)
                text = text.replacing(" \(name.said) ", with: " * ")
            }
            #expect(named == Set(scene.entities.map(\.subject)), "\(index): \(caption)")
            for (words, holds) in Self.claims where words.contains(where: { text.contains(" \($0) ") }) {
                #expect(holds(scene), "\(index): “\(caption)” says \(words) of \(scene)")
            }
            let given = scene.entities.flatMap { entity -> [ColourWord?] in
                let natural = Subject.all.first { $0.name == entity.subject }?.naturalColour
                return [entity.colour ?? natural] + entity.wears.map(\.colour)
            }.compactMap { $0 }.map(\.rawValue)
            for colour in Self.colours where text.contains(" \(colour) ") {
                #expect(given.contains(colour == "gray" ? "grey" : colour), "\(index): \(caption)")
            }
            if scene.style == .pencilSketch { #expect(!Self.tellsColours(caption), "\(index): \(caption)") }
        }
    }

    @Test func aSketchHasNoColours() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.styles = [.pencilSketch]
            $0.styleProbability = 1
            $0.lights = [.day]
            $0.garmentProbability = 1
        }
        let alterations = try CaptionAlterations(scenes.configuration)
        for index in 0..<300 {
            let scene = try scenes.description(at: index)
            guard scene.style == .pencilSketch else { continue }
            let (told, exact) = (
                CaptionGrammar(scene).caption(seed: UInt64(index)), alterations.caption(of: scene, seed: UInt64(index))
            )
            for caption in [told, exact] { #expect(!Self.tellsColours(caption), "\(caption)") }
        }
    }

    @Test func whatFloatsIsInTheWater() throws {
        func scene(_ names: [String], _ kind: RelationKind, _ place: Place) -> SceneDescription {
            let box = SceneDescription.Box(x: 0.3, y: 0.5, width: 0.2, height: 0.2)
            return SceneDescription(
                entities: names.map { .init(subject: $0, boxes: [box]) },
                relations: [.init(subject: 0, kind: kind, object: 1)], place: place, light: .day)
        }
        let lake = CaptionGrammar(scene(["balloon", "boat"], .above, .lake))
        #expect(lake.accepts("a balloon above a boat on the lake"))
        #expect(!lake.accepts("a balloon above a boat on the shore of the lake"))
        let beach = CaptionGrammar(scene(["balloon", "boat"], .above, .beach))
        #expect(beach.accepts("a balloon above a boat on the sea"))
        #expect(!beach.accepts("a balloon above a boat on a sandy beach"))
        // Where somebody stands, it is the shore.
        let mixed = CaptionGrammar(scene(["boat", "fox"], .leftOf, .lake))
        #expect(mixed.accepts("a boat to the left of a fox next to the lake"))
        #expect(!mixed.accepts("a boat to the left of a fox on the lake"))
    }

    @Test func styleIsAlwaysTold() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.styleProbability = 1
        }
        let tells: [Style: [String]] = [
            .oilPainting: ["oil"], .watercolour: ["watercolo"], .pixelArt: ["pixel"],
            .pencilSketch: ["pencil", "sketch"],
            .flatPoster: ["poster"], .starryNight: ["starry night", "van gogh"],
        ]
        for index in 0..<600 {
            let scene = try scenes.description(at: index)
            let caption = CaptionGrammar(scene).caption(seed: 3)
            #expect(tells[scene.style, default: []].contains { caption.contains($0) }, "\(caption)")
        }
    }

    @Test func lengthsAndArticles() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjectCounts = [1, 1, 1]
        }
        var lengths: Set<Int> = []
        var distinct: Set<String> = []
        for index in 0..<4000 {
            let caption = try CaptionGrammar(scenes.description(at: index)).caption(seed: UInt64(index))
            let words = caption.split(separator: " ").map { $0.filter { $0 != "," } }
            #expect((3...30).contains(words.count), "\(caption)")
            lengths.insert(words.count)
            distinct.insert(caption)
            for (word, next) in zip(words, words.dropFirst()) where word == "a" || word == "an" {
                let vowel = "aeiou".contains(next.first ?? "x") && next != "ufo"
                #expect((word == "an") == vowel, "\(caption)")
            }
            #expect(!caption.contains("  ") && !caption.hasPrefix(",") && !caption.hasSuffix(","), "\(caption)")
            #expect(caption == caption.lowercased())
        }
        #expect(lengths.contains(3) && lengths.contains { $0 > 20 })
        #expect(distinct.count > 3500)
    }

    /// The composer is asked for each scene, and the prompt is one of the sentences that its caption may be.
    @Test(arguments: [
        ("a house next to a lake in moonlight", "house", Place.lake, Light.moonlight, Style.plain),
        ("moonlit lake with a cottage", "cottage", .lake, .moonlight, .plain),
        ("a cottage by the lake at night, oil painting", "cottage", .lake, .moonlight, .oilPainting),
        ("a fall landscape with a small cottage next to a lake", "cottage", .lake, .day, .plain),
        ("a painting of a fox in the style of starry night", "fox", .forest, .moonlight, .starryNight),
        ("a dog wearing a red bow tie and a purple party hat", "dog", .meadow, .day, .plain),
        ("an oil painting of a fox in the snow", "fox", .snow, .day, .oilPainting),
        ("a boat on a lake at sunset", "boat", .lake, .sunset, .plain),
        ("a rocket over the desert", "rocket", .desert, .sunset, .plain),
        ("a robot in the city", "robot", .city, .fog, .plain),
        ("pencil sketch of a hedgehog", "hedgehog", .forest, .day, .pencilSketch),
    ])
    func lecturePromptsAreInTheLanguage(prompt: String, subject: String, place: Place, light: Light, style: Style)
        throws
    {
        let scenes = try scenes {
            $0.split = .all
            $0.subjects = [subject]
            $0.places = [place]
            $0.lights = [light]
            $0.styles = style == .plain ? [] : [style]
            $0.styleProbability = style == .plain ? 0 : 1
        }
        let found = try (0..<20_000).first { CaptionGrammar(try scenes.description(at: $0)).accepts(prompt) }
        #expect(found != nil, "no scene is captioned “\(prompt)”")
    }

    @Test func aHedgehogUsesACalculator() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjects = ["hedgehog", "calculator"]
            $0.subjectCounts = [0, 1]
        }
        let found = try (0..<500).map { try scenes.description(at: $0) }
            .first { CaptionGrammar($0).accepts("a hedgehog using a calculator") }
        #expect(found?.relations.first?.kind == .using)
    }

    @Test func whatIsNotSoIsNotAccepted() throws {
        let scenes = try scenes {
            $0.split = .all
            $0.subjects = ["house"]
            $0.places = [.lake]
            $0.lights = [.moonlight]
            $0.styleProbability = 0
            $0.sizeWordProbability = 0
            $0.pluralProbability = 0
            $0.colourProbability = 0
            $0.autumnProbability = 0
        }
        let grammar = CaptionGrammar(try scenes.description(at: 0))
        #expect(grammar.accepts("a house next to a lake in moonlight"))
        #expect(grammar.accepts("a picture of a house by the lake at night"))
        for lie in [
            "a house next to a lake at sunset", "a house in the forest in moonlight",
            "a fox next to a lake in moonlight",
            "two houses next to a lake in moonlight", "an house next to a lake in moonlight", "a red house by the lake",
            "a house next to a lake in moonlight, oil painting", "a small house by a lake", "", "a house a house",
        ] { #expect(!grammar.accepts(lie), "\(lie)") }
    }
}
