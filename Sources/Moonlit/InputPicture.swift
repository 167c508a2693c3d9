import Foundation
public import Images

/// A picture that a request begins with: its pixels, and what tells it from others.
public struct InputPicture: Sendable, Hashable, Codable {
    public let width: Int
    public let height: Int
    /// Rows of red, green and blue.
    public let pixels: [UInt8]
    /// What a PNG says of it.
    public let record: Record

    /// Where a picture was and what it held.
    public struct Record: Sendable, Hashable, Codable {
        /// nil: it came from no file.
        public var path: String?
        /// SHA-256 of the file, or of the pixels where there was none, in hexadecimal.
        public var sha256: String
    }

    /// Reads a PNG, JPEG or WebP file; transparency lies on white.
    /// - Throws: `ImageError`, naming the file.
    public init(path: String) throws {
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            // The decoder says best what is wrong with a file.
            _ = try Picture(path: path)
            throw error
        }
        try self.init(Picture(path: path), record: Record(path: path, sha256: SHA256.hexadecimal(data)))
    }

    /// A picture that came from no file.
    public init(_ picture: Picture) throws {
        try self.init(picture, record: Record(path: nil, sha256: SHA256.hexadecimal(picture.pixels)))
    }

    /// - Throws: `DecodingError`, or `ImageError.invalidSize` where sizes and pixels do not agree.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let picture = try Picture(
            width: values.decode(Int.self, forKey: .width), height: values.decode(Int.self, forKey: .height),
            channels: 3, pixels: values.decode([UInt8].self, forKey: .pixels))
        try self.init(picture, record: values.decode(Record.self, forKey: .record))
    }

    private init(_ picture: Picture, record: Record) throws {
        let rgb = picture.composited(over: .white)
        width = rgb.width
        height = rgb.height
        pixels = rgb.channels == 3 ? rgb.pixels : rgb.pixels.flatMap { [$0, $0, $0] }
        self.record = record
    }

    /// The same as a `Picture`, RGB.
    public func picture() throws -> Picture { try Picture(width: width, height: height, channels: 3, pixels: pixels) }
}
