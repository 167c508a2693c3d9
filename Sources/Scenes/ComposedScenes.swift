public import Datasets
public import Images

/// The data set `scenes`: captioned pictures composed on the fly, each a pure function of (seed, index).
///
/// ```swift
/// let scenes = try ComposedScenes(.simple, emoji: EmojiCollection.load())
/// let scene = try scenes.scene(at: 7)
/// print(scene.caption, scene.description.entities.map(\.box))
/// ```
/// The composition does not depend on the size: the same index at 64 and at 256 pixels is the same scene.
public struct ComposedScenes: CaptionedPictures {
    /// A picture, what it shows, and one way to say so.
    public struct Scene: Sendable, Equatable {
        public var picture: Picture
        public var caption: String
        public var description: SceneDescription
    }

    public let configuration: SceneConfiguration
    public let artwork: Artwork
    private let composer: Composer

    public var name: String { "scenes" }
    public var count: Int { configuration.count }

    /// - Throws: `SceneError.configuration` where nothing can be composed so.
    public init(_ configuration: SceneConfiguration, artwork: Artwork) throws(SceneError) {
        self.configuration = configuration
        self.artwork = artwork
        composer = try Composer(configuration, artwork)
    }

    /// - Throws: `SceneError`, or the collection's own error about its font.
    public init(_ configuration: SceneConfiguration, emoji: EmojiCollection) throws {
        try self.init(configuration, artwork: Artwork(emoji))
    }

    /// What the picture at an index shows, without painting it.
    public func description(at index: Int) throws -> SceneDescription {
        try check(index)
        return compose(index).scene
    }

    /// - Parameter variation: another one words the caption otherwise; the picture stays.
    public func scene(at index: Int, variation: UInt64 = 0) throws -> Scene {
        try check(index)
        let (scene, stage) = compose(index)
        let picture = try Painter(size: configuration.size, artwork: artwork)
            .paint(scene, stage, seed: configuration.seed, index: index)
        return Scene(picture: picture, caption: caption(scene, index, variation), description: scene)
    }

    /// The picture of an index with other subjects where its own stand: on the same ground, as large as fits in their boxes.
    ///
    /// - Parameter subjects: names of `Subject.all`, one for each of the scene's own.
    /// - Throws: `SceneError.configuration` for an unknown name or another number of them; `SceneError.canvas`;
    ///   `DatasetError.invalid` for an index beyond the set.
    public func picture(at index: Int, standIns subjects: [String]) throws -> Picture {
        try check(index)
        let (own, stage) = compose(index)
        var scene = own
        guard subjects.count == scene.entities.count else {
            throw SceneError.configuration("\(subjects.count) stand-ins for \(scene.entities.count) subjects")
        }
        for (place, name) in subjects.enumerated() {
            guard let subject = Subject.byName[name] else {
                throw SceneError.configuration("there is no subject \"\(name)\"")
            }
            scene.entities[place].subject = name
            let aspect = subject.aspect(artwork)
            scene.entities[place].boxes = scene.entities[place].boxes.map { box in
                let height = min(box.height, box.width / aspect)
                return .init(
                    x: box.midX - height * aspect / 2, y: box.maxY - height, width: height * aspect, height: height)
            }
        }
        return try Painter(size: configuration.size, artwork: artwork)
            .paint(scene, stage, seed: configuration.seed, index: index)
    }

    public func example(at index: Int, variation: UInt64) throws -> Example {
        let scene = try scene(at: index, variation: variation)
        return Example(picture: scene.picture, caption: scene.caption, key: key(of: index), regions: scene.description.regions)
    }

    /// A few of the ways to say what is seen.
    public func captions(at index: Int) throws -> [String] {
        let scene = try description(at: index)
        return (0..<4).map { caption(scene, index, $0) }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    public func identity(at index: Int) throws -> ExampleIdentity {
        let scene = try description(at: index)
        return ExampleIdentity(
            key: key(of: index), stamp: "\(configuration.size)-\(caption(scene, index, 0))")
    }

    private func key(of index: Int) -> String { "scene-\(configuration.seed)-\(index)" }

    private func compose(_ index: Int) -> (scene: SceneDescription, stage: Stage) {
        var random = SceneRandom(seed: configuration.seed, index: index, stream: .composition)
        return composer.compose(&random, in: composer.setting(of: index))
    }

    private func caption(_ scene: SceneDescription, _ index: Int, _ variation: UInt64) -> String {
        caption(CaptionGrammar(scene), index, variation)
    }

    /// How the scene, or one like it, is worded in this variation.
    func caption(_ grammar: CaptionGrammar, _ index: Int, _ variation: UInt64) -> String {
        var random = SceneRandom(seed: configuration.seed ^ mix64(variation), index: index, stream: .caption)
        return grammar.caption(&random)
    }
}

extension Artwork {
    /// The cut-outs of an emoji collection.
    public init(_ emoji: EmojiCollection) throws {
        func bare(_ scalars: some Sequence<UInt32>) -> [UInt32] { scalars.filter { $0 != 0xFE0F } }
        let byCharacter = Dictionary(
            emoji.emoji.map { (bare($0.codepoints), $0) }, uniquingKeysWith: { first, _ in first })
        try self.init { character in
            try byCharacter[bare(character.unicodeScalars.map(\.value))].map { try emoji.picture(of: $0) }
        }
    }
}
