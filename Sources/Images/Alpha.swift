extension Picture {
    /// The colours alone, as stored: what alpha hid comes to light. See ``composited(over:)`` for how it looks.
    public var rgb: Picture {
        guard hasAlpha else { return self }
        let source = pixels
        return Picture(width: width, height: height, channels: 3) { target in
            source.withUnsafeBufferPointer { source in
                for pixel in 0..<(target.count / 3) {
                    for channel in 0..<3 { target[pixel * 3 + channel] = source[pixel * 4 + channel] }
                }
            }
        }
    }

    /// The same with an alpha channel; opaque where there was none.
    public var rgba: Picture {
        guard !hasAlpha else { return self }
        let source = pixels
        return Picture(width: width, height: height, channels: 4) { target in
            source.withUnsafeBufferPointer { source in
                for pixel in 0..<(target.count / 4) {
                    for channel in 0..<3 { target[pixel * 4 + channel] = source[pixel * 3 + channel] }
                    target[pixel * 4 + 3] = 255
                }
            }
        }
    }

    /// The picture as it looks before a ground of one colour (Porter and Duff's "over"); without alpha.
    public func composited(over ground: Colour) -> Picture {
        guard hasAlpha else { return self }
        let source = pixels
        let under = [UInt32(ground.red), UInt32(ground.green), UInt32(ground.blue)]
        return Picture(width: width, height: height, channels: 3) { target in
            source.withUnsafeBufferPointer { source in
                for pixel in 0..<(target.count / 3) {
                    let alpha = UInt32(source[pixel * 4 + 3])
                    for channel in 0..<3 {
                        let sum = UInt32(source[pixel * 4 + channel]) * alpha + under[channel] * (255 - alpha)
                        target[pixel * 3 + channel] = UInt8((sum + 127) / 255)
                    }
                }
            }
        }
    }
}
