public import Images

/// The cut-outs that scenes are made of, trimmed, and painted in every colour they may have.
public struct Artwork: Sendable {
    private let cutOuts: [String: CutOut]
    private let painted: [String: [ColourWord: CutOut]]

    /// The characters that a collection has to have for all subjects and clothes.
    public static let characters: [String] =
        (Subject.all.flatMap(\.characters) + ["🎩", "👑"]).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }

    /// - Parameter picture: the RGBA picture of an emoji, or nil where there is none.
    /// - Throws: `SceneError.missingCutOut`, naming all that are missing.
    public init(picture: (String) throws -> Picture?) throws {
        var cutOuts: [String: CutOut] = [:]
        var missing: [String] = []
        for character in Self.characters {
            if let cutOut = try picture(character).flatMap({ CutOut($0) }) {
                cutOuts[character] = cutOut
            } else {
                missing.append(character)
            }
        }
        guard missing.isEmpty else {
            throw SceneError.missingCutOut(
                missing.joined(separator: " ") + " (is the emoji collection whole, with an alpha channel?)")
        }
        var painted: [String: [ColourWord: CutOut]] = [:]
        for subject in Subject.all where subject.takesColour {
            for character in subject.characters {
                guard let cutOut = cutOuts[character] else { continue }
                for word in Self.paints where word != subject.naturalColour {
                    painted[character, default: [:]][word] = cutOut.painted(word)
                }
            }
        }
        self.cutOuts = cutOuts
        self.painted = painted
    }

    /// The colours that subjects are painted in.
    static let paints: [ColourWord] = [.red, .orange, .yellow, .green, .blue, .purple, .pink]

    func cutOut(_ character: String, _ colour: ColourWord? = nil) -> CutOut? {
        if let colour, let cutOut = painted[character]?[colour] { return cutOut }
        return cutOuts[character]
    }
}
