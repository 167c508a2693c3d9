internal import Images

/// The names of what a plot shows, each behind its mark, in rows.
struct Legend {
    struct Entry {
        var name: String
        /// Draws the mark from x on, with its middle at y.
        var mark: (_ canvas: inout PlotCanvas, _ x: Double, _ y: Double) -> Void
    }

    static let rowHeight = 34.0
    private let entries: [Entry]
    private let places: [(x: Double, row: Int)]
    private let indent: Double

    /// - Parameter indent: from a mark's left end to its name.
    init(_ entries: [Entry], indent: Double, left: Double, right: Double) {
        self.entries = entries
        self.indent = indent
        var (x, row) = (left, 0)
        var places: [(x: Double, row: Int)] = []
        for entry in entries {
            let width = indent + Double(TextLine(entry.name, scale: 2).width)
            if x > left, x + width > right { (x, row) = (left, row + 1) }
            places.append((x, row))
            x += width + 40
        }
        self.places = places
    }

    var rows: Int { places.last.map { $0.row + 1 } ?? 0 }

    /// - Parameter top: of the first row's middle; the others are `rowHeight` apart.
    func draw(on canvas: inout PlotCanvas, y top: Double) {
        for (entry, place) in zip(entries, places) {
            let y = top + Self.rowHeight * Double(place.row)
            entry.mark(&canvas, place.x, y)
            canvas.text(entry.name, x: place.x + indent, y: y)
        }
    }
}
