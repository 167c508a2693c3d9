import Foundation

/// Outlines by colour dodge, tones by hatching, on paper. As there are no colours, strokes alone tell the light: a day is
/// nearly blank paper, at sunset the sky is hatched from above and the low sun has rays, a night is hatched crosswise.
func drawInPencil(
    _ raster: inout Raster, light: Light, stage: Stage, mask: [Float], _ random: inout SceneRandom
) {
    let n = raster.size
    let radius = max(1, n / 100)
    let luma = raster.luma
    let soft = Raster.blurred(luma.map { 1 - $0 }, size: n, radius: radius)
    let veil = Raster.blurred(mask, size: n, radius: radius)
    let noise = ValueNoise(&random)
    let lean = random.uniform(0.6, 1.1)
    let period = min(46, Double(n) / 4.2)
    let strokes = Strokes(light, size: n)
    raster.map { x, y, i, _ in
        let l = Double(luma[i])
        let inside = Double(mask[i])
        let line = pow(min(1, l / max(0.03, 1 - Double(soft[i]))), 1.7)
        // Around a subject runs a line of its own, whatever it stands before.
        let rim = 1 - 0.75 * max(0, 1 - abs(Double(veil[i]) - 0.5) * 3.4)
        // Darker tones have darker strokes, and below a third a second set across.
        func hatch(_ t: Double) -> Double { 0.5 + 0.5 * sin(2 * .pi * t * period + 5 * noise(x, y, scale: 9)) }
        let shade = inside * 0.55 * (1 - l) + (1 - inside) * strokes.shade(l, y: y, horizon: stage.horizon)
        var tone = 1 - shade * (0.32 + 0.36 * hatch(x * lean + y))
        if l < 0.36, inside < 0.5 { tone -= (0.36 - l) * strokes.across * hatch(x - y * lean) }
        let sun = 1 - (1 - inside) * strokes.sun(x, y, stage)
        let grain = 0.93 + 0.1 * noise(x, y, scale: min(Double(n) / 1.5, 120))
        return Colour(0x2E2E33).mixed(Colour(0xFAF7F0), max(0.06, min(1, line * rim * tone * sun * grain)))
    }
}

/// How a light is hatched.
private struct Strokes {
    let light: Light
    /// How dark the second set of strokes is.
    let across: Double
    /// Of the sun's rim, in its radii.
    let rimWidth: Double

    init(_ light: Light, size: Int) {
        self.light = light
        rimWidth = 0.2 * (64 / Double(size)).squareRoot()
        across = light == .moonlight ? 1.1 : 0.7
    }

    /// The weight of the strokes around the subjects, at a brightness and a height.
    func shade(_ luma: Double, y: Double, horizon: Double) -> Double {
        switch light {
        case .day: max(0, 0.75 - luma)
        case .sunset: y < horizon ? 0.9 * max(0, 1 - luma - 0.1) * (1.25 - 0.9 * y / horizon) : max(0, 0.8 - luma)
        case .moonlight: 1.1 * (1 - luma)
        case .fog: 0.5 * max(0, 0.75 - luma)
        }
    }

    /// The setting sun's rim and rays, above the horizon: 0 where there are none.
    func sun(_ x: Double, _ y: Double, _ stage: Stage) -> Double {
        guard light == .sunset, y < stage.horizon else { return 0 }
        let (dx, dy) = (x - stage.lamp.x, y - stage.lamp.y)
        let far = hypot(dx, dy) / stage.lamp.radius
        let rim = max(0, 1 - abs(far - 1) / rimWidth)
        let ray = far > 1.4 && far < 2.7 ? pow(max(0, cos(14 * atan2(dy, dx))), 2) : 0
        return 0.7 * max(rim, ray)
    }
}
