/// By how much two pictures of one size differ, in steps of 255.
public struct PictureDifference: Sendable, Equatable {
    /// The largest difference of any sample.
    public let maximum: Int
    /// The mean difference of all samples.
    public let mean: Double
    /// Pixels of which any sample differs.
    public let differing: Int
    public let pixels: Int

    /// - Throws: `ImageError.invalidSize` where sizes or channels differ.
    public init(_ one: Picture, _ other: Picture) throws(ImageError) {
        guard one.width == other.width, one.height == other.height, one.channels == other.channels else {
            throw .invalidSize(
                "pictures of \(one.width)×\(one.height)×\(one.channels) and "
                    + "\(other.width)×\(other.height)×\(other.channels) cannot be compared")
        }
        var (maximum, sum, differing) = (0, 0, 0)
        for pixel in 0..<one.width * one.height {
            var largest = 0
            for sample in pixel * one.channels..<(pixel + 1) * one.channels {
                let difference = abs(Int(one.pixels[sample]) - Int(other.pixels[sample]))
                sum += difference
                largest = max(largest, difference)
            }
            maximum = max(maximum, largest)
            if largest > 0 { differing += 1 }
        }
        self.maximum = maximum
        mean = Double(sum) / Double(max(one.pixels.count, 1))
        self.differing = differing
        pixels = one.width * one.height
    }
}
