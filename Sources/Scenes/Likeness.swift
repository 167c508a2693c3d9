/// What could be called by another's name, or is there without being told: where a changed word would not be a lie.
enum Likeness {
    /// Subjects of which one might be taken for the other, or be called so: a cottage is a house, an eagle is a bird.
    private static let kin: [[String]] = [
        ["house", "cottage", "hut"],
        ["tree", "pine tree", "palm tree"],
        ["sunflower", "tulip", "rose", "potted plant"],
        [
            "bird", "eagle", "dove", "duck", "swan", "penguin", "rooster", "owl", "parrot", "peacock", "flamingo",
            "chick",
        ],
        ["bear", "panda", "teddy bear", "koala"],
        ["tiger", "leopard", "lion", "cat"],
        ["dog", "wolf"], ["cow", "calf"], ["pig", "piglet"], ["monkey", "ape", "gorilla"], ["sheep", "goat"],
        ["dinosaur", "t-rex", "dragon"], ["mouse", "hamster"], ["camel", "llama"], ["whale", "dolphin"],
        ["car", "taxi"], ["truck", "fire engine"],
        ["boat", "ship", "canoe", "speedboat"],
        ["balloon", "hot air balloon"], ["rocket", "flying saucer"], ["guitar", "violin"], ["lantern", "pumpkin"],
    ]

    private static let groups: [String: Set<String>] = kin.reduce(into: [:]) { found, group in
        for name in group { found[name, default: []].formUnion(group) }
    }

    /// The subjects that a subject could be called, itself among them.
    static func names(like subject: String) -> Set<String> { groups[subject] ?? [subject] }

    /// Subjects that stand in a place as a part of it.
    static func scenery(of place: Place) -> Set<String> {
        switch place {
        case .lake, .mountains, .forest, .snow: ["tree", "pine tree", "palm tree"]
        case .meadow: ["tree", "pine tree", "palm tree", "sunflower", "tulip", "rose"]
        case .beach: ["palm tree", "tree"]
        case .desert: ["cactus"]
        case .city: ["house", "church", "hut"]
        }
    }

    /// Places that a picture of this one might be said to show as well: there are mountains behind the lake and behind
    /// the snow, and a meadow before the mountains.
    static func places(like place: Place) -> Set<Place> {
        switch place {
        case .lake, .snow: [place, .mountains]
        case .mountains: [place, .meadow]
        default: [place]
        }
    }
}
