import Foundation

/// Painting over in strokes: oil, and the swirls of a starry night.
struct BrushStrokes {
    let canvas: Canvas
    let source: Raster
    private let luma: [Float]

    init(over source: Raster) throws(SceneError) {
        self.source = source
        canvas = try Canvas(size: source.size)
        // The picture lies under the strokes, so that no gap between them is bare.
        canvas.withPixels { pixels in
            for i in pixels.indices {
                func byte(_ k: Int) -> UInt32 { UInt32(max(0, min(255, (source.values[3 * i + k] * 255).rounded()))) }
                pixels[i] = 0xFF00_0000 | byte(0) << 16 | byte(1) << 8 | byte(2)
            }
        }
        luma = Raster.blurred(source.luma, size: source.size, radius: max(1, source.size / 64))
    }

    func pixel(_ x: Double, _ y: Double) -> Int {
        let n = source.size
        return max(0, min(n - 1, Int(y * Double(n)))) * n + max(0, min(n - 1, Int(x * Double(n))))
    }

    /// Along the edges of the picture where there are any; their strength besides.
    func edge(_ x: Double, _ y: Double) -> (angle: Double, strength: Double) {
        let i = pixel(x, y)
        let slope = Raster.slope(luma, size: source.size, x: i % source.size, y: i / source.size)
        return (atan2(slope.dx, -slope.dy), (slope.dx * slope.dx + slope.dy * slope.dy).squareRoot())
    }

    /// One layer of strokes on a jittered grid of `count` × `count`, in random order.
    /// - Parameter stroke: angle, length, width and colour at a place; nil for none.
    func layer(
        _ count: Int, _ random: inout SceneRandom,
        _ stroke: (_ x: Double, _ y: Double, _ random: inout SceneRandom) -> (
            angle: Double, length: Double, width: Double, colour: Colour
        )?
    ) {
        for cell in random.shuffled(Array(0..<count * count)) {
            let x = (Double(cell % count) + random.uniform(0, 1)) / Double(count)
            let y = (Double(cell / count) + random.uniform(0, 1)) / Double(count)
            guard let s = stroke(x, y, &random) else { continue }
            // A six-cornered dab: much cheaper than a line with round caps, and as good at this size.
            let c = cos(s.angle)
            let d = sin(s.angle)
            let half = s.length / 2
            let edge = s.width / 2
            let tip = half + edge
            canvas.polygon(
                [
                    (x - c * tip, y - d * tip), (x - c * half - d * edge, y - d * half + c * edge),
                    (x + c * half - d * edge, y + d * half + c * edge), (x + c * tip, y + d * tip),
                    (x + c * half + d * edge, y + d * half - c * edge),
                    (x - c * half + d * edge, y - d * half - c * edge),
                ], s.colour)
        }
    }
}

/// Thick strokes first, finer ones along edges and over subjects, and the ridges of the paint in a slanting light.
func paintInOil(_ raster: inout Raster, mask: [Float], _ random: inout SceneRandom) throws(SceneError) {
    let n = raster.size
    let brush = try BrushStrokes(over: raster)
    let noise = ValueNoise(&random)
    let calm = raster.kuwahara(radius: max(1, n / 50))
    let sharp = raster
    func paint(_ source: Raster, _ x: Double, _ y: Double, _ loose: Double, _ random: inout SceneRandom) -> Colour {
        let jitter = 1 + random.uniform(-loose, loose)
        return source.colour(brush.pixel(x, y)).saturated(1.25).times(jitter)
    }
    func covered(_ x: Double, _ y: Double) -> Bool { mask[brush.pixel(x, y)] > 0.5 }
    func drift(_ x: Double, _ y: Double) -> Double { (noise(x, y, scale: 3) - 0.5) * 3 }
    brush.layer(26, &random) { x, y, random in
        let edge = brush.edge(x, y)
        return (edge.strength > 0.04 ? edge.angle : drift(x, y), 0.1, 0.05, paint(calm, x, y, 0.16, &random))
    }
    brush.layer(52, &random) { x, y, random in
        let edge = brush.edge(x, y)
        let inside = covered(x, y)
        guard inside || edge.strength > 0.025 || random.chance(0.25) else { return nil }
        return (
            edge.strength > 0.02 ? edge.angle : drift(x, y), inside ? 0.034 : 0.045, 0.021,
            paint(calm, x, y, 0.1, &random)
        )
    }
    brush.layer(84, &random) { x, y, random in
        let edge = brush.edge(x, y)
        let inside = covered(x, y)
        guard inside || edge.strength > 0.06 else { return nil }
        return (edge.angle, 0.019, 0.012, paint(inside ? sharp : calm, x, y, 0.06, &random))
    }
    if n > 96 {
        brush.layer(150, &random) { x, y, random in
            let edge = brush.edge(x, y)
            guard edge.strength > 0.05, covered(x, y) else { return nil }
            return (edge.angle, 0.011, 0.006, paint(sharp, x, y, 0.04, &random))
        }
    }
    var painted = Raster(brush.canvas)
    let luma = painted.luma
    let shine = 0.35 * min(1, 128 / Double(n) + 0.5)
    painted.map { _, _, i, colour in
        let slope = Raster.slope(luma, size: n, x: i % n, y: i / n)
        return colour.times(1 + shine * max(-0.4, min(0.4, slope.dx + slope.dy)))
    }
    raster = painted
}
