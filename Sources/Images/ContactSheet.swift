/// Pictures in a grid, each with a caption under it if it has one.
public struct ContactSheet: Sendable {
    /// Pictures a row; nil for a sheet about as wide as it is high.
    public var columns: Int?
    /// Pixels between pictures, and around them all.
    public var gap: Int
    public var background: Colour
    public var ink: Colour
    /// Smaller pictures are enlarged by a whole factor, pixel by pixel, to about this side; 0 leaves them.
    public var minimumSide: Int
    /// A caption has at most this many lines; what is left of it is an ellipsis.
    public var captionLines: Int

    public init(
        columns: Int? = nil, gap: Int = 12, background: Colour = Colour(grey: 32), ink: Colour = Colour(grey: 225),
        minimumSide: Int = 192, captionLines: Int = 3
    ) {
        self.columns = columns
        self.gap = gap
        self.background = background
        self.ink = ink
        self.minimumSide = minimumSide
        self.captionLines = captionLines
    }

    /// - Parameter captions: one a picture, or none at all; where there are fewer, the last pictures have none.
    /// - Throws: `ImageError.invalidSize` without a picture, or where the sheet would have over 2³⁰ pixels.
    public func picture(of pictures: [Picture], captions: [String] = []) throws(ImageError) -> Picture {
        let sizes = pictures.map { (width: $0.width, height: $0.height) }
        let layout = try SheetLayout(self, sizes, captions)
        var sheet = try Picture(width: layout.width, height: layout.height, filled: background)
        for (index, picture) in pictures.enumerated() {
            let row = layout.rows[index / layout.rowLength]
            let x = layout.gap + index % layout.rowLength * (layout.cellWidth + layout.gap)
            let shown = try picture.enlarged(by: layout.enlargement).composited(over: background)
            sheet.draw(
                shown, x: x + (layout.cellWidth - shown.width) / 2, y: row.top + (row.pictureHeight - shown.height) / 2)
            for (number, line) in layout.lines[index].enumerated() {
                let top = row.top + row.pictureHeight + layout.captionGap + number * layout.text.lineHeight
                sheet.draw(line, as: layout.text, x: x, y: top, ink: ink)
            }
        }
        return sheet
    }

    /// How large a sheet would be, in pixels.
    ///
    /// - Parameters:
    ///   - sizes: of its pictures, in pixels.
    ///   - captions: as for `picture(of:captions:)`.
    /// - Throws: `ImageError.invalidSize` where there can be no such sheet, or no picture of such a size.
    public func size(
        of sizes: [(width: Int, height: Int)], captions: [String] = []
    ) throws(ImageError) -> (width: Int, height: Int) {
        let layout = try SheetLayout(self, sizes, captions)
        return (width: layout.width, height: layout.height)
    }
}

/// Of a contact sheet or a film strip, in pixels.
let largestSheet = 1 << 30

/// Where everything on a contact sheet lies, in its pixels.
private struct SheetLayout {
    let width: Int
    let height: Int
    let gap: Int
    /// Pictures become larger by this whole factor.
    let enlargement: Int
    /// Of the widest picture, enlarged.
    let cellWidth: Int
    /// Pictures a row.
    let rowLength: Int
    let rows: [(top: Int, pictureHeight: Int)]
    let text: Lettering
    /// Under the pictures.
    let captionGap: Int
    /// Of each picture's caption.
    let lines: [[String]]

    init(
        _ sheet: ContactSheet, _ sizes: [(width: Int, height: Int)], _ captions: [String]
    ) throws(ImageError) {
        guard let side = sizes.map({ max($0.width, $0.height) }).max() else {
            throw .invalidSize("a contact sheet of no pictures")
        }
        for size in sizes {
            guard let area = byteCount(width: size.width, height: size.height, channels: 1), area <= largestSheet else {
                throw .invalidSize("a contact sheet with a picture of \(size.width)×\(size.height)")
            }
        }
        let enlargement = wholeEnlargement(of: side, to: sheet.minimumSide)
        let gap = min(max(sheet.gap, 0), 1 << 16)
        let cellWidth = (sizes.map { $0.width }.max() ?? 0) * enlargement
        let cellHeight = (sizes.map { $0.height }.max() ?? 0) * enlargement
        let rowLength = min(max(sheet.columns ?? Self.squarest(sizes.count, cellWidth, cellHeight), 1), sizes.count)

        // Captions grow with the pictures, but stay readable under small ones.
        let text = Lettering(scale: max(1, (cellWidth + 128) / 256), width: cellWidth, maximumLines: sheet.captionLines)
        let captionGap = max(4, gap / 3)
        var lines = captions.prefix(sizes.count).map { text.lines(of: $0) }
        lines += Array(repeating: [], count: sizes.count - lines.count)

        // Each row is as high as its highest picture and its longest caption.
        var rows: [(top: Int, pictureHeight: Int)] = []
        var y = gap
        for start in stride(from: 0, to: sizes.count, by: rowLength) {
            let row = start..<min(start + rowLength, sizes.count)
            let pictureHeight = (row.map { sizes[$0].height }.max() ?? 0) * enlargement
            let longest = row.map { lines[$0].count }.max() ?? 0
            rows.append((y, pictureHeight))
            y += pictureHeight + (longest > 0 ? captionGap + longest * text.lineHeight : 0) + gap
        }
        let width = gap + rowLength * (cellWidth + gap)
        guard let area = byteCount(width: width, height: y, channels: 1), area <= largestSheet else {
            throw .invalidSize("a contact sheet of \(width)×\(y)")
        }
        (self.width, height, self.gap, self.enlargement, self.cellWidth) = (width, y, gap, enlargement, cellWidth)
        (self.rowLength, self.rows, self.text, self.captionGap, self.lines) = (rowLength, rows, text, captionGap, lines)
    }

    /// How many of `count` cells a row make the sheet nearest to a square.
    private static func squarest(_ count: Int, _ width: Int, _ height: Int) -> Int {
        let ideal = (Double(count) * Double(height) / Double(max(width, 1))).squareRoot()
        return max(1, Int(ideal.rounded(.up)))
    }
}

/// The whole factor that brings `side` nearest to `minimum` from below, at least 1.
func wholeEnlargement(of side: Int, to minimum: Int) -> Int { max(1, min(minimum / max(side, 1), 64)) }

extension Picture {
    /// Each pixel as a square of `factor` pixels a side.
    func enlarged(by factor: Int) throws(ImageError) -> Picture {
        guard factor > 1 else { return self }
        return try resized(width: width * factor, height: height * factor, filter: .nearest)
    }
}
