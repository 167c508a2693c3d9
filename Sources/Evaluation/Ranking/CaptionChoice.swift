public import Scenes

/// The captions one picture is judged by: the true one, others that are false in one part or more, and for each part
/// others that are false in it alone.
public struct CaptionChoice: Sendable, Equatable {
    /// Without repetition; the true one first.
    public private(set) var captions: [String]
    /// Which of the captions are to be told from the true one, all parts mixed.
    public private(set) var mixed: [Int] = []
    /// The same for one part alone; only parts in which another scene is possible. A part with only the true caption to
    /// choose is not here, and counts in no row of a report.
    public private(set) var parts: [ScenePart: [Int]] = [:]

    /// - Parameters:
    ///   - others: how many false captions are mixed: 99 for a ranking among 100.
    ///   - partLimit: captions of a part alone, besides the true one, at most.
    ///   - seed: of the choice and of the wording.
    public init(
        _ scene: SceneDescription, _ alterations: CaptionAlterations, others: Int = 99, partLimit: Int = 49, seed: UInt64
    ) {
        captions = [alterations.caption(of: scene, seed: seed)]
        var places = [captions[0]: 0]
        func place(_ caption: String) -> Int {
            if let known = places[caption] { return known }
            places[caption] = captions.count
            captions.append(caption)
            return captions.count - 1
        }
        mixed = alterations.altered(scene, count: others, seed: seed).map { place($0.caption) }
        for part in ScenePart.allCases {
            let altered = alterations.altered(scene, in: part, limit: partLimit, seed: seed)
            if !altered.isEmpty { parts[part] = altered.map { place($0.caption) } }
        }
    }

    /// A text of nobody's scene, to be told from other texts.
    public init(_ text: String, others: [String]) {
        captions = [text]
        for other in others where !captions.contains(other) { captions.append(other) }
        mixed = Array(captions.indices.dropFirst())
    }
}
