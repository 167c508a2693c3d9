internal import Datasets
internal import Foundation
public import Images
public import Scenes

/// What is to be drawn and judged: texts, and, where they are told of composed scenes, the scenes.
public struct PromptSet: Sendable {
    /// Which prompts.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// One subject, in combinations that training never shows.
        case heldOut = "held-out"
        /// One subject, in combinations that training shows.
        case train
        /// Two subjects and how they stand to each other, held out.
        case pairs
    }

    public let name: String
    public let texts: [String]
    /// One a text; empty for texts of a file.
    public let descriptions: [SceneDescription]
    /// What the true captions are told from, one a text.
    public let choices: [CaptionChoice]
    /// What a person should know about the set: a sentence each.
    public let notes: [String]
    private let composed: ComposedScenes
    let indices: [Int]
    let references: [Int]

    /// Prompts told of scenes.
    ///
    /// - Parameters:
    ///   - configuration: what scenes are composed of; its split, subject counts and seed are replaced.
    ///   - references: other scenes of the same kind, for distances.
    ///   - captions: how many each picture is judged by, the true one among them; half as many at most for one part alone.
    ///   - seed: of the scenes and of the wording.
    /// - Throws: `SceneError.configuration`, `EvaluationError.tooFew` where the configuration has no such scenes, or
    ///   `CancellationError`.
    public init(
        _ kind: Kind, of configuration: SceneConfiguration, artwork: Artwork, count: Int, references: Int = 1000,
        captions: Int = 100, seed: UInt64 = 0
    ) throws {
        name = kind.rawValue
        var own = configuration
        own.split = kind == .train ? .train : .heldOut
        own.subjectCounts = kind == .pairs ? [0, 1, 0] : [1, 0, 0]
        own.seed = SeededGenerator.mix(seed ^ SceneSeed.of(kind))
        composed = try ComposedScenes(own, artwork: artwork)
        notes =
            configuration.split == .all
            ? ["nothing of this data was held out when it was trained on: “held-out” prompts were seen"] : []
        (indices, references: self.references) = try Self.scan(
            composed, subjects: kind == .pairs ? 2 : 1, count, references, kind.rawValue)
        let scenes = try indices.map { [composed] in try composed.description(at: $0) }
        let alterations = try CaptionAlterations(own)
        descriptions = scenes
        choices = try zip(scenes, indices).map { scene, index in
            if Task.isCancelled { throw CancellationError() }
            return CaptionChoice(
                scene, alterations, others: max(1, captions - 1), partLimit: max(1, captions / 2 - 1),
                seed: SeededGenerator.mix(own.seed &+ UInt64(index)))
        }
        texts = choices.map { $0.captions[0] }
    }

    /// Texts of a file, one a line; each is told from others of the file.
    ///
    /// - Parameter configuration: what the scenes are composed of that distances are measured to.
    /// - Throws: `DatasetError` for the file; `SceneError.configuration`.
    public init(
        file path: String, of configuration: SceneConfiguration, artwork: Artwork, count: Int, references: Int = 1000,
        captions: Int = 100, seed: UInt64 = 0
    ) throws {
        let lines = try PromptFile.read(path)
        name = URL(filePath: path).deletingPathExtension().lastPathComponent
        let texts = Array(lines.prefix(count))
        self.texts = texts
        descriptions = []
        var own = configuration
        own.split = .heldOut
        own.seed = SeededGenerator.mix(seed ^ SceneSeed.ofFiles)
        composed = try ComposedScenes(own, artwork: artwork)
        indices = []
        self.references = Array(0..<max(0, min(references, composed.count)))
        choices = texts.indices.map { index in
            var random = SeededGenerator(seed, UInt64(index))
            var others = lines.filter { $0 != texts[index] }
            for place in others.indices.dropLast() { others.swapAt(place, place + random.below(others.count - place)) }
            return CaptionChoice(texts[index], others: Array(others.prefix(max(0, captions - 1))))
        }
        notes = lines.count > count ? ["\(path) holds \(lines.count) prompts, of which the first \(count) are drawn"] : []
    }

    /// What the set's scenes are composed of.
    var configuration: SceneConfiguration { composed.configuration }

    /// Whether there are real pictures of the prompts.
    public var hasScenes: Bool { !descriptions.isEmpty }

    /// The set's scenes with a side in pixels: those of the prompts are at `indices`, others of the kind at `references`.
    func scenes(size: Int) throws -> ComposedScenes {
        var configuration = composed.configuration
        configuration.size = size
        return try ComposedScenes(configuration, artwork: composed.artwork)
    }

    /// The real pictures of the prompts' scenes, in their order; none for texts of a file.
    /// - Parameter size: their side in pixels.
    public func realPictures(size: Int) throws -> [Picture] {
        let scenes = try scenes(size: size)
        return try indices.map { try scenes.scene(at: $0).picture }
    }

    /// Real pictures that show the same as a prompt's.
    ///
    /// - Returns: `count`, or fewer where there are no more.
    func pictures(alike prompt: Int, count: Int, size: Int) throws -> [Picture] {
        let scene = descriptions[prompt]
        var configuration = composed.configuration.composing(scene)
        configuration.size = size
        configuration.seed = SeededGenerator.mix(configuration.seed &+ UInt64(prompt))
        let scenes = try ComposedScenes(configuration, artwork: composed.artwork)
        return try scenes.indices(alike: scene, count: count).map { try scenes.scene(at: $0).picture }
    }

    /// The first scenes with so many subjects, and those after them.
    private static func scan(
        _ scenes: ComposedScenes, subjects: Int, _ count: Int, _ references: Int, _ name: String
    ) throws -> (indices: [Int], references: [Int]) {
        var found: [Int] = []
        let wanted = count + references
        for index in 0..<min(scenes.count, 1000 + wanted * 50) where found.count < wanted {
            if index % 256 == 0, Task.isCancelled { throw CancellationError() }
            if try scenes.description(at: index).entities.count == subjects { found.append(index) }
        }
        guard found.count >= min(wanted, count + 2) else {
            throw EvaluationError.tooFew(
                "\(found.count) scenes of the set \(name)", expected: "at least \(count + 2); the configuration of the "
                    + "scenes has too few subjects or places for more")
        }
        return (Array(found.prefix(count)), Array(found.dropFirst(count)))
    }
}

/// Keeps the sets' scenes apart.
private enum SceneSeed {
    static func of(_ kind: PromptSet.Kind) -> UInt64 {
        switch kind {
        case .heldOut: 0x4845_4C44
        case .train: 0x5452_4149_4E
        case .pairs: 0x5041_4952
        }
    }
    static let ofFiles: UInt64 = 0x4649_4C45
}
