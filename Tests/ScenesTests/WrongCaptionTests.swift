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
