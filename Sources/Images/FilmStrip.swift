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
        guard let side = pictures.map({ max($0.width, $0.height) }).max() else {
            throw .invalidSize("a film strip of no pictures")
        }
        let enlargement = wholeEnlargement(of: side, to: minimumSide)
        let gap = min(max(gap, 0), 1 << 16)
        let cellWidth = (pictures.map(\.width).max() ?? 0) * enlargement
        let cellHeight = (pictures.map(\.height).max() ?? 0) * enlargement
        let fitting = max(1, (min(maximumWidth, 1 << 30) + gap) / (cellWidth + gap))
        // Rows of equal length, so that the last is not a stump.
        let rowCount = (pictures.count + fitting - 1) / fitting
        let even = (pictures.count + rowCount - 1) / rowCount
        let rowLength = min(max(columns ?? even, 1), pictures.count)
        let rows = (pictures.count + rowLength - 1) / rowLength
        let width = rowLength * (cellWidth + gap) - gap
        let height = rows * (cellHeight + gap) - gap
        guard let area = byteCount(width: width, height: height, channels: 1), area <= 1 << 30 else {
            throw .invalidSize("a film strip of \(width)×\(height)")
        }

        var strip = try Picture(width: width, height: height, filled: background)
        for (index, picture) in pictures.enumerated() {
            let shown = try picture.enlarged(by: enlargement).composited(over: background)
            strip.draw(
                shown, x: index % rowLength * (cellWidth + gap) + (cellWidth - shown.width) / 2,
                y: index / rowLength * (cellHeight + gap) + (cellHeight - shown.height) / 2)
        }
        return strip
    }
}
