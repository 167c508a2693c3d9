public import Images

/// A number that is not negative for each pixel of a picture, row by row from the top.
public struct HeatMap: Sendable, Hashable {
    public let width: Int
    public let height: Int
    public let values: [Float]

    public init(width: Int, height: Int, values: [Float]) {
        (self.width, self.height, self.values) = (width, height, values)
    }

    public var mean: Double { values.reduce(0) { $0 + Double($1) } / Double(max(1, values.count)) }

    /// The mean place of what lies above the mean, 0…1 from the upper left; the middle of an even map.
    public var centre: (x: Double, y: Double) {
        let mean = mean
        var (x, y, total) = (0.0, 0.0, 0.0)
        for (index, value) in values.enumerated() {
            let above = Double(value) - mean
            guard above > 0 else { continue }
            x += above * (Double(index % width) + 0.5)
            y += above * (Double(index / width) + 0.5)
            total += above
        }
        return total > 0 ? (x / total / Double(width), y / total / Double(height)) : (0.5, 0.5)
    }

    /// The picture in grey, under colours from dark blue where the map is lowest to pale yellow where it is highest.
    ///
    /// - Throws: `ImageError.invalidSize` for a picture of another size.
    public func laid(over picture: Picture) throws -> Picture {
        guard picture.width == width, picture.height == height, values.count == width * height else {
            throw ImageError.invalidSize(
                "a map of \(width)×\(height) over a picture of \(picture.width)×\(picture.height)")
        }
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        let own = picture.rgb.pixels
        var pixels = [UInt8](repeating: 0, count: 3 * values.count)
        for (index, value) in values.enumerated() {
            let colour = Self.colour(high > low ? (value - low) / (high - low) : 0)
            let (red, green, blue) = (Float(own[3 * index]), Float(own[3 * index + 1]), Float(own[3 * index + 2]))
            let grey = 0.299 * red + 0.587 * green + 0.114 * blue
            for channel in 0..<3 {
                let mixed = grey * (1 - Self.cover) + colour[channel] * Self.cover
                pixels[3 * index + channel] = UInt8(max(0, min(255, mixed.rounded())))
            }
        }
        return try Picture(width: width, height: height, channels: 3, pixels: pixels)
    }

    private static let cover: Float = 0.62
    /// Lighter with every step, so that also who sees no colours sees the order.
    private static let stops: [[Float]] = [[12, 8, 60], [110, 20, 110], [205, 60, 70], [250, 150, 40], [252, 250, 170]]

    /// - Parameter heat: 0…1.
    private static func colour(_ heat: Float) -> [Float] {
        let place = max(0, min(1, heat)) * Float(stops.count - 1)
        let below = min(stops.count - 2, Int(place))
        let share = place - Float(below)
        return zip(stops[below], stops[below + 1]).map { $0 + ($1 - $0) * share }
    }
}
