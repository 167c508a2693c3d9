public import Images

/// Eight-bit sRGB.
public struct Colour: Sendable, Equatable, Codable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public static let white = Colour(255, 255, 255)
    public static let black = Colour(0, 0, 0)
}

extension Picture {
    /// The smallest rectangle that holds every pixel more opaque than `threshold`; nil where there is none.
    /// A picture without alpha is content from edge to edge.
    public func contentBox(above threshold: UInt8 = 8) -> (x: Int, y: Int, width: Int, height: Int)? {
        guard channels == 4 else { return (0, 0, width, height) }
        var (left, right, top, bottom) = (width, -1, height, -1)
        for y in 0..<height {
            for x in 0..<width where pixels[(y * width + x) * 4 + 3] > threshold {
                left = min(left, x)
                right = max(right, x)
                top = min(top, y)
                bottom = y
            }
        }
        return right < 0 ? nil : (left, top, right - left + 1, bottom - top + 1)
    }

    /// The picture without its empty edges; the picture itself where nothing is drawn in it.
    public func trimmed() throws(ImageError) -> Picture {
        guard let box = contentBox() else { return self }
        var kept: [UInt8] = []
        kept.reserveCapacity(box.width * box.height * channels)
        for y in box.y..<box.y + box.height {
            let start = (y * width + box.x) * channels
            kept += pixels[start..<start + box.width * channels]
        }
        return try Picture(width: box.width, height: box.height, channels: channels, pixels: kept)
    }

    /// This picture, unscaled, in the middle of an RGB square of one colour; what does not fit is cut off.
    public func centred(inSquare side: Int, over ground: Colour) throws(ImageError) -> Picture {
        guard side > 0, side <= 16_384 else { throw .invalidSize("a square of \(side)") }
        let colour = [Int(ground.red), Int(ground.green), Int(ground.blue)]
        var out = [UInt8](unsafeUninitializedCapacity: side * side * 3) { buffer, count in
            for i in 0..<side * side {
                buffer[i * 3] = ground.red
                buffer[i * 3 + 1] = ground.green
                buffer[i * 3 + 2] = ground.blue
            }
            count = side * side * 3
        }
        let (dx, dy) = ((side - width) / 2, (side - height) / 2)
        for y in max(0, -dy)..<max(max(0, -dy), min(height, side - dy)) {
            for x in max(0, -dx)..<max(max(0, -dx), min(width, side - dx)) {
                let from = (y * width + x) * channels
                let to = ((y + dy) * side + x + dx) * 3
                let alpha = channels == 4 ? Int(pixels[from + 3]) : 255
                if alpha == 0 { continue }
                for c in 0..<3 {
                    out[to + c] = UInt8((Int(pixels[from + c]) * alpha + colour[c] * (255 - alpha) + 127) / 255)
                }
            }
        }
        return try Picture(width: side, height: side, channels: 3, pixels: out)
    }
}
