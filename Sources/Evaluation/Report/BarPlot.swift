internal import Images

/// Bars in groups, each from 0 to 1, with whiskers and a mark for what guessing gives.
struct BarPlot {
    struct Series {
        var name: String
        var colour: Colour
        /// One a group; nil where there is nothing.
        var values: [Rate?]
    }

    var title: String
    var groups: [String]
    var series: [Series]
    /// One a group.
    var chance: [Double?]

    static let size = (width: 1500, height: 660)
    private static let grid = Colour(grey: 225)
    private static let soft = Colour(grey: 110)

    /// Draws itself with its upper edge at `top`.
    func draw(on canvas: inout PlotCanvas, top: Double) {
        let (left, right) = (110.0, Double(Self.size.width) - 40)
        let places = legendPlaces(x: left)
        let rows = (places.last?.row ?? 0) + 1
        let (upper, lower) = (top + 122 + 34 * Double(max(2, rows)), top + Double(Self.size.height) - 70)
        func height(_ value: Double) -> Double { lower - value * (lower - upper) }
        canvas.text(title, x: left, y: top + 40, scale: 3)
        for tenth in stride(from: 0, through: 10, by: 2) {
            let y = height(Double(tenth) / 10)
            canvas.fill(x: left, y: y - 1, width: right - left, height: 2, Self.grid)
            canvas.text("\(tenth * 10) %", x: left - 14, y: y, anchor: .right, Self.soft)
        }
        legend(on: &canvas, places, y: top + 96)
        let room = (right - left) / Double(max(1, groups.count))
        let bar = min(90, room * 0.78 / Double(max(1, series.count)))
        for (group, name) in groups.enumerated() {
            let middle = left + (Double(group) + 0.5) * room
            let start = middle - bar * Double(series.count) / 2
            for (index, one) in series.enumerated() {
                guard let rate = one.values[group] else { continue }
                let x = start + Double(index) * bar
                canvas.fill(x: x + 3, y: height(rate.value), width: bar - 6, height: lower - height(rate.value), one.colour)
                let interval = rate.interval
                canvas.line(
                    (x + bar / 2, height(interval.lowerBound)), (x + bar / 2, height(interval.upperBound)), width: 2.5,
                    Colour(grey: 60))
                let label = (100 * rate.value).formatted(bar < 52 ? 0 : 1)
                // No number over another.
                guard Double(TextLine(label, scale: bar < 40 ? 1 : 2).width) < bar else { continue }
                canvas.text(
                    label, x: x + bar / 2, y: height(interval.upperBound) - 18, anchor: .middle, scale: bar < 40 ? 1 : 2)
            }
            if let chance = chance[group] {
                let (from, to) = (start - 6, start + bar * Double(series.count) + 6)
                for x in stride(from: from, to: to, by: 16) {
                    canvas.line((x, height(chance)), (min(to, x + 8), height(chance)), width: 3, Self.chanceColour)
                }
            }
            canvas.text(name, x: middle, y: lower + 34, anchor: .middle)
        }
        canvas.fill(x: left, y: lower - 1, width: right - left, height: 3, Colour(grey: 80))
    }

    private static let chanceColour = Colour(red: 205, green: 60, blue: 50)

    private static let guessing = "guessing"

    /// Where the series' names stand, and the word for guessing.
    private func legendPlaces(x start: Double) -> [(x: Double, row: Int)] {
        var (x, row) = (start, 0)
        return (series.map(\.name) + [Self.guessing]).map { name in
            let width = 32 + Double(TextLine(name, scale: 2).width)
            if x > start, x + width > Double(Self.size.width) - 40 { (x, row) = (start, row + 1) }
            defer { x += width + 44 }
            return (x, row)
        }
    }

    private func legend(on canvas: inout PlotCanvas, _ places: [(x: Double, row: Int)], y top: Double) {
        for (place, one) in zip(places, series.map(Optional.some) + [nil]) {
            let (x, y) = (place.x, top + 34 * Double(place.row))
            if let one {
                canvas.fill(x: x, y: y - 11, width: 22, height: 22, one.colour)
            } else {
                canvas.line((x, y), (x + 8, y), width: 3, Self.chanceColour)
                canvas.line((x + 14, y), (x + 22, y), width: 3, Self.chanceColour)
            }
            canvas.text(one?.name ?? Self.guessing, x: x + 32, y: y)
        }
    }
}
