/// A colour in sRGB, components 0 to 1.
struct Colour: Sendable, Equatable {
    var r, g, b: Double

    init(_ r: Double, _ g: Double, _ b: Double) { (self.r, self.g, self.b) = (r, g, b) }

    init(_ hex: UInt32) {
        self.init(Double(hex >> 16 & 255) / 255, Double(hex >> 8 & 255) / 255, Double(hex & 255) / 255)
    }

    /// Rec. 601 luma.
    var luma: Double { 0.299 * r + 0.587 * g + 0.114 * b }

    func mixed(_ other: Colour, _ amount: Double) -> Colour {
        Colour(r + (other.r - r) * amount, g + (other.g - g) * amount, b + (other.b - b) * amount)
    }

    func times(_ other: Colour) -> Colour { Colour(r * other.r, g * other.g, b * other.b) }

    func times(_ factor: Double) -> Colour {
        Colour(min(1, r * factor), min(1, g * factor), min(1, b * factor))
    }

    func saturated(_ factor: Double) -> Colour {
        let y = luma
        func s(_ c: Double) -> Double { min(1, max(0, y + (c - y) * factor)) }
        return Colour(s(r), s(g), s(b))
    }

    /// Hue in degrees, saturation and value from 0 to 1.
    var hsv: (h: Double, s: Double, v: Double) {
        let v = max(r, g, b)
        let c = v - min(r, g, b)
        guard c > 0 else { return (0, 0, v) }
        let h =
            v == r ? (g - b) / c : v == g ? (b - r) / c + 2 : (r - g) / c + 4
        return ((h * 60 + 360).truncatingRemainder(dividingBy: 360), c / v, v)
    }

    init(h: Double, s: Double, v: Double) {
        func f(_ n: Double) -> Double {
            let k = (n + h / 60).truncatingRemainder(dividingBy: 6)
            return v - v * s * max(0, min(k, 4 - k, 1))
        }
        self.init(f(5), f(3), f(1))
    }
}
