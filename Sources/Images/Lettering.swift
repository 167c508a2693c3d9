/// How captions are set: in ``BitmapFont``, enlarged by a whole factor, broken between words.
struct Lettering {
    let scale: Int
    /// Characters a line.
    let columns: Int
    let maximumLines: Int

    /// - Parameter width: the room for a line, in pixels.
    init(scale: Int, width: Int, maximumLines: Int) {
        self.scale = max(scale, 1)
        columns = max(width / (BitmapFont.width * max(scale, 1)), 1)
        self.maximumLines = maximumLines
    }

    var lineHeight: Int { (BitmapFont.height + 1) * scale }

    /// The text's lines; a word that is longer than a line is broken, what is left over becomes an ellipsis.
    func lines(of text: String) -> [String] {
        guard maximumLines > 0 else { return [] }
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: \.isWhitespace) {
            if !line.isEmpty {
                if line.count + 1 + word.count <= columns {
                    line += " " + word
                    continue
                }
                lines.append(line)
            }
            var rest = word
            while lines.count <= maximumLines,
                let end = rest.index(rest.startIndex, offsetBy: columns, limitedBy: rest.endIndex), end < rest.endIndex
            {
                lines.append(String(rest[..<end]))
                rest = rest[end...]
            }
            line = String(rest)
            // Enough to know that something is left over.
            if lines.count > maximumLines { break }
        }
        if !line.isEmpty { lines.append(line) }
        if lines.count > maximumLines {
            lines.removeSubrange(maximumLines...)
            lines[maximumLines - 1] = lines[maximumLines - 1].prefix(columns - 1) + "…"
        }
        return lines
    }
}

extension Picture {
    /// Draws one line of text; what hangs over the edge is left out.
    mutating func draw(_ line: String, as lettering: Lettering, x: Int, y: Int, ink: Colour) {
        let (scale, stride, channels, width, height) = (lettering.scale, width * channels, channels, width, height)
        pixels.withUnsafeMutableBufferPointer { target in
            for (index, character) in line.enumerated() {
                let left = x + index * BitmapFont.width * scale
                for (row, bits) in BitmapFont.rows(of: character).enumerated() {
                    for column in 0..<BitmapFont.width where bits & (0x80 >> UInt8(column)) != 0 {
                        for dot in 0..<(scale * scale) {
                            let px = left + column * scale + dot % scale
                            let py = y + row * scale + dot / scale
                            guard px >= 0, px < width, py >= 0, py < height else { continue }
                            let at = py * stride + px * channels
                            (target[at], target[at + 1], target[at + 2]) = (ink.red, ink.green, ink.blue)
                        }
                    }
                }
            }
        }
    }
}
