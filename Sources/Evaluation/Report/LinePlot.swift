internal import Foundation
internal import Images

/// Lines over a number, such as the guidance scale; a level line is what real scenes reach.
struct LinePlot {
    struct Series {
        var name: String
        var colour: Colour
        var points: [(x: Double, y: Double)]
        /// A dashed line of the same colour: what real scenes reach.
        var level: Double?
    }

    var title: String
    var axis: String
    var series: [Series]
    /// Whether values are told as "40 %".
    var isShare: Bool
    /// The largest value of the side, or what the data ask for.
    var most: Double?

    static let size = (width: 750, height: 620)
    private static let soft = Colour(grey: 110)

    func draw(on canvas: inout PlotCanvas, left edge: Double, top: Double) {
        let (left, right) = (edge + 120, edge + Double(Self.size.width) - 40)
        let (upper, lower) = (top + 200, top + Double(Self.size.height) - 100)
        let xs = Set(series.flatMap { $0.points.map(\.x) }).sorted()
        guard let first = xs.first, let last = xs.last else { return }
        let values = series.flatMap { $0.points.map(\.y) + ($0.level.map { [$0] } ?? []) }
        let step = Self.step(for: most ?? values.max() ?? 1)
        let highest = most ?? max(step, ((values.max() ?? 1) / step).rounded(.up) * step)
        let places = max(0, Int((-log10(step)).rounded(.up)))
        func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
            let across = last > first ? (x - first) / (last - first) : 0.5
            return (left + 20 + across * (right - left - 40), lower - max(0, min(1, y / highest)) * (lower - upper))
        }
        canvas.text(title, x: left - 80, y: top + 40, scale: 3)
        for number in 0...max(1, Int((highest / step).rounded())) {
            let value = Double(number) * step
            let y = place(first, value).y
            canvas.fill(x: left, y: y - 1, width: right - left, height: 2, Colour(grey: 225))
            canvas.text(isShare ? "\((100 * value).formatted(0)) %" : value.formatted(places), x: left - 14, y: y, anchor: .right, Self.soft)
        }
        var taken = -Double.infinity
        for x in xs {
            let at = place(x, 0)
            canvas.fill(x: at.x - 1, y: lower, width: 3, height: 10, Colour(grey: 80))
            let text = x.formatted(nil)
            // No number over another.
            let width = Double(TextLine(text, scale: 2).width)
            guard at.x - width / 2 > taken + 8 else { continue }
            canvas.text(text, x: at.x, y: lower + 28, anchor: .middle)
            taken = at.x + width / 2
        }
        canvas.fill(x: left, y: lower - 1, width: right - left, height: 3, Colour(grey: 80))
        canvas.text(axis, x: (left + right) / 2, y: lower + 68, anchor: .middle, Self.soft)
        for one in series {
            if let level = one.level {
                let y = place(first, level).y
                for x in stride(from: left, to: right, by: 18) {
                    canvas.line((x, y), (min(right, x + 9), y), width: 2, one.colour)
                }
            }
            let points = one.points.map { place($0.x, $0.y) }
            for (a, b) in zip(points, points.dropFirst()) { canvas.line(a, b, width: 4, one.colour) }
            for point in points { canvas.disc(point, radius: 7, one.colour) }
        }
        Legend(entries, indent: 44, left: left - 80, right: right).draw(on: &canvas, y: top + 88)
    }

    private var entries: [Legend.Entry] {
        var entries = series.map { one in
            Legend.Entry(name: one.name) { canvas, x, y in
                canvas.line((x, y), (x + 32, y), width: 4, one.colour)
                canvas.disc((x + 16, y), radius: 7, one.colour)
            }
        }
        if let known = series.first(where: { $0.level != nil }) {
            let name = series.count > 1 ? "real scenes: \(known.name)" : "real scenes"
            entries.append(
                Legend.Entry(name: name) { canvas, x, y in
                    for start in [x, x + 18] { canvas.line((start, y), (start + 9, y), width: 2, known.colour) }
                })
        }
        return entries
    }

    /// 1, 2 or 5 times a power of ten, so that four to ten steps reach the value.
    static func step(for value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        let power = pow(10, floor(log10(value / 5)))
        return [1, 2, 5, 10].map { $0 * power }.first { value / $0 <= 6 } ?? 10 * power
    }
}
