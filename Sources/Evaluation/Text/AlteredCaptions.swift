internal import Datasets
public import Scenes

/// What is said of a scene, and the same with another subject, place, light, style or relation: false in that part alone.
public struct AlteredCaptions: Sendable, Equatable {
    public let truth: String
    /// One for each part in which another scene is possible.
    public let parts: [ScenePart: String]

    /// - Parameter seed: of the choice, where a part has several captions.
    init(_ choice: CaptionChoice, seed: UInt64) {
        truth = choice.captions[0]
        var parts: [ScenePart: String] = [:]
        for (number, part) in ScenePart.allCases.enumerated() {
            var draws = SeededGenerator(seed, UInt64(number))
            if let place = draws.pick(choice.parts[part] ?? []) { parts[part] = choice.captions[place] }
        }
        self.parts = parts
    }
}

extension PromptSet {
    /// The captions of each scene, in their order; texts of a file have no parts.
    public func alteredCaptions(seed: UInt64 = 0) -> [AlteredCaptions] {
        choices.enumerated().map { number, choice in
            AlteredCaptions(choice, seed: SeededGenerator.mix(seed &+ UInt64(number)))
        }
    }
}
