/// A picture in memory: rows from the top, pixels from the left, channels interleaved, eight bits each, sRGB.
///
/// `pixels.count == width * height * channels`, where `channels` is 3 (RGB) or 4 (RGBA, alpha not premultiplied).
public struct Picture: Sendable, Equatable {
    public let width: Int
    public let height: Int
    public let channels: Int
    public var pixels: [UInt8]

    /// - Throws: `ImageError.invalidSize` where the sizes and the number of bytes do not agree.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(ImageError) {
        guard width > 0, height > 0, channels == 3 || channels == 4,
            pixels.count == width * height * channels
        else { throw .invalidSize("\(width)×\(height)×\(channels) from \(pixels.count) bytes") }
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}

/// What can go wrong with a picture; every message names the file where there is one.
public enum ImageError: Error, Equatable, CustomStringConvertible {
    case invalidSize(String)
    case unreadable(String)
    case unwritable(String)

    public var description: String {
        switch self {
        case .invalidSize(let detail): "a picture of impossible size: \(detail)"
        case .unreadable(let detail): detail
        case .unwritable(let detail): detail
        }
    }
}
