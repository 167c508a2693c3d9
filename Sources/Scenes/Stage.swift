/// The bare stage of a place: where its horizon, shores and sun are. Subjects are set on it before it is painted.
struct Stage {
    let place: Place
    /// Height of the horizon, from the top.
    let horizon: Double
    /// Where near land begins at a lake or beach; the horizon elsewhere.
    let shore: Double
    /// At a lake: a tongue of land that houses stand on, its tip's x and whether it comes from the left.
    var spit: (tip: Double, fromLeft: Bool, y: Double)?
    /// The sun's or moon's centre and radius.
    var lamp: (x: Double, y: Double, radius: Double) = (0.8, 0.15, 0.07)

    init(_ place: Place, _ random: inout SceneRandom) {
        self.place = place
        switch place {
        case .lake:
            horizon = random.uniform(0.44, 0.5)
            shore = random.uniform(0.82, 0.86)
        case .beach:
            horizon = random.uniform(0.44, 0.5)
            shore = random.uniform(0.66, 0.7)
        case .mountains, .snow:
            horizon = random.uniform(0.58, 0.64)
            shore = horizon
        case .city:
            horizon = random.uniform(0.68, 0.72)
            shore = horizon
        case .forest, .desert, .meadow:
            horizon = random.uniform(0.54, 0.62)
            shore = horizon
        }
    }

    /// The heights at which feet may stand.
    var ground: ClosedRange<Double> {
        switch place {
        case .lake: 0.89...0.94
        case .beach: 0.82...0.93
        case .city: 0.86...0.92
        default: 0.84...0.93
        }
    }

    /// The heights at which keels may lie.
    var water: ClosedRange<Double> {
        place == .beach ? (horizon + 0.09)...(shore - 0.05) : (horizon + 0.16)...(shore - 0.08)
    }

    /// How far away feet at this height are: 0 at the lower edge, 1 at the horizon.
    func distance(_ y: Double) -> Double { max(0, min(1, (1 - y) / (1 - horizon))) }
}
