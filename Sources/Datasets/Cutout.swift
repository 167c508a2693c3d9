public import Images

extension Picture {
    /// The smallest rectangle that holds every pixel more opaque than `threshold`; nil where there is none.
    /// A picture without alpha is content from edge to edge.
    public func contentBox(above threshold: UInt8 = 8) -> (x: Int, y: Int, width: Int, height: Int)? {
        guard channels == 4 else { return (0, 0, width, height) }
        var (left, right, top, bottom) = (width, -1, height, -1)
        pixels.withUnsafeBufferPointer { pixels in
            for y in 0..<height {
                for x in 0..<width where pixels[(y * width + x) * 4 + 3] > threshold {
                    left = min(left, x)
                    right = max(right, x)
                    top = min(top, y)
                    bottom = y
                }
            }
        }
        return right < 0 ? nil : (left, top, right - left + 1, bottom - top + 1)
    }

    /// The picture without its empty edges; the picture itself where nothing is drawn in it.
    public func trimmed() throws(ImageError) -> Picture {
        guard let box = contentBox() else { return self }
        return try cropped(x: box.x, y: box.y, width: box.width, height: box.height)
    }

    /// This picture, unscaled, in the middle of an RGB square of one colour; what does not fit is cut off.
    public func centred(inSquare side: Int, over ground: Colour) throws(ImageError) -> Picture {
        let picture = channels == 4 ? composited(over: ground) : self
        var square = try Picture(width: side, height: side, filled: ground)
        let (dx, dy) = ((side - width) / 2, (side - height) / 2)
        let columns = max(0, -dx)..<max(0, -dx, min(width, side - dx))
        for y in 0..<height where (0..<side).contains(y + dy) {
            let (from, to) = ((y * width + columns.lowerBound) * 3, ((y + dy) * side + columns.lowerBound + dx) * 3)
            square.pixels.replaceSubrange(
                to..<to + columns.count * 3, with: picture.pixels[from..<from + columns.count * 3])
        }
        return square
    }
}
