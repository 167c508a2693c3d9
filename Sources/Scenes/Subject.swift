/// A thing that scenes are about: what it is called, how it is drawn, and where it is at home.
public struct Subject: Sendable, Hashable {
    /// Where it stands, swims or flies.
    public enum Habitat: Sendable, Hashable { case ground, water, sky }

    enum Art: Sendable, Hashable {
        /// One cut-out of a Unicode character.
        case emoji(String)
        /// The head from a cut-out, on a sitting body drawn under it.
        case seated(head: String, coat: UInt32, chest: UInt32)
        /// Drawn by code.
        case drawn(DrawnSubject)
    }

    /// The name that descriptions and configurations use.
    public let name: String
    public let plural: String
    /// Other names, each true of it.
    public let synonyms: [String]
    public let habitat: Habitat
    /// Its natural size among the others; 1 is an animal.
    let scale: Double
    let art: Art
    /// Whether it may be given another colour.
    let takesColour: Bool
    /// The colour word that is true of it as it comes, where there is one.
    public let naturalColour: ColourWord?
    /// Where clothes sit, in units of its box; nil where it wears none.
    let figure: Figure?

    /// Anchors for clothes: the top of the head, the throat, and the head's width.
    struct Figure: Sendable, Hashable {
        var headX, headY, neckX, neckY, headWidth: Double
    }
}

extension Subject {
    /// Every subject, in a fixed order.
    public static let all: [Subject] = animals + seatedAnimals + waterAndSky + buildings + vehicles + plants + things

    static let byName: [String: Subject] = Dictionary(
        all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// A small set for the first steps of a curriculum: shapes and colours far from each other.
    public static let core: [String] = [
        "fox", "hedgehog", "dog", "cat", "robot", "house", "cottage", "boat", "rocket", "calculator", "rabbit", "bear",
        "elephant", "penguin", "frog", "owl", "car", "balloon", "castle", "tree", "mushroom", "sunflower", "snowman",
        "tent",
    ]

    private static func emoji(
        _ character: String, _ name: String, _ plural: String? = nil, also synonyms: [String] = [],
        in habitat: Habitat = .ground, scale: Double = 1, paint: Bool = false, is natural: ColourWord? = nil,
        figure: Figure? = nil
    ) -> Subject {
        Subject(
            name: name, plural: plural ?? name + "s", synonyms: synonyms, habitat: habitat, scale: scale,
            art: .emoji(character), takesColour: paint, naturalColour: natural, figure: figure)
    }

    private static func seated(
        _ character: String, _ name: String, _ plural: String? = nil, also synonyms: [String] = [], coat: UInt32,
        chest: UInt32, is natural: ColourWord? = nil
    ) -> Subject {
        Subject(
            name: name, plural: plural ?? name + "s", synonyms: synonyms, habitat: .ground, scale: 1.05,
            art: .seated(head: character, coat: coat, chest: chest), takesColour: false, naturalColour: natural,
            figure: Figure(headX: 0.5, headY: 0.07, neckX: 0.5, neckY: 0.58, headWidth: 0.8))
    }

    private static func drawn(
        _ art: DrawnSubject, _ name: String, _ plural: String? = nil, also synonyms: [String] = [],
        in habitat: Habitat = .ground, scale: Double = 1, paint: Bool = false, is natural: ColourWord? = nil,
        figure: Figure? = nil
    ) -> Subject {
        Subject(
            name: name, plural: plural ?? name + "s", synonyms: synonyms, habitat: habitat, scale: scale,
            art: .drawn(art), takesColour: paint, naturalColour: natural, figure: figure)
    }

    private static let animals: [Subject] = [
        emoji(
            "🦔", "hedgehog", scale: 0.9, is: .brown,
            figure: Figure(headX: 0.26, headY: 0.34, neckX: 0.27, neckY: 0.9, headWidth: 0.34)),
        emoji(
            "🐕", "dog", also: ["puppy", "hound"],
            figure: Figure(headX: 0.4, headY: 0.02, neckX: 0.42, neckY: 0.5, headWidth: 0.6)),
        emoji(
            "🐈", "cat", also: ["kitty", "kitten"], is: .yellow,
            figure: Figure(headX: 0.3, headY: 0.07, neckX: 0.34, neckY: 0.5, headWidth: 0.5)),
        emoji("🐇", "rabbit", also: ["bunny", "hare"], scale: 0.9, is: .grey),
        emoji("🐅", "tiger", is: .orange), emoji("🐘", "elephant", scale: 1.15, is: .grey),
        emoji("🦒", "giraffe", scale: 1.2, is: .orange), emoji("🐎", "horse", scale: 1.1, is: .brown),
        emoji("🐄", "cow", scale: 1.1), emoji("🐖", "pig", is: .pink),
        emoji("🐑", "sheep", "sheep", is: .white), emoji("🐐", "goat", is: .brown),
        emoji("🦌", "deer", "deer", also: ["stag"], scale: 1.1, is: .brown),
        emoji("🐿️", "squirrel", also: ["chipmunk"], scale: 0.9, is: .brown),
        emoji("🐁", "mouse", "mice", scale: 0.8, is: .grey),
        emoji("🐒", "monkey"), emoji("🦍", "gorilla", scale: 1.1, is: .grey),
        emoji("🦘", "kangaroo", scale: 1.05, is: .brown),
        emoji("🐫", "camel", scale: 1.1), emoji("🦙", "llama", scale: 1.05, is: .white),
        emoji("🐆", "leopard", is: .yellow), emoji("🦏", "rhino", also: ["rhinoceros"], scale: 1.1),
        emoji("🐢", "turtle", also: ["tortoise"], scale: 0.85, is: .green), emoji("🐌", "snail", scale: 0.75),
        emoji("🐍", "snake", is: .green), emoji("🐊", "crocodile", also: ["alligator"], is: .green),
        emoji("🦕", "dinosaur", also: ["sauropod"], scale: 1.2, paint: true, is: .green),
        emoji("🦖", "t-rex", also: ["tyrannosaurus"], scale: 1.15, is: .green),
        emoji("🐉", "dragon", scale: 1.15, paint: true, is: .green), emoji("🐧", "penguin"),
        emoji("🐓", "rooster", also: ["cockerel"], scale: 0.9), emoji("🦉", "owl", scale: 0.95, is: .brown),
        emoji("🦜", "parrot", scale: 0.9, is: .green), emoji("🦚", "peacock"), emoji("🦩", "flamingo", is: .pink),
        emoji("🐤", "chick", scale: 0.75, is: .yellow),
        emoji("🐞", "ladybird", also: ["ladybug", "beetle"], scale: 0.75, is: .red),
        emoji("🦀", "crab", scale: 0.85, is: .red), emoji("⛄", "snowman", "snowmen", is: .white),
        emoji("🧸", "teddy bear", also: ["teddy"], is: .brown),
    ]

    private static let seatedAnimals: [Subject] = [
        seated("🦊", "fox", "foxes", coat: 0xF4721F, chest: 0xFBF3E8, is: .orange),
        seated("🐻", "bear", coat: 0x8D6347, chest: 0xC79B76, is: .brown),
        seated("🐼", "panda", also: ["panda bear"], coat: 0x33373D, chest: 0xFAFAFA),
        seated("🦁", "lion", coat: 0xF3B04A, chest: 0xFBE0AE, is: .orange),
        seated("🐺", "wolf", "wolves", coat: 0x8F969B, chest: 0xE7EAEC, is: .grey),
        seated("🦝", "raccoon", coat: 0x8A8F93, chest: 0xD9DCDE, is: .grey),
        seated("🐨", "koala", coat: 0x90A0A9, chest: 0xDDE4E8, is: .grey),
        seated("🐹", "hamster", coat: 0xF0A860, chest: 0xFCEBD2),
        seated("🐸", "frog", coat: 0x7CB83C, chest: 0xD8EDB0, is: .green),
        seated("🐮", "calf", "calves", coat: 0xF3EEE7, chest: 0xB98A5E),
        seated("🐷", "piglet", coat: 0xF6B7B0, chest: 0xFCD8D3, is: .pink),
        seated("🐵", "ape", also: ["chimp"], coat: 0xA9713F, chest: 0xEBC593, is: .brown),
        drawn(
            .robot, "robot", also: ["android"], scale: 1.1, paint: true, is: .grey,
            figure: Figure(headX: 0.5, headY: 0.13, neckX: 0.5, neckY: 0.5, headWidth: 0.62)),
    ]

    private static let waterAndSky: [Subject] = [
        emoji("🦆", "duck", scale: 0.85), emoji("🦢", "swan", in: .water, scale: 0.95, is: .white),
        emoji("🐳", "whale", in: .water, scale: 1.25, is: .blue),
        emoji("🐬", "dolphin", in: .water, scale: 1.1, is: .blue),
        emoji("🦈", "shark", in: .water, scale: 1.1, is: .grey),
        emoji("🐙", "octopus", "octopuses", paint: true, is: .red),
        emoji("🐦", "bird", in: .sky, scale: 0.85, paint: true, is: .blue),
        emoji("🦅", "eagle", in: .sky, is: .brown),
        emoji("🕊️", "dove", also: ["pigeon"], in: .sky, scale: 0.85, is: .white),
        emoji("🦋", "butterfly", "butterflies", in: .sky, scale: 0.8, paint: true, is: .orange),
        emoji("🐝", "bee", also: ["bumblebee"], in: .sky, scale: 0.75, is: .yellow),
        emoji("🦇", "bat", in: .sky, scale: 0.9, is: .brown),
    ]

    private static let buildings: [Subject] = [
        drawn(.house, "house", scale: 1.3, paint: true), drawn(.cottage, "cottage", also: ["cabin"], scale: 1.2),
        emoji("🏰", "castle", scale: 1.35, is: .grey), emoji("⛺", "tent", scale: 1.1, is: .orange),
        emoji("⛪", "church", "churches", scale: 1.35), emoji("🛖", "hut", scale: 1.15),
        emoji("🎡", "ferris wheel", also: ["big wheel"], scale: 1.35), emoji("⛲", "fountain", scale: 1.05),
        drawn(.lighthouse, "lighthouse", scale: 1.4),
    ]

    private static let vehicles: [Subject] = [
        emoji("🚗", "car", also: ["automobile"], paint: true, is: .red), emoji("🚌", "bus", "buses", scale: 1.15),
        emoji("🚚", "truck", also: ["lorry"], scale: 1.1), emoji("🚜", "tractor", is: .green),
        emoji("🚲", "bicycle", also: ["bike"]), emoji("🚂", "train", also: ["locomotive", "steam engine"], scale: 1.15),
        emoji("🚕", "taxi", also: ["cab"], is: .yellow),
        emoji("🚒", "fire engine", also: ["fire truck"], scale: 1.15, is: .red),
        emoji("🛵", "scooter", is: .yellow),
        emoji("⛵", "boat", also: ["sailboat", "sailing boat"], in: .water, scale: 1.2, paint: true, is: .red),
        emoji("🚢", "ship", in: .water, scale: 1.3), emoji("🛶", "canoe", in: .water, is: .brown),
        emoji("🚤", "speedboat", also: ["motorboat"], in: .water),
        emoji("🚀", "rocket", also: ["spaceship"], in: .sky, scale: 1.1, is: .red),
        emoji("✈️", "airplane", also: ["plane", "aeroplane"], in: .sky, scale: 1.05),
        emoji("🚁", "helicopter", in: .sky, is: .yellow),
        emoji("🎈", "balloon", in: .sky, scale: 0.95, paint: true, is: .red),
        emoji("🛸", "flying saucer", also: ["ufo"], in: .sky), emoji("🪁", "kite", in: .sky, scale: 0.9),
        drawn(.hotAirBalloon, "hot air balloon", in: .sky, scale: 1.2, paint: true, is: .red),
    ]

    private static let plants: [Subject] = [
        emoji("🌳", "tree", scale: 1.3, is: .green),
        emoji("🌲", "pine tree", also: ["fir tree", "pine"], scale: 1.3, is: .green),
        emoji("🌴", "palm tree", also: ["palm"], scale: 1.3), emoji("🌵", "cactus", "cactuses", scale: 1.1, is: .green),
        emoji("🍄", "mushroom", also: ["toadstool"], scale: 0.85, paint: true, is: .red),
        emoji("🌻", "sunflower", is: .yellow),
        emoji("🌷", "tulip", scale: 0.85, is: .pink), emoji("🌹", "rose", scale: 0.85, is: .red),
    ]

    private static let things: [Subject] = [
        drawn(.calculator, "calculator", also: ["pocket calculator"], scale: 0.85, paint: true, is: .grey),
        emoji("☂️", "umbrella", paint: true, is: .purple), emoji("🎸", "guitar", paint: true, is: .red),
        emoji("🥁", "drum", scale: 0.85, paint: true, is: .red), emoji("🎺", "trumpet", scale: 0.9, is: .yellow),
        emoji("🎻", "violin", also: ["fiddle"], scale: 0.95), emoji("🔭", "telescope"),
        emoji("📖", "book", also: ["open book"], scale: 0.8),
        emoji("💻", "laptop", also: ["computer"], scale: 0.85), emoji("📺", "television", also: ["tv"], scale: 0.9),
        emoji("⏰", "alarm clock", also: ["clock"], scale: 0.8, paint: true, is: .red),
        emoji("🕯️", "candle", scale: 0.85),
        emoji("🎁", "present", also: ["gift"], scale: 0.85), emoji("🎂", "cake", also: ["birthday cake"], scale: 0.9),
        emoji("🍕", "slice of pizza", "slices of pizza", scale: 0.85),
        emoji("🍎", "apple", scale: 0.75, paint: true, is: .red),
        emoji("🍌", "banana", scale: 0.75, is: .yellow), emoji("🍓", "strawberry", "strawberries", scale: 0.75, is: .red),
        emoji("🍉", "slice of watermelon", "slices of watermelon", scale: 0.8), emoji("🍦", "ice cream", scale: 0.85),
        emoji("🍩", "doughnut", also: ["donut"], scale: 0.75), emoji("🍔", "hamburger", also: ["burger"], scale: 0.8),
        emoji("🫖", "teapot", scale: 0.8, paint: true, is: .red),
        emoji("☕", "cup of coffee", "cups of coffee", also: ["coffee cup"], scale: 0.75),
        emoji("⚽", "football", also: ["soccer ball"], scale: 0.75), emoji("🏀", "basketball", scale: 0.75, is: .orange),
        emoji("🪑", "chair", is: .brown), emoji("🔑", "key", scale: 0.8, is: .yellow),
        emoji("🎒", "backpack", scale: 0.85, paint: true, is: .red),
        emoji("🔔", "bell", scale: 0.8, is: .yellow),
        emoji("🎃", "pumpkin", also: ["jack-o'-lantern"], scale: 0.85, is: .orange),
        emoji("🪴", "potted plant", scale: 0.9), emoji("🏮", "lantern", also: ["paper lantern"], scale: 0.85, is: .red),
    ]
}

extension Subject {
    /// What others can use, and whether it knows how.
    var isTool: Bool { name == "calculator" || name == "laptop" }
    var usesTools: Bool { habitat == .ground && figure != nil }

    /// The room a hat needs over its box, in units of the box's height.
    func hatHeight(_ artwork: Artwork) -> Double {
        guard let figure else { return 0 }
        return max(0, figure.headWidth * aspect(artwork) * 0.58 - figure.headY)
    }

    /// Width over height, as drawn.
    func aspect(_ artwork: Artwork) -> Double {
        switch art {
        case .emoji(let character): artwork.cutOut(character)?.aspect ?? 1
        case .seated: 0.8
        case .drawn(let drawn): drawn.aspect
        }
    }

    /// The characters whose cut-outs it needs.
    var characters: [String] {
        switch art {
        case .emoji(let character): [character]
        case .seated(let head, _, _): [head]
        case .drawn: []
        }
    }
}
