extension Picture {
    /// The samples as numbers from −1 to 1 (x / 127.5 − 1), one plane a channel: [C × H × W], row-major.
    public func planes() -> [Float] {
        let (source, channels, area) = (pixels, channels, width * height)
        return [Float](unsafeUninitializedCapacity: area * channels) { target, initialized in
            source.withUnsafeBufferPointer { source in
                for channel in 0..<channels {
                    let plane = channel * area
                    for index in 0..<area {
                        target[plane + index] = Float(source[index * channels + channel]) / 127.5 - 1
                    }
                }
            }
            initialized = area * channels
        }
    }

    /// A picture from planes [C × H × W] of numbers from −1 to 1, C being 1 (grey), 3 (RGB) or 4 (RGBA).
    ///
    /// As glide-text2im shows its samples: ((x + 1) · 127.5), rounded to the nearest even, clamped to 0…255. What is
    /// not a number becomes 0.
    ///
    /// - Throws: `ImageError.invalidSize` where the sizes and the number of values do not agree.
    public init(planes: [Float], width: Int, height: Int) throws(ImageError) {
        guard let area = byteCount(width: width, height: height, channels: 1), planes.count % area == 0,
            [1, 3, 4].contains(planes.count / area)
        else { throw .invalidSize("\(planes.count) values for \(width)×\(height) in one, three or four planes") }
        let given = planes.count / area
        let channels = given == 1 ? 3 : given
        self.init(width: width, height: height, channels: channels) { target in
            planes.withUnsafeBufferPointer { planes in
                for channel in 0..<channels {
                    let plane = given == 1 ? 0 : channel * area
                    for index in 0..<area {
                        let value = ((planes[plane + index] + 1) * 127.5).rounded(.toNearestOrEven)
                        // False for what is not a number.
                        let clamped = value > 0 ? Swift.min(value, 255) : 0
                        target[index * channels + channel] = UInt8(clamped)
                    }
                }
            }
        }
    }
}
