/// A line of text in `BitmapFont`, for plots.
package struct TextLine {
    package let text: String
    /// Pixels of a letter's dot.
    package let scale: Int

    package init(_ text: String, scale: Int) {
        self.text = text
        self.scale = max(scale, 1)
    }

    package var width: Int { text.count * BitmapFont.width * scale }
    package var height: Int { BitmapFont.height * scale }
}

extension Picture {
    /// Draws a line; what hangs over the edge is left out.
    /// - Parameters:
    ///   - x, y: its upper left corner.
    package mutating func draw(_ line: TextLine, x: Int, y: Int, ink: Colour) {
        draw(line.text, as: Lettering(scale: line.scale, width: line.width, maximumLines: 1), x: x, y: y, ink: ink)
    }
}
