/// Sets the cast on the stage: sizes first, then boxes that tell the relations and do not cover each other.
struct Layout {
    typealias Box = SceneDescription.Box

    /// One entity's place: a box for each of its kind.
    struct Block {
        var boxes: [Box] = []
        var size = SizeWord.medium
    }

    let configuration: SceneConfiguration
    let artwork: Artwork
    let cast: [Subject]
    private(set) var blocks: [Block] = []

    init(configuration: SceneConfiguration, artwork: Artwork, cast: [Subject]) {
        (self.configuration, self.artwork, self.cast) = (configuration, artwork, cast)
    }

    /// One subject, one of its kind: always fits.
    mutating func arrangeOne(_ stage: inout Stage, _ random: inout SceneRandom) {
        blocks = [alone(1, &stage, &random)]
        correctSizes()
    }

    /// - Returns: the relations that hold, or nil where the cast did not fit.
    mutating func arrange(_ stage: inout Stage, _ random: inout SceneRandom) -> [SceneDescription.Relation]? {
        defer { correctSizes() }
        switch cast.count {
        case 1:
            blocks = [alone(random.chance(configuration.pluralProbability) ? 2 + random.below(3) : 1, &stage, &random)]
            return fits() ? [] : nil
        case 2:
            let relation = pair(stage, &random)
            return fits(behind: relation.kind == .inFrontOf || relation.kind == .using) ? [relation] : nil
        default:
            let relations = three(stage, &random)
            return fits() ? relations : nil
        }
    }

    /// Everything is inside the picture, and nobody is covered (or only the one who stands behind, in part).
    private func fits(behind: Bool = false) -> Bool {
        let boxes = blocks.flatMap(\.boxes)
        for (i, a) in boxes.enumerated() {
            guard a.x >= -0.02, a.maxX <= 1.02, a.y >= 0.01, a.maxY <= 0.99 else { return false }
            for b in boxes[(i + 1)...] where a.overlap(b) > (behind ? 0.34 : 0.02) * min(a.area, b.area) {
                return false
            }
        }
        return true
    }

    // MARK: one subject

    private mutating func alone(_ several: Int, _ stage: inout Stage, _ random: inout SceneRandom) -> Block {
        let subject = cast[0]
        let (word, wanted) = size(of: subject, among: several, &random)
        if several > 1 { return group(of: several, subject, wanted, stage, &random) }
        // What floats has its keel in the water, however large it is.
        let height = subject.habitat == .water ? min(wanted, stage.water.upperBound - 0.06) : wanted
        let width = height * subject.aspect(artwork)
        let x: Double
        if subject.habitat == .ground, stage.place == .lake, subject.scale > 1.1, random.chance(0.65) {
            // A building on a tongue of land, mirrored in the water before it.
            let fromLeft = random.chance(0.5)
            let y = straying(0.64, 0.7, &random)
            let reach = straying(0.12, 0.28, &random)
            let tall = min(height, y - 0.08)
            let wide = tall * subject.aspect(artwork)
            x = fromLeft ? reach : 1 - reach - wide
            stage.spit = (fromLeft ? min(0.95, x + wide + 0.14) : max(0.05, x - 0.14), fromLeft, y)
            return Block(boxes: [Box(x: x, y: y - tall, width: wide, height: tall)], size: word)
        }
        x = straying(max(0.03, 0.5 - width / 2 - 0.2), min(0.97 - width, 0.5 - width / 2 + 0.2) + 1e-9, &random)
        return Block(
            boxes: [Box(x: x, y: foot(subject, stage, height, &random) - height, width: width, height: height)],
            size: word)
    }

    private func group(of count: Int, _ subject: Subject, _ height: Double, _ stage: Stage, _ random: inout SceneRandom)
        -> Block
    {
        var height = height
        let aspect = subject.aspect(artwork)
        let gap = 0.025
        let share = 0.94 / Double(count) - gap
        if height * aspect > share { height = share / aspect }
        let width = height * aspect
        let total = Double(count) * (width + gap) - gap
        var x = random.uniform(0.03, max(0.031, 0.97 - total))
        let foot = foot(subject, stage, height, &random)
        let sway = subject.habitat == .sky ? 0.08 : 0.015
        let boxes = (0..<count).map { _ -> Box in
            defer { x += width + gap }
            return Box(x: x, y: foot - height - random.uniform(0, sway), width: width, height: height)
        }
        return Block(boxes: boxes, size: .medium)
    }

    /// Heights of what is small, medium and large among so many, and the most that is medium.
    private static func heights(among crowd: Int)
        -> (small: ClosedRange<Double>, medium: ClosedRange<Double>, large: ClosedRange<Double>, most: Double)
    {
        switch crowd {
        case 1: (0.22...0.27, 0.4...0.54, 0.6...0.7, 0.56)
        case 2: (0.17...0.21, 0.3...0.38, 0.44...0.52, 0.41)
        default: (0.15...0.18, 0.23...0.29, 0.33...0.4, 0.31)
        }
    }

    /// Its medium height among the others'. Wide things are as large as tall ones by area, not by height.
    private func natural(_ subject: Subject) -> Double {
        (0.4 + 0.6 * subject.scale) / max(1, subject.aspect(artwork)).squareRoot()
    }

    /// Takes "large" back where no more room was left than medium ones of the kind have.
    private mutating func correctSizes() {
        let heights = Self.heights(among: cast.count)
        for (i, subject) in cast.enumerated() where blocks[i].size == .large {
            let medium = min(
                heights.most, heights.medium.upperBound * natural(subject),
                heights.most * 1.1 / subject.aspect(artwork))
            if blocks[i].boxes.contains(where: { $0.height <= medium }) { blocks[i].size = .medium }
        }
    }

    /// The word for a size and the height that goes with it.
    private func size(of subject: Subject, among crowd: Int, _ random: inout SceneRandom) -> (SizeWord, Double) {
        let heights = Self.heights(among: crowd)
        var word = SizeWord.medium
        if random.chance(configuration.sizeWordProbability) {
            word = random.chance(0.55) && (crowd > 1 || configuration.minimumHeight < 0.25) ? .small : .large
        }
        let aspect = subject.aspect(artwork)
        var height =
            switch word {
            case .small: random.uniform(heights.small)
            case .large: random.uniform(heights.large)
            case .medium:
                min(
                    heights.most,
                    straying(heights.medium.lowerBound, heights.medium.upperBound, &random) * natural(subject))
            }
        let widest =
            word == .small
            ? 1.4 * heights.small.upperBound
            : word == .large ? heights.large.upperBound * 1.15 : heights.most * 1.1
        height = min(height, widest / aspect)
        if crowd == 1 { height = min(max(height, configuration.minimumHeight), 0.94 / aspect) }
        return (word, height)
    }

    /// Where its lower edge is.
    private func foot(_ subject: Subject, _ stage: Stage, _ height: Double, _ random: inout SceneRandom) -> Double {
        switch subject.habitat {
        case .ground: max(straying(stage.ground.lowerBound, stage.ground.upperBound, &random), height + 0.1)
        case .water: max(straying(stage.water.lowerBound, stage.water.upperBound, &random), height + 0.06)
        case .sky: straying(0.05 + height, max(0.06 + height, min(stage.horizon + 0.08, 0.9)), &random)
        }
    }

    /// Uniform in the middle part of a range, which is as wide as the configuration's `spread` says for a single subject.
    private func straying(_ low: Double, _ high: Double, _ random: inout SceneRandom) -> Double {
        let spread = configuration.spread
        // As it was, to the bit, where all of the range counts.
        if spread == 1 || cast.count > 1 { return random.uniform(low, high) }
        let (middle, half) = ((low + high) / 2, spread * (high - low) / 2)
        return random.uniform(middle - half, middle + half)
    }

    // MARK: two and three

    private mutating func pair(_ stage: Stage, _ random: inout SceneRandom) -> SceneDescription.Relation {
        let sizes = cast.map { size(of: $0, among: 2, &random) }
        blocks = sizes.map { Block(boxes: [], size: $0.0) }
        let flies = cast.map { $0.habitat == .sky }
        if flies[0] != flies[1] {
            let upper = flies[0] ? 0 : 1
            stand(1 - upper, sizes[1 - upper].1, centre: random.uniform(0.32, 0.68), stage, &random)
            hang(upper, sizes[upper].1, over: 1 - upper, &random)
            return .init(subject: upper, kind: .above, object: 1 - upper)
        }
        for (user, tool) in [(0, 1), (1, 0)] where cast[user].usesTools && cast[tool].isTool && random.chance(0.6) {
            return atWork(user, tool, stage, &random)
        }
        if cast[0].habitat == .ground, cast[1].habitat == .ground, random.chance(0.25) {
            return oneBehind(stage, &random)
        }
        // What floats and what stands are too far from each other to be side by side.
        let kind: RelationKind = cast[0].habitat != cast[1].habitat || random.chance(0.5) ? .leftOf : .nextTo
        let order = kind == .nextTo && random.chance(0.5) ? [1, 0] : [0, 1]
        row(
            order, sizes.map(\.1), gap: kind == .leftOf ? random.uniform(0.06, 0.16) : random.uniform(0.01, 0.03),
            stage, &random)
        return .init(subject: 0, kind: kind, object: 1)
    }

    /// The first stands before the second, beside its middle, so that both are seen.
    private mutating func oneBehind(_ stage: Stage, _ random: inout SceneRandom) -> SceneDescription.Relation {
        let back = random.uniform(0.44, 0.54) * (0.4 + 0.6 * min(1.2, cast[1].scale))
        let front = random.uniform(0.24, 0.3)
        blocks = [Block(), Block()]
        let widths = [front * cast[0].aspect(artwork), back * cast[1].aspect(artwork)]
        let right = random.chance(0.5)
        let far = max(stage.ground.lowerBound - 0.05, stage.shore + 0.03)
        let x = random.uniform(0.3, 0.7) - widths[1] / 2
        let beside = right ? x + widths[1] * 0.72 : x + widths[1] * 0.28 - widths[0]
        blocks[1].boxes = [Box(x: x, y: far - back, width: widths[1], height: back)]
        blocks[0].boxes = [Box(x: beside, y: stage.ground.upperBound + 0.02 - front, width: widths[0], height: front)]
        return .init(subject: 0, kind: .inFrontOf, object: 1)
    }

    /// The tool stands before its user, a little to one side.
    private mutating func atWork(_ user: Int, _ tool: Int, _ stage: Stage, _ random: inout SceneRandom)
        -> SceneDescription.Relation
    {
        let tall = random.uniform(0.4, 0.48)
        let small = random.uniform(0.22, 0.27)
        let width = tall * cast[user].aspect(artwork)
        let own = small * cast[tool].aspect(artwork)
        let base = random.uniform(stage.ground) - 0.02
        let x = random.uniform(0.34, 0.66) - width / 2
        let beside = random.chance(0.5) ? x + width - own * 0.3 : x - own * 0.7
        blocks = [Block(), Block()]
        blocks[user].boxes = [Box(x: x, y: base - tall, width: width, height: tall)]
        blocks[tool].boxes = [Box(x: beside, y: base + 0.025 - small, width: own, height: small)]
        return .init(subject: user, kind: .using, object: tool)
    }

    private mutating func three(_ stage: Stage, _ random: inout SceneRandom) -> [SceneDescription.Relation] {
        let sizes = cast.map { size(of: $0, among: 3, &random) }
        blocks = sizes.map { Block(boxes: [], size: $0.0) }
        let flying = cast.indices.filter { cast[$0].habitat == .sky }
        let standing = cast.indices.filter { cast[$0].habitat != .sky }
        func inOrder(_ order: [Int], _ kinds: [RelationKind]) -> [SceneDescription.Relation] {
            zip(zip(order, order.dropFirst()), kinds).map { .init(subject: $0.0, kind: $1, object: $0.1) }
        }
        let order = random.shuffled(
            standing.isEmpty || flying.isEmpty ? Array(cast.indices) : standing.count > 1 ? standing : flying)
        let mixed = Set(order.map { cast[$0].habitat }).count > 1
        let kind: RelationKind = mixed || random.chance(0.5) ? .leftOf : .nextTo
        let gap = kind == .leftOf ? random.uniform(0.05, 0.09) : random.uniform(0.015, 0.03)
        row(order, sizes.map(\.1), gap: gap, stage, &random)
        let relations = inOrder(order, [kind, kind])
        if order.count == 3 { return relations }
        let single = standing.count > 1 ? flying[0] : standing[0]
        if cast[single].habitat == .sky {
            let below = order[random.below(2)]
            hang(single, sizes[single].1, over: below, &random)
            return relations + [.init(subject: single, kind: .above, object: below)]
        }
        // Two fly and one stands: the one below stands under one of them.
        let over = order[random.below(2)]
        stand(single, sizes[single].1, centre: blocks[over].boxes[0].midX, stage, &random)
        return relations + [.init(subject: over, kind: .above, object: single)]
    }

    private mutating func row(
        _ order: [Int], _ heights: [Double], gap: Double, _ stage: Stage, _ random: inout SceneRandom
    ) {
        let widths = order.map { heights[$0] * cast[$0].aspect(artwork) }
        let total = widths.reduce(0, +) + gap * Double(order.count - 1)
        let shrink = min(1, 0.94 / total)
        var x = random.uniform(0.03, max(0.031, 0.97 - total * shrink))
        let base = foot(cast[order[0]], stage, (order.map { heights[$0] }.max() ?? 0) * shrink, &random)
        for (i, width) in zip(order, widths) {
            let height = heights[i] * shrink
            let own =
                cast[i].habitat == cast[order[0]].habitat
                ? base - random.uniform(0, 0.015) : foot(cast[i], stage, height, &random)
            blocks[i].boxes = [Box(x: x, y: own - height, width: width * shrink, height: height)]
            x += (width + gap) * shrink
        }
    }

    private mutating func stand(_ i: Int, _ height: Double, centre: Double, _ stage: Stage, _ random: inout SceneRandom)
    {
        let width = height * cast[i].aspect(artwork)
        let x = max(0.02, min(0.98 - width, centre - width / 2))
        blocks[i].boxes = [Box(x: x, y: foot(cast[i], stage, height, &random) - height, width: width, height: height)]
    }

    /// In the air right over another.
    private mutating func hang(_ i: Int, _ height: Double, over j: Int, _ random: inout SceneRandom) {
        guard let under = blocks[j].boxes.first else { return }
        let room = under.y - 0.05
        let tall = min(height, max(0.12, room))
        let width = tall * cast[i].aspect(artwork)
        let x = max(0.02, min(0.98 - width, under.midX - width / 2 + random.uniform(-0.06, 0.06)))
        let y = random.uniform(0.03, max(0.031, room - tall))
        blocks[i].boxes = [Box(x: x, y: y, width: width, height: tall)]
    }
}
