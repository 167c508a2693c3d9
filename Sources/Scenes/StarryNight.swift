import Foundation

/// Van Gogh's night: short strokes that follow whirls through the sky, in blues and yellows, stars in rings of light.
/// Land and subjects are painted along their own edges and keep more of their own colour, so that they are still known.
struct StarryNight {
    private struct Whirl { var x, y, radius, turn: Double }
    private struct Star { var x, y, radius, core: Double }

    private let brush: BrushStrokes
    private let light: Light
    private let horizon: Double
    private let mask: [Float]
    private let blue: Double
    private var whirls: [Whirl] = []
    private var stars: [Star] = []

    init(over source: Raster, light: Light, stage: Stage, mask: [Float], _ random: inout SceneRandom) throws(SceneError)
    {
        brush = try BrushStrokes(over: source)
        self.light = light
        self.mask = mask
        horizon = stage.horizon
        blue =
            switch light {
            case .day: 0.62
            case .sunset: 0.42
            case .moonlight: 0.8
            case .fog: 0.5
            }
        for i in 0..<3 {
            let c = clearing(0.1, &random)
            whirls.append(Whirl(x: c.x, y: c.y, radius: random.uniform(0.13, 0.2), turn: i % 2 == 0 ? 1 : -1))
        }
        if light != .fog {
            stars.append(Star(x: stage.lamp.x, y: stage.lamp.y, radius: stage.lamp.radius * 2.1, core: 0.48))
        }
        for _ in 0..<6 {
            let radius = random.uniform(0.04, 0.065)
            let c = clearing(radius, &random)
            if stars.allSatisfy({ hypot($0.x - c.x, $0.y - c.y) > $0.radius + radius }) {
                stars.append(Star(x: c.x, y: c.y, radius: radius, core: 0.34))
            }
        }
    }

    /// A place in the sky that no subject covers.
    private func clearing(_ radius: Double, _ random: inout SceneRandom) -> (x: Double, y: Double) {
        let lowest = min(0.45, horizon - 0.05)
        for _ in 0..<24 {
            let x = random.uniform(0.05, 0.95)
            let y = random.uniform(0.05, lowest)
            let around = [(0.0, 0.0), (radius, 0), (-radius, 0), (0, radius), (0, -radius)]
            if !around.contains(where: { covered(x + $0.0, y + $0.1) }) { return (x, y) }
        }
        return (random.chance(0.5) ? 0.08 : 0.92, 0.08)
    }

    private func covered(_ x: Double, _ y: Double) -> Bool { mask[brush.pixel(x, y)] > 0.5 }

    private static let palette: [(at: Double, colour: Colour)] = [
        (0, Colour(0x0D1B4C)), (0.3, Colour(0x1D4A9E)), (0.55, Colour(0x4F8FCB)), (0.75, Colour(0xA9CFD8)),
        (0.9, Colour(0xF3E08A)), (1, Colour(0xFFF3B8)),
    ]

    /// The painting's colour for a brightness from 0 to 1.
    private func nightly(_ luma: Double) -> Colour {
        let l = max(0, luma)
        for (low, high) in zip(Self.palette, Self.palette.dropFirst()) where l <= high.at {
            return low.colour.mixed(high.colour, (l - low.at) / (high.at - low.at))
        }
        return Self.palette[Self.palette.count - 1].colour
    }

    /// Where a stroke runs in the sky, and in what colour.
    private func flow(_ x: Double, _ y: Double) -> (angle: Double, colour: Colour) {
        var dx = 1.0
        var dy = 0.35 * sin(x * 9 + y * 4)
        var band = sin((y + 0.05 * sin(x * 8)) * 60)
        for w in whirls {
            let ax = x - w.x
            let ay = y - w.y
            let d = hypot(ax, ay)
            let pull = 5 * exp(-d * d / (w.radius * w.radius * 0.5)) * w.turn / max(d, 0.01)
            dx -= ay * pull
            dy += ax * pull
            if d < w.radius { band = sin(d * 110 + atan2(ay, ax) * w.turn) }
        }
        let own = brush.source.colour(brush.pixel(x, y))
        let lift = light == .moonlight ? 0.06 : light == .day ? -0.1 : light == .fog ? -0.18 : 0
        let colour = own.mixed(nightly(own.luma + lift + 0.13 * band), blue)
        for s in stars {
            let ax = x - s.x
            let ay = y - s.y
            let t = hypot(ax, ay) / s.radius
            guard t < 1 else { continue }
            let ring = (1 - t) * (0.7 + 0.3 * cos(t * 19))
            return (atan2(ay, ax) + .pi / 2, t < s.core ? Colour(0xFFF4B0) : colour.mixed(Colour(0xF7DB6A), ring))
        }
        return (atan2(dy, dx), colour)
    }

    func paint(_ random: inout SceneRandom) -> Raster {
        let source = brush.source
        func land(_ x: Double, _ y: Double) -> Bool { y > horizon }
        func own(_ x: Double, _ y: Double) -> Colour { source.colour(brush.pixel(x, y)).saturated(1.2) }
        brush.layer(34, &random) { x, y, random in
            let tone = 1 + random.uniform(-0.12, 0.12)
            if land(x, y) {
                let c = own(x, y)
                return (0.25 * sin(x * 11 + y * 17), 0.085, 0.034, c.mixed(nightly(c.luma), blue * 0.5).times(tone))
            }
            let f = flow(x, y)
            return (f.angle, 0.085, 0.034, f.colour.times(tone))
        }
        brush.layer(54, &random) { x, y, random in
            if covered(x, y) { return nil }
            let tone = 1 + random.uniform(-0.2, 0.28)
            if land(x, y) {
                let c = own(x, y)
                return (0.35 * sin(x * 11 + y * 17), 0.05, 0.015, c.mixed(nightly(c.luma), blue * 0.5).times(tone))
            }
            let f = flow(x, y)
            return (f.angle, 0.055, 0.015, f.colour.times(tone))
        }
        brush.layer(72, &random) { x, y, random in
            let edge = brush.edge(x, y)
            let inside = covered(x, y)
            guard inside || (edge.strength > 0.05 && y > horizon - 0.3 && !nearStar(x, y)) else { return nil }
            let c = own(x, y)
            return (
                edge.angle, 0.03, 0.016,
                c.mixed(nightly(c.luma), inside ? 0.12 : blue * 0.55).times(1 + random.uniform(-0.08, 0.08))
            )
        }
        brush.layer(source.size > 96 ? 140 : 90, &random) { x, y, _ in
            let edge = brush.edge(x, y)
            guard edge.strength > 0.05, covered(x, y) else { return nil }
            return (edge.angle, 0.014, source.size > 96 ? 0.007 : 0.011, own(x, y))
        }
        return Raster(brush.canvas)
    }

    private func nearStar(_ x: Double, _ y: Double) -> Bool { stars.contains { hypot($0.x - x, $0.y - y) < $0.radius } }
}

func paintAsStarryNight(
    _ raster: inout Raster, light: Light, stage: Stage, mask: [Float], _ random: inout SceneRandom
) throws(SceneError) {
    raster = try StarryNight(over: raster, light: light, stage: stage, mask: mask, &random).paint(&random)
}
