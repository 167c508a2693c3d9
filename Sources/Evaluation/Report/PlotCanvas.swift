internal import Images

/// A picture that plots are drawn on: rectangles, smooth lines, discs and text.
struct PlotCanvas {
    private(set) var picture: Picture

    enum Anchor { case left, middle, right }

    init(width: Int, height: Int) throws { picture = try Picture(width: width, height: height, filled: .white) }

    /// From x to x + width, edges on whole pixels.
    mutating func fill(x: Double, y: Double, width: Double, height: Double, _ colour: Colour) {
        let columns = max(0, Int(x.rounded()))..<max(0, max(Int(x.rounded()), min(picture.width, Int((x + width).rounded()))))
        let rows = max(0, Int(y.rounded()))..<max(0, max(Int(y.rounded()), min(picture.height, Int((y + height).rounded()))))
        for row in rows { for column in columns { set(column, row, colour, 1) } }
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
        picture.draw(line, x: Int(left.rounded()), y: Int((y - Double(line.height) / 2).rounded()), ink: ink)
    }

    /// Mixes a colour in by how far inside a shape each pixel's middle lies, 0 to 1.
    private mutating func cover(
        from low: (Double, Double), to high: (Double, Double), _ colour: Colour, _ inside: (Double, Double) -> Double
    ) {
        let columns = max(0, Int(low.0))...max(0, min(picture.width - 1, Int(high.0)))
        let rows = max(0, Int(low.1))...max(0, min(picture.height - 1, Int(high.1)))
        for row in rows {
            for column in columns {
                let amount = max(0, min(1, inside(Double(column) + 0.5, Double(row) + 0.5)))
                if amount > 0 { set(column, row, colour, amount) }
            }
        }
    }

    private mutating func set(_ column: Int, _ row: Int, _ colour: Colour, _ amount: Double) {
        guard column >= 0, row >= 0, column < picture.width, row < picture.height else { return }
        let at = 3 * (row * picture.width + column)
        for (channel, value) in [colour.red, colour.green, colour.blue].enumerated() {
            let old = Double(picture.pixels[at + channel])
            picture.pixels[at + channel] = UInt8((old + (Double(value) - old) * amount).rounded())
        }
    }
}
