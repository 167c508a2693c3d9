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
        let legend = Legend(entries, indent: 32, left: left, right: right)
        let upper = top + 122 + Legend.rowHeight * Double(max(2, legend.rows))
        let lower = top + Double(Self.size.height) - 70
        func height(_ value: Double) -> Double { lower - value * (lower - upper) }
        canvas.text(title, x: left, y: top + 40, scale: 3)
        for tenth in stride(from: 0, through: 10, by: 2) {
            let y = height(Double(tenth) / 10)
            canvas.fill(x: left, y: y - 1, width: right - left, height: 2, Self.grid)
            canvas.text("\(tenth * 10) %", x: left - 14, y: y, anchor: .right, Self.soft)
        }
        legend.draw(on: &canvas, y: top + 96)
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

    private var entries: [Legend.Entry] {
        var entries = series.map { one in
            Legend.Entry(name: one.name) { canvas, x, y in
                canvas.fill(x: x, y: y - 11, width: 22, height: 22, one.colour)
            }
        }
        entries.append(
            Legend.Entry(name: "guessing") { canvas, x, y in
                for start in [x, x + 14] { canvas.line((start, y), (start + 8, y), width: 3, Self.chanceColour) }
            })
        return entries
    }
}
