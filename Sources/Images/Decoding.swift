internal import CImages
public import Foundation

extension Picture {
    /// The number of pixels above which a file is refused unless the caller says otherwise.
    public static let defaultMaximumPixels = 100_000_000

    /// Decodes a PNG, JPEG or WebP file, whatever its name ends in.
    ///
    /// Grey, palette, 16-bit, interlaced and CMYK files become RGB; files with transparency become RGBA. The
    /// orientation a camera wrote (EXIF) is applied. Colour profiles are not: the numbers are taken as sRGB. Of an
    /// animation, the first frame is taken.
    ///
    /// - Parameters:
    ///   - name: what errors call the file.
    ///   - maximumPixels: a larger picture is refused before memory is taken for it; so is one that claims more
    ///     pixels than its bytes could hold.
    /// - Throws: `ImageError.unknownFormat`, `.damaged` or `.tooLarge`. A truncated file is damaged: no half
    ///   pictures come back.
    public init(
        decoding bytes: some ContiguousBytes, name: String = "picture", maximumPixels: Int = defaultMaximumPixels
    ) throws(ImageError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ImageError) in try decode(buffer, name: name, maximumPixels: maximumPixels) }
        }
        self = try result.get()
    }

    /// Reads and decodes the file at `path`; see ``init(decoding:name:maximumPixels:)``.
    public init(path: String, maximumPixels: Int = defaultMaximumPixels) throws(ImageError) {
        try self.init(decoding: try readFile(path), name: path, maximumPixels: maximumPixels)
    }

    /// Reads and decodes a file; see ``init(decoding:name:maximumPixels:)``.
    public init(contentsOf url: URL, maximumPixels: Int = defaultMaximumPixels) throws(ImageError) {
        guard url.isFileURL else { throw .unreadable("\(url): only files can be read, not addresses") }
        try self.init(path: url.path, maximumPixels: maximumPixels)
    }
}

private func decode(
    _ bytes: UnsafeRawBufferPointer, name: String, maximumPixels: Int
) throws(ImageError) -> Picture {
    guard let format = ImageFormat(signature: bytes.prefix(12)),
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    else { throw .unknownFormat(file: name) }
    let codec = Codec(format)

    var size = moonlit_image_size()
    var message = moonlit_image_message()
    guard codec.probe(start, bytes.count, &size, &message) else {
        throw .damaged(file: name, format: format, reason: message.string)
    }
    let (width, height, channels) = (Int(size.width), Int(size.height), Int(size.channels))
    guard let count = byteCount(width: width, height: height, channels: channels) else {
        throw .damaged(file: name, format: format, reason: "it claims \(width)×\(height) pixels")
    }
    guard width * height <= maximumPixels else {
        throw .tooLarge(file: name, width: width, height: height, maximumPixels: maximumPixels)
    }

    var decoded = false
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        guard let target = buffer.baseAddress else { return }
        decoded = codec.decode(start, bytes.count, size, target, &message)
        initialized = decoded ? count : 0
    }
    guard decoded else { throw .damaged(file: name, format: format, reason: message.string) }
    let picture = try Picture(width: width, height: height, channels: channels, pixels: pixels)
    return picture.oriented(Orientation(exifOf: bytes, format: format))
}

/// The two functions a format is read by.
private struct Codec {
    typealias Probe = (
        UnsafePointer<UInt8>, Int, UnsafeMutablePointer<moonlit_image_size>,
        UnsafeMutablePointer<moonlit_image_message>
    ) -> Bool
    typealias Decode = (
        UnsafePointer<UInt8>, Int, moonlit_image_size, UnsafeMutablePointer<UInt8>,
        UnsafeMutablePointer<moonlit_image_message>
    ) -> Bool

    let probe: Probe
    let decode: Decode

    init(_ format: ImageFormat) {
        switch format {
        case .png: (probe, decode) = (moonlit_png_probe, moonlit_png_decode)
        case .jpeg: (probe, decode) = (moonlit_jpeg_probe, moonlit_jpeg_decode)
        case .webp: (probe, decode) = (moonlit_webp_probe, moonlit_webp_decode)
        }
    }
}

extension moonlit_image_message {
    var string: String {
        withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
