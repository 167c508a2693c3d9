internal import Images

/// A picture that plots are drawn on: rectangles, smooth lines, discs and text.
struct PlotCanvas {
    let width: Int
    let height: Int
    /// RGB, rows from the top.
    private var pixels: [UInt8]

    enum Anchor { case left, middle, right }

    init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = [UInt8](repeating: 255, count: 3 * width * height)
    }

    func picture() throws -> Picture { try Picture(width: width, height: height, channels: 3, pixels: pixels) }

    /// From x to x + width, edges on whole pixels.
    mutating func fill(x: Double, y: Double, width: Double, height: Double, _ colour: Colour) {
        let columns = Self.range(x, x + width, below: self.width)
        for row in Self.range(y, y + height, below: self.height) {
            for column in columns { set(column, row, colour) }
        }
    }

    private static func range(_ low: Double, _ high: Double, below limit: Int) -> Range<Int> {
        let first = min(limit, max(0, Int(low.rounded())))
        return first..<max(first, min(limit, Int(high.rounded())))
    }

    /// A line of a width with round ends.
    mutating func line(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double), width: Double, _ colour: Colour) {
        let reach = width / 2 + 1
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let length = dx * dx + dy * dy
        cover(
            from: (min(a.x, b.x) - reach, min(a.y, b.y) - reach), to: (max(a.x, b.x) + reach, max(a.y, b.y) + reach),
            colour
        ) { x, y in
            let t = length > 0 ? max(0, min(1, ((x - a.x) * dx + (y - a.y) * dy) / length)) : 0
            let (px, py) = (a.x + t * dx - x, a.y + t * dy - y)
            return width / 2 + 0.5 - (px * px + py * py).squareRoot()
        }
    }

    mutating func disc(_ centre: (x: Double, y: Double), radius: Double, _ colour: Colour) {
        line(centre, centre, width: 2 * radius, colour)
    }

    /// - Parameters:
    ///   - x: of the text's left end, middle or right end.
    ///   - y: of its middle.
    mutating func text(
        _ text: String, x: Double, y: Double, anchor: Anchor = .left, scale: Int = 2, _ ink: Colour = Colour(grey: 40)
    ) {
        let line = TextLine(text, scale: scale)
        let left =
            switch anchor {
            case .left: x
            case .middle: x - Double(line.width) / 2
            case .right: x - Double(line.width)
            }
        let top = Int((y - Double(line.height) / 2).rounded())
        guard var written = try? Picture(width: max(1, line.width), height: line.height, filled: .white) else { return }
        written.draw(line, x: 0, y: 0, ink: .black)
        let letters = written.pixels
        for row in 0..<written.height {
            for column in 0..<written.width where letters[3 * (row * written.width + column)] == 0 {
                set(Int(left.rounded()) + column, top + row, ink)
            }
        }
    }

    /// Mixes a colour in by how far inside a shape each pixel's middle lies, 0 to 1.
    private mutating func cover(
        from low: (Double, Double), to high: (Double, Double), _ colour: Colour, _ inside: (Double, Double) -> Double
    ) {
        for row in Self.range(low.1, high.1, below: height) {
            for column in Self.range(low.0, high.0, below: width) {
                let amount = max(0, min(1, inside(Double(column) + 0.5, Double(row) + 0.5)))
                if amount > 0 { set(column, row, colour, amount) }
            }
        }
    }

    private mutating func set(_ column: Int, _ row: Int, _ colour: Colour, _ amount: Double = 1) {
        guard column >= 0, row >= 0, column < width, row < height else { return }
        let at = 3 * (row * width + column)
        func mixed(_ old: UInt8, _ new: UInt8) -> UInt8 {
            amount == 1 ? new : UInt8((Double(old) + (Double(new) - Double(old)) * amount).rounded())
        }
        pixels[at] = mixed(pixels[at], colour.red)
        pixels[at + 1] = mixed(pixels[at + 1], colour.green)
        pixels[at + 2] = mixed(pixels[at + 2], colour.blue)
    }
}
