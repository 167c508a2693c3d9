/// The stages of one picture side by side, from noise to picture or back, in reading order.
public struct FilmStrip: Sendable {
    /// Pictures a row; nil puts all into one row unless that would be wider than `maximumWidth`.
    public var columns: Int?
    public var maximumWidth: Int
    /// Pixels between pictures; around them is none.
    public var gap: Int
    public var background: Colour
    /// Smaller pictures are enlarged by a whole factor, pixel by pixel, to about this side; 0 leaves them.
    public var minimumSide: Int

    public init(
        columns: Int? = nil, maximumWidth: Int = 4096, gap: Int = 4, background: Colour = Colour(grey: 32),
        minimumSide: Int = 128
    ) {
        self.columns = columns
        self.maximumWidth = maximumWidth
        self.gap = gap
        self.background = background
        self.minimumSide = minimumSide
    }

    /// - Throws: `ImageError.invalidSize` without a picture, or where the strip would have over 2³⁰ pixels.
    public func picture(of pictures: [Picture]) throws(ImageError) -> Picture {
        let layout = try StripLayout(
            self, pictures.count, width: pictures.map(\.width).max() ?? 0, height: pictures.map(\.height).max() ?? 0)
        var strip = try Picture(width: layout.width, height: layout.height, filled: background)
        for (index, picture) in pictures.enumerated() {
            let shown = try picture.enlarged(by: layout.enlargement).composited(over: background)
            let x = index % layout.rowLength * (layout.cellWidth + layout.gap)
            let y = index / layout.rowLength * (layout.cellHeight + layout.gap)
            strip.draw(
                shown, x: x + (layout.cellWidth - shown.width) / 2, y: y + (layout.cellHeight - shown.height) / 2)
        }
        return strip
    }

    /// How large a strip would be, in pixels.
    ///
    /// - Parameters:
    ///   - count: its pictures.
    ///   - width, height: the largest of theirs, in pixels.
    /// - Throws: `ImageError.invalidSize` where there can be no such strip, or no picture of such a size.
    public func size(of count: Int, width: Int, height: Int) throws(ImageError) -> (width: Int, height: Int) {
        let layout = try StripLayout(self, count, width: width, height: height)
        return (width: layout.width, height: layout.height)
    }
}

/// Where everything on a film strip lies, in its pixels.
private struct StripLayout {
    let width: Int
    let height: Int
    let gap: Int
    /// Pictures become larger by this whole factor.
    let enlargement: Int
    /// Of the widest picture, enlarged.
    let cellWidth: Int
    /// Of the highest.
    let cellHeight: Int
    /// Pictures a row.
    let rowLength: Int

    init(_ strip: FilmStrip, _ count: Int, width pictureWidth: Int, height pictureHeight: Int) throws(ImageError) {
        guard count > 0 else { throw .invalidSize("a film strip of no pictures") }
        // So that none of the products below overflows.
        guard let area = byteCount(width: pictureWidth, height: pictureHeight, channels: 1), count <= largestSheet / area
        else { throw .invalidSize("a film strip of \(count) pictures of \(pictureWidth)×\(pictureHeight)") }
        enlargement = wholeEnlargement(of: max(pictureWidth, pictureHeight), to: strip.minimumSide)
        gap = min(max(strip.gap, 0), 1 << 16)
        cellWidth = pictureWidth * enlargement
        cellHeight = pictureHeight * enlargement
        let fitting = max(1, (min(strip.maximumWidth, largestSheet) + gap) / (cellWidth + gap))
        // Rows of equal length, so that the last is not a stump.
        let rowCount = (count + fitting - 1) / fitting
        let even = (count + rowCount - 1) / rowCount
        rowLength = min(max(strip.columns ?? even, 1), count)
        let rows = (count + rowLength - 1) / rowLength
        width = rowLength * (cellWidth + gap) - gap
        height = rows * (cellHeight + gap) - gap
        guard let whole = byteCount(width: width, height: height, channels: 1), whole <= largestSheet else {
            throw .invalidSize("a film strip of \(width)×\(height)")
        }
    }
}
