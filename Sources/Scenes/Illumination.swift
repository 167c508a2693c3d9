/// A light as the painter uses it: what colour a surface has in it, near and far, and the sky above.
///
/// Places are drawn *by* it (colour of the surface × colour of the light, fading into haze with distance);
/// nothing is tinted afterwards, so a lit window at night keeps its own colour.
struct Illumination {
    let light: Light
    /// Colour of the light on a surface.
    let key: Colour
    /// What distance fades into.
    let haze: Colour
    /// How much of it at full distance.
    let hazeAtHorizon: Double
    let saturation: Double
    let zenith, middle, horizon: Colour
    /// How dark a contact shadow is.
    let shadow: Double

    init(_ light: Light, place: Place, season: Season, variation: Double) {
        self.light = light
        let v = (variation - 0.5) * 2
        switch light {
        case .day:
            key = Colour(1, 1, 1)
            haze = Colour(0xC9E1F1)
            hazeAtHorizon = 0.5
            saturation = 1
            zenith = Colour(0x3B8BE0).mixed(Colour(0x2F75C8), variation)
            middle = Colour(0x83BDEE)
            horizon = place == .desert ? Colour(0xF2E3C0) : Colour(0xDDF0FA)
            shadow = 0.38
        case .sunset:
            key = Colour(1, 0.76, 0.6)
            haze = Colour(0xF08F64).mixed(Colour(0xD9708A), variation * 0.6)
            hazeAtHorizon = 0.55
            saturation = 1.05
            zenith = Colour(0x4B3F86).mixed(Colour(0x7A3C78), variation * 0.7)
            middle = Colour(0xE0617A).mixed(Colour(0xF07850), variation)
            horizon = Colour(0xFFC566)
            shadow = 0.42
        case .moonlight:
            key = Colour(0.4 + 0.02 * v, 0.48, 0.7)
            haze = Colour(0x2E4576)
            hazeAtHorizon = 0.6
            saturation = 0.85
            zenith = Colour(0x070D2A).mixed(Colour(0x0E1238), variation)
            middle = Colour(0x16265A)
            horizon = place == .city ? Colour(0x41406E) : Colour(0x35528C)
            shadow = 0.5
        case .fog:
            key = Colour(0.86, 0.88, 0.9)
            haze = Colour(0xD3D8DB)
            hazeAtHorizon = 0.97
            saturation = 0.62
            zenith = Colour(0xB9C1C7)
            middle = Colour(0xCBD1D5)
            horizon = Colour(0xDADEE0)
            shadow = 0.2
        }
    }

    /// The colour of a surface at a distance, 0 at the viewer's feet, 1 at the horizon.
    func lit(_ surface: Colour, at distance: Double = 0) -> Colour {
        let near = light == .fog ? 0.16 : 0
        let fade = near + (hazeAtHorizon - near) * (light == .fog ? distance.squareRoot() : distance)
        return surface.saturated(saturation).times(key).mixed(haze, fade)
    }

    /// Grades a finished layer pixel by pixel: the same as `lit`, and kept bright enough to be seen at night.
    func grade(_ canvas: Canvas, box: SceneDescription.Box, at distance: Double, sunlitFromLeft: Bool) {
        if light == .day { return }
        let side = Double(canvas.size)
        let n = canvas.size
        let left = max(0, Int((box.x - 0.02) * side))
        let right = min(n - 1, Int((box.maxX + 0.02) * side) + 1)
        let top = max(0, Int((box.y - 0.02) * side))
        let bottom = min(n - 1, Int((box.maxY + 0.02) * side) + 1)
        guard left <= right, top <= bottom else { return }
        // A subject is what the picture is about: its light is nearer to white than the land's.
        let tone = light == .moonlight ? Colour(0.68, 0.73, 0.92) : light == .sunset ? Colour(1.06, 0.9, 0.78) : key
        let k = (Float(tone.r), Float(tone.g), Float(tone.b))
        let s = Float(light == .fog ? 0.75 : light == .moonlight ? 0.9 : 1)
        let fade = Float(light == .fog ? 0.2 + 0.3 * distance : light == .moonlight ? 0.05 : 0.06)
        let h = (Float(haze.r) * 255, Float(haze.g) * 255, Float(haze.b) * 255)
        canvas.withPixels { pixels in
            for y in top...bottom {
                for x in left...right {
                    let pixel = pixels[y * n + x]
                    let alpha = pixel >> 24
                    if alpha == 0 { continue }
                    let a = Float(alpha) / 255
                    // Sunset light comes from the side: the far side is a little darker.
                    let across = Float((Double(x) / side - box.x) / max(box.width, 0.01))
                    let side = light == .sunset ? 1.1 - 0.28 * (sunlitFromLeft ? across : 1 - across) : 1
                    let r = Float(pixel >> 16 & 255)
                    let g = Float(pixel >> 8 & 255)
                    let b = Float(pixel & 255)
                    let luma = 0.299 * r + 0.587 * g + 0.114 * b
                    func part(_ c: Float, _ k: Float, _ h: Float) -> UInt32 {
                        let lit = (luma + (c - luma) * s) * k * side
                        return UInt32(max(0, min(Float(alpha), lit + (h * a - lit) * fade)))
                    }
                    pixels[y * n + x] =
                        alpha << 24 | part(r, k.0, h.0) << 16 | part(g, k.1, h.1) << 8 | part(b, k.2, h.2)
                }
            }
        }
    }
}
