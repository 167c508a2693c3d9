import Images

/// A picture with a transparent ground, trimmed to what is seen of it; Cairo's ARGB32, premultiplied.
struct CutOut: Sendable {
    let width: Int
    let height: Int
    let pixels: [UInt32]

    /// Width over height.
    var aspect: Double { Double(width) / Double(height) }

    /// Trims an RGBA picture; nil where nothing of it is seen, or it has no alpha.
    init?(_ picture: Picture) {
        guard picture.channels == 4 else { return nil }
        let w = picture.width
        let h = picture.height
        let source = picture.pixels
        func seen(_ x: Int, _ y: Int) -> Bool { source[(y * w + x) * 4 + 3] > 24 }
        guard let top = (0..<h).first(where: { y in (0..<w).contains { seen($0, y) } }),
            let bottom = (0..<h).last(where: { y in (0..<w).contains { seen($0, y) } }),
            let left = (0..<w).first(where: { x in (top...bottom).contains { seen(x, $0) } }),
            let right = (0..<w).last(where: { x in (top...bottom).contains { seen(x, $0) } })
        else { return nil }
        width = right - left + 1
        height = bottom - top + 1
        var pixels: [UInt32] = []
        pixels.reserveCapacity(width * height)
        for y in top...bottom {
            for x in left...right {
                let i = (y * w + x) * 4
                pixels.append(premultiplied(source[i], source[i + 1], source[i + 2], source[i + 3]))
            }
        }
        self.pixels = pixels
    }

    private init(width: Int, height: Int, pixels: [UInt32]) {
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }

    /// The same with its main colour changed to another: hues near the main one are turned, others stay.
    func painted(_ word: ColourWord) -> CutOut {
        var histogram = [Double](repeating: 0, count: 36)
        for pixel in pixels {
            let c = unpremultiplied(pixel)
            let (h, s, v) = c.colour.hsv
            histogram[min(35, Int(h / 10))] += c.alpha * s * s * v
        }
        guard let peak = histogram.indices.max(by: { histogram[$0] < histogram[$1] }) else { return self }
        let main = Double(peak) * 10 + 5
        let target = word.colour.hsv
        let repainted = pixels.map { pixel -> UInt32 in
            let (colour, alpha) = unpremultiplied(pixel)
            let (h, s, v) = colour.hsv
            let distance = abs((h - main + 540).truncatingRemainder(dividingBy: 360) - 180)
            guard s > 0.2, distance < 45 else { return pixel }
            let value =
                target.v < 0.35
                ? v * 0.35 : min(1, v * (0.35 + 0.7 * target.v) + (target.s < 0.2 ? (1 - v) * 0.5 + 0.1 : 0))
            let new = Colour(h: target.h, s: min(1, s * (target.s < 0.2 ? target.s : 0.35 + 0.75 * target.s)), v: value)
            func byte(_ c: Double) -> UInt8 { UInt8(max(0, min(255, (c * 255).rounded()))) }
            return premultiplied(byte(new.r), byte(new.g), byte(new.b), byte(alpha))
        }
        return CutOut(width: width, height: height, pixels: repainted)
    }
}

private func premultiplied(_ r: UInt8, _ g: UInt8, _ b: UInt8, _ a: UInt8) -> UInt32 {
    let alpha = UInt32(a)
    func times(_ c: UInt8) -> UInt32 { (UInt32(c) * alpha + 127) / 255 }
    return alpha << 24 | times(r) << 16 | times(g) << 8 | times(b)
}

private func unpremultiplied(_ pixel: UInt32) -> (colour: Colour, alpha: Double) {
    let alpha = Double(pixel >> 24)
    guard alpha > 0 else { return (Colour(0, 0, 0), 0) }
    func part(_ shift: UInt32) -> Double { min(1, Double(pixel >> shift & 255) / alpha) }
    return (Colour(part(16), part(8), part(0)), alpha / 255)
}
