import Foundation

/// Painting over in strokes: oil, and the swirls of a starry night.
struct BrushStrokes {
    let canvas: Canvas
    let source: Raster
    private let luma: [Float]

    init(over source: Raster) throws(SceneError) {
        self.source = source
        canvas = try Canvas(size: source.size)
        luma = Raster.blurred(source.luma, size: source.size, radius: max(1, source.size / 64))
    }

    func pixel(_ x: Double, _ y: Double) -> Int {
        let n = source.size
        return max(0, min(n - 1, Int(y * Double(n)))) * n + max(0, min(n - 1, Int(x * Double(n))))
    }

    /// Along the edges of the picture where there are any; their strength besides.
    func edge(_ x: Double, _ y: Double) -> (angle: Double, strength: Double) {
        let i = pixel(x, y), slope = Raster.slope(luma, size: source.size, x: i % source.size, y: i / source.size)
        return (atan2(slope.dx, -slope.dy), (slope.dx * slope.dx + slope.dy * slope.dy).squareRoot())
    }

    /// One layer of strokes on a jittered grid of `count` × `count`, in random order.
    /// - Parameter stroke: angle, length, width and colour at a place; nil for none.
    func layer(
        _ count: Int, _ random: inout SceneRandom,
        _ stroke: (_ x: Double, _ y: Double, _ random: inout SceneRandom) -> (angle: Double, length: Double, width: Double, colour: Colour)?
    ) {
        for cell in random.shuffled(Array(0..<count * count)) {
            let x = (Double(cell % count) + random.uniform(0, 1)) / Double(count)
            let y = (Double(cell / count) + random.uniform(0, 1)) / Double(count)
            guard let s = stroke(x, y, &random) else { continue }
            let dx = cos(s.angle) * s.length / 2, dy = sin(s.angle) * s.length / 2
            canvas.stroke([(x - dx, y - dy), (x + dx, y + dy)], width: s.width, s.colour)
        }
    }
}

/// Thick strokes first, finer ones along the edges, and the ridges of the paint in a slanting light.
func paintInOil(_ raster: inout Raster, _ random: inout SceneRandom) throws(SceneError) {
    let brush = try BrushStrokes(over: raster), noise = ValueNoise(&random), source = raster
    func paint(_ x: Double, _ y: Double, _ loose: Double, _ random: inout SceneRandom) -> Colour {
        let jitter = 1 + random.uniform(-loose, loose)
        return source.colour(brush.pixel(x, y)).saturated(1.25).times(jitter)
    }
    brush.layer(26, &random) { x, y, random in
        let edge = brush.edge(x, y), drift = (noise(x, y, scale: 3) - 0.5) * 3
        return (edge.strength > 0.04 ? edge.angle : drift, 0.1, 0.05, paint(x, y, 0.16, &random))
    }
    brush.layer(52, &random) { x, y, random in
        let edge = brush.edge(x, y)
        guard edge.strength > 0.025 || random.chance(0.25) else { return nil }
        let drift = (noise(x, y, scale: 3) - 0.5) * 3
        return (edge.strength > 0.025 ? edge.angle : drift, 0.045, 0.021, paint(x, y, 0.1, &random))
    }
    brush.layer(84, &random) { x, y, random in
        let edge = brush.edge(x, y)
        guard edge.strength > 0.06 else { return nil }
        return (edge.angle, 0.02, 0.012, paint(x, y, 0.05, &random))
    }
    var painted = Raster(brush.canvas)
    let luma = painted.luma, n = painted.size
    let shine = 0.35 * min(1, 128 / Double(n) + 0.5)
    painted.map { _, _, i, colour in
        let slope = Raster.slope(luma, size: n, x: i % n, y: i / n)
        return colour.times(1 + shine * max(-0.4, min(0.4, slope.dx + slope.dy)))
    }
    raster = painted
}

/// Van Gogh's night: short strokes that follow whirls through the sky, in blues and yellows, stars in rings of light.
/// Subjects keep more of their own colour, so that they are still known.
func paintAsStarryNight(_ raster: inout Raster, light: Light, mask: [Float], _ random: inout SceneRandom) throws(SceneError) {
    let source = raster, brush = try BrushStrokes(over: raster), noise = ValueNoise(&random)
    func covered(_ x: Double, _ y: Double) -> Bool {
        let i = brush.pixel(x, y)
        return i < mask.count && mask[i] > 0.5
    }
    // Whirls and stars keep clear of the subjects.
    func clearing(_ radius: Double, lowest: Double) -> (x: Double, y: Double) {
        for _ in 0..<24 {
            let x = random.uniform(0.05, 0.95), y = random.uniform(0.05, lowest)
            let around = [(0.0, 0.0), (radius, 0), (-radius, 0), (0, radius), (0, -radius)]
            if !around.contains(where: { covered(x + $0.0, y + $0.1) }) { return (x, y) }
        }
        return (random.chance(0.5) ? 0.08 : 0.92, 0.08)
    }
    let whirls = (0..<3).map { i -> (x: Double, y: Double, r: Double, turn: Double) in
        let c = clearing(0.1, lowest: 0.45)
        return (c.x, c.y, random.uniform(0.13, 0.2), i % 2 == 0 ? 1 : -1)
    }
    let stars = (0..<6).map { _ -> (x: Double, y: Double, r: Double) in
        let r = random.uniform(0.045, 0.075), c = clearing(r, lowest: 0.42)
        return (c.x, c.y, r)
    }
    let palette: [(Double, Colour)] = [
        (0, Colour(0x0D1B4C)), (0.3, Colour(0x1D4A9E)), (0.55, Colour(0x4F8FCB)), (0.75, Colour(0xA9CFD8)), (0.9, Colour(0xF3E08A)), (1, Colour(0xFFF3B8)),
    ]
    func nightly(_ l: Double) -> Colour {
        for (low, high) in zip(palette, palette.dropFirst()) where l <= high.0 {
            return low.1.mixed(high.1, (l - low.0) / (high.0 - low.0))
        }
        return palette[palette.count - 1].1
    }
    let blue = switch light {
    case .day: 0.62
    case .sunset: 0.45
    case .moonlight: 0.8
    case .fog: 0.5
    }
    func flow(_ x: Double, _ y: Double) -> (angle: Double, colour: Colour) {
        var dx = 1.0, dy = 0.35 * sin(x * 9 + y * 4)
        var band = sin((y + 0.05 * sin(x * 8)) * 60)
        for w in whirls {
            let ax = x - w.x, ay = y - w.y, d = (ax * ax + ay * ay).squareRoot()
            let pull = 5 * exp(-d * d / (w.r * w.r * 0.5))
            dx += -ay / max(d, 0.01) * w.turn * pull
            dy += ax / max(d, 0.01) * w.turn * pull
            if d < w.r { band = sin(d * 110 + atan2(ay, ax) * w.turn) }
        }
        let own = source.colour(brush.pixel(x, y)), dim = light == .moonlight ? 0.06 : light == .day ? -0.1 : 0
        var colour = own.mixed(nightly(min(1, max(0, own.luma + dim + 0.13 * band))), blue)
        for s in stars {
            let ax = x - s.x, ay = y - s.y, d = (ax * ax + ay * ay).squareRoot()
            guard d < s.r else { continue }
            let t = d / s.r
            colour = t < 0.32 ? Colour(0xFFF4B0) : colour.mixed(Colour(0xF7DB6A), (1 - t) * (0.65 + 0.35 * sin(d * 240)))
            return (atan2(ay, ax) + .pi / 2, colour)
        }
        return (atan2(dy, dx), colour)
    }
    brush.layer(34, &random) { x, y, random in
        let f = flow(x, y)
        return (f.angle, 0.085, 0.034, f.colour.times(1 + random.uniform(-0.12, 0.12)))
    }
    brush.layer(54, &random) { x, y, random in
        if covered(x, y) { return nil }
        let f = flow(x, y)
        return (f.angle, 0.055, 0.015, f.colour.times(1 + random.uniform(-0.22, 0.3)))
    }
    // Land and subjects are painted along their own edges.
    brush.layer(64, &random) { x, y, random in
        let edge = brush.edge(x, y), inside = covered(x, y)
        guard inside || (edge.strength > 0.05 && y > 0.3) else { return nil }
        let own = source.colour(brush.pixel(x, y)).saturated(1.2)
        let colour = inside ? own.mixed(nightly(own.luma), 0.12) : own.mixed(nightly(own.luma), blue * 0.7)
        return (edge.angle, 0.032, 0.017, colour.times(1 + random.uniform(-0.08, 0.08)))
    }
    brush.layer(90, &random) { x, y, random in
        guard covered(x, y) else { return nil }
        let edge = brush.edge(x, y)
        guard edge.strength > 0.05 else { return nil }
        return (edge.angle, 0.017, 0.011, source.colour(brush.pixel(x, y)).saturated(1.15))
    }
    raster = Raster(brush.canvas)
}
