internal import Datasets

/// What a composed picture shows: the truth its caption is told from, and is judged by.
public struct SceneDescription: Codable, Sendable, Equatable {
    /// A rectangle in units of the picture's side, from the top left.
    public struct Box: Codable, Sendable, Equatable {
        public var x, y, width, height: Double

        public init(x: Double, y: Double, width: Double, height: Double) {
            (self.x, self.y, self.width, self.height) = (x, y, width, height)
        }

        public var midX: Double { x + width / 2 }
        public var midY: Double { y + height / 2 }
        public var maxX: Double { x + width }
        public var maxY: Double { y + height }
        public var area: Double { width * height }

        /// Area common to both.
        public func overlap(_ other: Box) -> Double {
            max(0, min(maxX, other.maxX) - max(x, other.x)) * max(0, min(maxY, other.maxY) - max(y, other.y))
        }

        /// The smallest box around both.
        func union(_ other: Box) -> Box {
            let left = min(x, other.x)
            let top = min(y, other.y)
            return Box(x: left, y: top, width: max(maxX, other.maxX) - left, height: max(maxY, other.maxY) - top)
        }
    }

    public struct Worn: Codable, Sendable, Equatable {
        public var garment: Garment
        public var colour: ColourWord?

        public init(garment: Garment, colour: ColourWord? = nil) { (self.garment, self.colour) = (garment, colour) }
    }

    /// One subject, or several of a kind.
    public struct Entity: Codable, Sendable, Equatable {
        /// A name of `Subject.all`.
        public var subject: String
        /// One box for each of its kind.
        public var boxes: [Box]
        public var size: SizeWord
        /// A colour it was given, where it does not have its natural one.
        public var colour: ColourWord?
        public var wears: [Worn]

        public init(
            subject: String, boxes: [Box], size: SizeWord = .medium, colour: ColourWord? = nil, wears: [Worn] = []
        ) {
            (self.subject, self.boxes, self.size, self.colour, self.wears) = (subject, boxes, size, colour, wears)
        }

        public var count: Int { boxes.count }
        /// The box around all of its kind.
        public var box: Box {
            boxes.dropFirst().reduce(boxes.first ?? Box(x: 0, y: 0, width: 0, height: 0)) { $0.union($1) }
        }
    }

    /// `entities[subject]` stands to `entities[object]` as `kind` says.
    public struct Relation: Codable, Sendable, Equatable {
        public var subject: Int
        public var kind: RelationKind
        public var object: Int

        public init(subject: Int, kind: RelationKind, object: Int) {
            (self.subject, self.kind, self.object) = (subject, kind, object)
        }
    }

    public var entities: [Entity]
    public var relations: [Relation]
    public var place: Place
    public var season: Season
    public var light: Light
    public var style: Style

    public init(
        entities: [Entity], relations: [Relation] = [], place: Place, season: Season = .summer, light: Light,
        style: Style = .plain
    ) {
        (self.entities, self.relations, self.place) = (entities, relations, place)
        (self.season, self.light, self.style) = (season, light, style)
    }
}

extension SceneDescription {
    /// Where its subjects stand.
    var regions: [Region] {
        entities.flatMap(\.boxes).map { Region(x: $0.x, y: $0.y, width: $0.width, height: $0.height) }
    }
}
