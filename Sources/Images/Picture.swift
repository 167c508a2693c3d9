/// A picture in memory: rows from the top, pixels from the left, channels interleaved, eight bits each, sRGB.
///
/// `pixels.count == width * height * channels`, where `channels` is 3 (RGB) or 4 (RGBA, alpha not premultiplied).
public struct Picture: Sendable, Equatable {
    public let width: Int
    public let height: Int
    public let channels: Int
    public package(set) var pixels: [UInt8] {
        didSet { precondition(pixels.count == width * height * channels, "a picture's number of bytes is fixed") }
    }

    /// - Throws: `ImageError.invalidSize` where the sizes and the number of bytes do not agree.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(ImageError) {
        guard channels == 3 || channels == 4,
            byteCount(width: width, height: height, channels: channels) == pixels.count
        else { throw .invalidSize("\(width)×\(height)×\(channels) from \(pixels.count) bytes") }
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// A picture of one colour, without alpha.
    public init(width: Int, height: Int, filled colour: Colour) throws(ImageError) {
        guard let count = byteCount(width: width, height: height, channels: 3) else {
            throw .invalidSize("\(width)×\(height)")
        }
        self.width = width
        self.height = height
        channels = 3
        pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for start in stride(from: 0, to: count, by: 3) {
                buffer[start] = colour.red
                buffer[start + 1] = colour.green
                buffer[start + 2] = colour.blue
            }
            initialized = count
        }
    }

    /// For makers of pictures whose sizes are known to be right. `fill` must write every byte.
    init(width: Int, height: Int, channels: Int, filling fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        self.width = width
        self.height = height
        self.channels = channels
        let count = width * height * channels
        pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    public var hasAlpha: Bool { channels == 4 }
}

/// A colour, sRGB.
public struct Colour: Sendable, Hashable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public init(grey: UInt8) { self.init(red: grey, green: grey, blue: grey) }

    public static let white = Colour(grey: 255)
    public static let black = Colour(grey: 0)
}

/// The bytes of a picture, or nil where a side is not positive or the product is beyond 2⁴⁰.
func byteCount(width: Int, height: Int, channels: Int) -> Int? {
    guard width > 0, height > 0, channels > 0 else { return nil }
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, area <= (1 << 40) / channels else { return nil }
    return area * channels
}
