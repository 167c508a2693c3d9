import Images

/// Red, green and blue planes of a square picture, 0 to 1, on which styles work.
struct Raster {
    let size: Int
    /// Three floats a pixel, rows from the top.
    var values: [Float]

    init(size: Int, values: [Float]) { (self.size, self.values) = (size, values) }

    /// The colours of an opaque canvas.
    init(_ canvas: Canvas) {
        size = canvas.size
        values = canvas.withPixels { pixels in
            [Float](unsafeUninitializedCapacity: pixels.count * 3) { out, count in
                for (i, pixel) in pixels.enumerated() {
                    out[3 * i] = Float(pixel >> 16 & 255) / 255
                    out[3 * i + 1] = Float(pixel >> 8 & 255) / 255
                    out[3 * i + 2] = Float(pixel & 255) / 255
                }
                count = pixels.count * 3
            }
        }
    }

    func picture() throws -> Picture {
        try Picture(
            width: size, height: size, channels: 3,
            pixels: values.map { UInt8(max(0, min(255, ($0 * 255).rounded()))) })
    }

    /// Luma of every pixel.
    var luma: [Float] {
        (0..<size * size).map { 0.299 * values[3 * $0] + 0.587 * values[3 * $0 + 1] + 0.114 * values[3 * $0 + 2] }
    }

    func colour(_ i: Int) -> Colour {
        Colour(Double(values[3 * i]), Double(values[3 * i + 1]), Double(values[3 * i + 2]))
    }

    mutating func set(_ i: Int, _ c: Colour) {
        values[3 * i] = Float(c.r)
        values[3 * i + 1] = Float(c.g)
        values[3 * i + 2] = Float(c.b)
    }
}
