extension Picture {
    /// The rectangle of `width` by `height` whose first pixel is (`x`, `y`).
    ///
    /// - Throws: `ImageError.invalidSize` where it does not lie in the picture.
    public func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) throws(ImageError) -> Picture {
        guard newWidth > 0, newHeight > 0, newWidth <= width, newHeight <= height,
            x >= 0, y >= 0, x <= width - newWidth, y <= height - newHeight
        else { throw .invalidSize("\(newWidth)×\(newHeight) at (\(x), \(y)) out of \(width)×\(height)") }
        let (source, channels, stride) = (pixels, channels, width * channels)
        return Picture(width: newWidth, height: newHeight, channels: channels) { target in
            source.withUnsafeBufferPointer { source in
                let length = newWidth * channels
                for row in 0..<newHeight {
                    let from = (y + row) * stride + x * channels
                    for index in 0..<length { target[row * length + index] = source[from + index] }
                }
            }
        }
    }

    /// The middle `width` by `height`.
    public func centreCropped(width newWidth: Int, height newHeight: Int) throws(ImageError) -> Picture {
        let (x, y) = (width.subtractingReportingOverflow(newWidth), height.subtractingReportingOverflow(newHeight))
        return try cropped(x: x.partialValue / 2, y: y.partialValue / 2, width: newWidth, height: newHeight)
    }

    /// A rectangle of that size from anywhere in the picture, each place equally likely.
    public func randomlyCropped(
        width newWidth: Int, height newHeight: Int, using generator: inout some RandomNumberGenerator
    ) throws(ImageError) -> Picture {
        guard newWidth > 0, newHeight > 0, newWidth <= width, newHeight <= height else {
            throw .invalidSize("\(newWidth)×\(newHeight) out of \(width)×\(height)")
        }
        return try cropped(
            x: Int.random(in: 0...(width - newWidth), using: &generator),
            y: Int.random(in: 0...(height - newHeight), using: &generator), width: newWidth, height: newHeight)
    }

    /// Left and right exchanged.
    public var flippedHorizontally: Picture { oriented(.topRight) }

    /// The picture enlarged or reduced, in proportion, until it just fills `width` by `height`; what hangs over is
    /// cut off evenly, within a pixel's fraction (as Pillow's `ImageOps.fit`).
    public func covering(
        width newWidth: Int, height newHeight: Int, filter: ResamplingFilter = .lanczos
    ) throws(ImageError) -> Picture {
        guard newWidth > 0, newHeight > 0 else {
            throw .invalidSize("\(width)×\(height) to cover \(newWidth)×\(newHeight)")
        }
        let (width, height) = (Double(width), Double(height))
        let proportion = Double(newWidth) / Double(newHeight)
        let across = Swift.min(width, proportion * height)
        let down = Swift.min(height, width / proportion)
        let (left, top) = ((width - across) / 2, (height - down) / 2)
        return try resized(
            across: left..<Swift.min(left + across, width), down: top..<Swift.min(top + down, height),
            width: newWidth, height: newHeight, filter: filter)
    }

    /// The picture enlarged or reduced, in proportion, until it just fits into `width` by `height`, in the middle of
    /// a ground of one colour; without alpha.
    public func contained(
        width newWidth: Int, height newHeight: Int, ground: Colour = .black, filter: ResamplingFilter = .lanczos
    ) throws(ImageError) -> Picture {
        guard let area = byteCount(width: newWidth, height: newHeight, channels: 1), area <= 1 << 30 else {
            throw .invalidSize("\(width)×\(height) to be fitted into \(newWidth)×\(newHeight)")
        }
        let (across, down) = (Double(newWidth) / Double(width), Double(newHeight) / Double(height))
        // The side that decides is taken exactly.
        let w = across <= down ? newWidth : Swift.max(1, Int((Double(width) * down).rounded()))
        let h = down <= across ? newHeight : Swift.max(1, Int((Double(height) * across).rounded()))
        var result = try Picture(width: newWidth, height: newHeight, filled: ground)
        result.draw(
            try resized(width: w, height: h, filter: filter).composited(over: ground),
            x: (newWidth - w) / 2, y: (newHeight - h) / 2)
        return result
    }

    /// Lays `other`, without alpha, over the picture; what hangs over the edge is left out.
    mutating func draw(_ other: Picture, x: Int, y: Int) {
        let other = other.rgb
        let (left, right) = (Swift.max(x, 0), Swift.min(x + other.width, width))
        let (top, bottom) = (Swift.max(y, 0), Swift.min(y + other.height, height))
        guard left < right, top < bottom else { return }
        let (stride, channels) = (width * channels, channels)
        pixels.withUnsafeMutableBufferPointer { target in
            other.pixels.withUnsafeBufferPointer { source in
                for row in top..<bottom {
                    for column in left..<right {
                        let at = row * stride + column * channels
                        let from = ((row - y) * other.width + column - x) * 3
                        for channel in 0..<3 { target[at + channel] = source[from + channel] }
                    }
                }
            }
        }
    }
}
