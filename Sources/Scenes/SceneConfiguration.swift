/// What scenes are composed of, and how often. Keys that a file leaves out keep the values below.
public struct SceneConfiguration: Codable, Sendable, Equatable {
    /// Side of the picture in pixels, 64 to 512.
    public var size = 64
    public var seed: UInt64 = 0
    /// Which side of the held-out split.
    public var split = SceneSplit.train
    /// How many indices there are; every index is another scene.
    public var count = 10_000_000
    /// Names of `Subject.all`; empty means all. In a file, `core` stands for those of `Subject.core`.
    public var subjects: [String] = []
    public var places = Place.allCases
    public var lights = Light.allCases
    /// Styles besides the plain one.
    public var styles = Style.allCases.filter { $0 != .plain }
    /// How often a scene has one, two and three subjects (weights).
    public var subjectCounts = [0.6, 0.27, 0.13]
    /// How often a scene has a style other than plain.
    public var styleProbability = 0.35
    /// How often leaves turn, where there are any.
    public var autumnProbability = 0.3
    /// How often a subject is several of its kind.
    public var pluralProbability = 0.12
    /// How often a subject that takes colours is given one.
    public var colourProbability = 0.4
    /// How often an animal that can wear clothes does.
    public var garmentProbability = 0.25
    /// How often a subject is remarkably small or large.
    public var sizeWordProbability = 0.35
    /// Least height of a single subject as a share of the picture's, as far as there is room; 0 asks for nothing.
    public var minimumHeight = 0.0
    /// How far a single subject strays from the middle of where it may stand and how large it may be: 1 uses all of it,
    /// 0 none. A curriculum can begin with little.
    public var spread = 1.0
    /// How many scenes in a row share place, season, light and style, so that their captions differ in what is there alone.
    public var alike = 1

    public init() {}

    /// Single large subjects in a clear place, without style: where a curriculum starts.
    public static var simple: SceneConfiguration {
        var configuration = SceneConfiguration()
        configuration.subjects = Subject.core
        configuration.subjectCounts = [1, 0, 0]
        configuration.styleProbability = 0
        configuration.autumnProbability = 0.15
        configuration.pluralProbability = 0
        configuration.colourProbability = 0.25
        configuration.garmentProbability = 0.1
        configuration.sizeWordProbability = 0
        configuration.minimumHeight = 0.4
        return configuration
    }

    /// Eight subjects of the simple scenes in their own colours, in every combination, nearly in the middle: what a small
    /// network learns first.
    public static var steady: SceneConfiguration {
        var configuration = SceneConfiguration.eight
        configuration.spread = 0.15
        return configuration
    }

    /// Eight subjects of the simple scenes in their own colours, in every combination.
    public static var eight: SceneConfiguration {
        var configuration = SceneConfiguration.simple
        configuration.split = .all
        configuration.subjects = ["house", "cottage", "castle", "tree", "fox", "robot", "rocket", "boat"]
        configuration.colourProbability = 0
        configuration.garmentProbability = 0
        return configuration
    }

    /// - Throws: `DecodingError` for a value of the wrong kind, and for a key that is none of the above.
    public init(from decoder: any Decoder) throws {
        let given = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        let unknown = given.filter { CodingKeys(stringValue: $0) == nil }.sorted()
        guard unknown.isEmpty else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "scenes have no setting called \(unknown.joined(separator: ", "))"))
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func read<T: Decodable>(_ key: CodingKeys, _ value: inout T) throws {
            if let found = try values.decodeIfPresent(T.self, forKey: key) { value = found }
        }
        try read(.size, &size)
        try read(.seed, &seed)
        try read(.split, &split)
        try read(.count, &count)
        try read(.subjects, &subjects)
        subjects = subjects.flatMap { $0 == "core" ? Subject.core : [$0] }
        try read(.places, &places)
        try read(.lights, &lights)
        try read(.styles, &styles)
        try read(.subjectCounts, &subjectCounts)
        try read(.styleProbability, &styleProbability)
        try read(.autumnProbability, &autumnProbability)
        try read(.pluralProbability, &pluralProbability)
        try read(.colourProbability, &colourProbability)
        try read(.garmentProbability, &garmentProbability)
        try read(.sizeWordProbability, &sizeWordProbability)
        try read(.minimumHeight, &minimumHeight)
        try read(.spread, &spread)
        try read(.alike, &alike)
    }

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The subjects asked for.
    /// - Throws: `SceneError.configuration`, naming the key, what it holds and what would do.
    func validated() throws(SceneError) -> [Subject] {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(SceneError) {
            if !holds { throw .configuration(message()) }
        }
        try require((64...512).contains(size), "size is \(size), expected 64 to 512")
        try require(count > 0, "count is \(count), expected at least 1")
        try require(!places.isEmpty, "places is empty; leave it out for all")
        try require(!lights.isEmpty, "lights is empty; leave it out for all")
        try require(
            subjectCounts.count <= 3 && subjectCounts.allSatisfy { $0 >= 0 && $0.isFinite }
                && subjectCounts.contains { $0 > 0 },
            "subjectCounts is \(subjectCounts), expected up to three weights, one of them above 0")
        for (name, value) in [
            ("styleProbability", styleProbability), ("autumnProbability", autumnProbability),
            ("pluralProbability", pluralProbability), ("colourProbability", colourProbability),
            ("garmentProbability", garmentProbability), ("sizeWordProbability", sizeWordProbability), ("spread", spread),
        ] { try require((0...1).contains(value), "\(name) is \(value), expected 0 to 1") }
        try require((1...65_536).contains(alike), "alike is \(alike), expected 1 to 65536")
        try require((0...0.6).contains(minimumHeight), "minimumHeight is \(minimumHeight), expected 0 to 0.6")
        try require(
            styleProbability == 0 || !styles.isEmpty,
            "styles is empty but styleProbability is \(styleProbability); set that to 0")
        let unknown = subjects.filter { Subject.byName[$0] == nil }
        try require(unknown.isEmpty, "subjects names \(unknown.joined(separator: ", ")), which no subject is called")
        return subjects.isEmpty ? Subject.all : subjects.compactMap { Subject.byName[$0] }
    }
}
