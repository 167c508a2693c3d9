import Scenes
import Testing

/// What is not true of a picture but nearly is.
@Suite struct WrongCaptionTests {
    private func words(_ caption: String) -> [String] {
        caption.replacing(",", with: "").split(separator: " ").map(String.init)
    }

    @Test func noneIsTrueAndAllAreNear() throws {
        let set = try scenes()
        var total = 0
        var shared = 0.0
        for index in 0..<80 {
            let variation = UInt64(index % 7)
            let scene = try set.description(at: index)
            let grammar = CaptionGrammar(scene)
            let own = try set.scene(at: index, variation: variation).caption
            let wrong = try set.wrongCaptions(at: index, variation: variation, count: 4)
            #expect(!wrong.isEmpty && wrong.count <= 4 && Set(wrong).count == wrong.count, "\(own)")
            for caption in wrong {
                #expect(!grammar.accepts(caption), "\(caption) of \(own)")
                let others = Set(words(caption))
                shared += Double(words(own).count { others.contains($0) }) / Double(words(own).count)
            }
            total += wrong.count
        }
        // Nearly always as many as were asked for; most words stay.
        #expect(total > 290, "\(total)")
        #expect(shared / Double(total) > 0.6, "\(shared / Double(total))")
    }

    @Test func theSameAgainAndOtherwiseWordedByVariation() throws {
        let set = try scenes()
        var differing = 0
        for index in 0..<20 {
            let first = try set.wrongCaptions(at: index, variation: 1, count: 3)
            #expect(try set.wrongCaptions(at: index, variation: 1, count: 3) == first)
            #expect(try Array(set.wrongCaptions(at: index, variation: 1, count: 2)) == Array(first.prefix(2)))
            if try set.wrongCaptions(at: index, variation: 2, count: 3) != first { differing += 1 }
        }
        #expect(differing > 15)
        #expect(try set.wrongCaptions(at: 0, variation: 1, count: 0) == [])
        #expect(throws: (any Error).self) { try set.wrongCaptions(at: -1, variation: 1, count: 1) }
    }

    /// What is held out is not told as a lie either: words that are never true would be learned to be false.
    @Test func noneShowsWhatIsHeldOut() throws {
        let set = try scenes {
            $0 = .eight
            $0.split = .train
            $0.styleProbability = 0.5
        }
        let alterations = try CaptionAlterations(set.configuration)
        var heldOut = 0
        for index in 0..<40 {
            let scene = try set.description(at: index)
            let wrong = try set.wrongCaptions(at: index, variation: 1, count: 3)
            #expect(!wrong.isEmpty)
            let others = ScenePart.allCases.flatMap { alterations.scenes(like: scene, otherIn: $0) }
            for other in others where SceneSplit.isHeldOut(other) {
                let grammar = CaptionGrammar(other)
                heldOut += 1
                for caption in wrong { #expect(!grammar.accepts(caption), "\(caption)") }
            }
        }
        #expect(heldOut > 60)
    }

    /// A fox in the desert is held out, and all there is to say that is false of one in the forest.
    @Test func whereOnlyTheHeldOutIsFalseItIsTold() throws {
        let set = try scenes {
            $0.subjects = ["fox"]
            $0.subjectCounts = [1]
            $0.places = [.forest, .desert]
            $0.lights = [.day]
            $0.styleProbability = 0
            $0.autumnProbability = 1
        }
        #expect(SceneSplit.isHeldOut(subject: "fox", place: .desert))
        var found = 0
        for index in 0..<800 {
            for caption in try set.wrongCaptions(at: index, variation: 0, count: 1) {
                // "A sunny landscape with a fox" is true in autumn too.
                #expect(words(caption).contains("desert"), "\(caption)")
                found += 1
            }
        }
        #expect(found > 600, "\(found)")
    }

    /// Of a fox in the first light and place, with another to lie about.
    @Test(arguments: [
        ("fog day", "forest", ["in daylight", "during the day", "by day", "in the sunshine", "sunlit"]),
        ("moonlight sunset", "forest", ["at dusk", "in the evening"]),
        ("fog", "snow meadow", ["field"]),
    ])
    func noneIsTrueAnyway(lights: String, places: String, texts: [String]) throws {
        let lights = lights.split(separator: " ").compactMap { Light(rawValue: String($0)) }
        let places = places.split(separator: " ").compactMap { Place(rawValue: String($0)) }
        let set = try scenes {
            $0.split = .all
            $0.subjects = ["fox"]
            ($0.lights, $0.places) = (lights, places)
            $0.styleProbability = 0
            $0.autumnProbability = 0
        }
        var found = 0
        for index in 0..<200 {
            let scene = try set.description(at: index)
            guard scene.light == lights[0], scene.place == places[0] else { continue }
            for caption in try set.wrongCaptions(at: index, variation: 0, count: 1) {
                let said = " \(caption.replacing(",", with: "").replacing("in the evening sun", with: "")) "
                for text in texts { #expect(!said.contains(" \(text) "), "\(caption)") }
                found += 1
            }
        }
        #expect(found > 20, "\(found)")
    }

    /// Each part that a scene has is lied about.
    @Test func everyPartIsLiedAbout() throws {
        let set = try scenes {
            $0.subjects = ["fox", "dog", "robot"]
            $0.places = [.forest, .desert]
            $0.lights = [.day, .moonlight]
            $0.styles = [.oilPainting, .pixelArt]
            $0.styleProbability = 1
        }
        var seen: Set<String> = []
        for index in 0..<30 {
            let own = Set(words(try set.scene(at: index).caption))
            for wrong in try set.wrongCaptions(at: index, variation: 0, count: 4) {
                seen.formUnion(Set(words(wrong)).subtracting(own))
            }
        }
        for word in ["fox", "dog", "robot", "forest", "desert", "moonlight", "oil", "pixel"] {
            #expect(seen.contains(word), "\(word)")
        }
    }
}
