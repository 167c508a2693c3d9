internal import CImages

/// How hard zlib tries; the pixels are the same.
public enum PNGCompression: Int32, Sendable {
    case none = 0
    case fast = 1
    case standard = 6
    case best = 9
}

extension Picture {
    /// The picture as a PNG file, with `texts` before its pixels in the order given.
    ///
    /// - Throws: `ImageError.unwritable` where a text's key is not one PNG allows.
    public func pngData(
        texts: [PNGText] = [], compression: PNGCompression = .standard
    ) throws(ImageError) -> [UInt8] {
        var chunks: [UInt8] = []
        for text in texts { chunks += try text.chunk() }
        return try encoded(.png) { pixels, size, result, message in
            moonlit_png_encode(pixels, size, compression.rawValue, chunks, chunks.count, result, message)
        }
    }

    /// The picture as a JPEG file; transparency is laid over `ground`.
    ///
    /// - Parameter quality: 1 to 100; from 90 upwards colour is kept at full resolution.
    /// - Throws: `ImageError.unwritable` for a side longer than the format's largest.
    public func jpegData(quality: Int = 92, ground: Colour = .white) throws(ImageError) -> [UInt8] {
        let quality = Swift.min(Swift.max(quality, 1), 100)
        return try composited(over: ground).encoded(.jpeg) { pixels, size, result, message in
            moonlit_jpeg_encode(pixels, size, Int32(quality), quality < 90, result, message)
        }
    }

    /// The picture as a WebP file: lossless where `quality` is nil, else 0 to 100.
    ///
    /// - Throws: `ImageError.unwritable` for a side longer than the format's largest.
    public func webpData(quality: Float? = nil) throws(ImageError) -> [UInt8] {
        let lossy = Swift.min(Swift.max(quality ?? 0, 0), 100)
        return try encoded(.webp) { pixels, size, result, message in
            moonlit_webp_encode(pixels, size, lossy, quality == nil, result, message)
        }
    }

    /// Writes the picture in the format `path` ends in, atomically: the file is either the old one or all of the new.
    ///
    /// - Throws: `ImageError.unwritable`, with what the system said, or where the format holds no picture so large.
    public func write(to path: String, texts: [PNGText] = []) throws(ImageError) {
        let bytes: [UInt8]
        switch ImageFormat(fileName: path) {
        case .png: bytes = try pngData(texts: texts)
        case .jpeg: bytes = try jpegData()
        case .webp: bytes = try webpData()
        case nil: throw .unwritable("\(path): its name must end in .png, .jpg or .webp")
        }
        try writeFile(bytes, to: path)
    }

    private typealias Encoder = (
        UnsafePointer<UInt8>?, moonlit_image_size, UnsafeMutablePointer<moonlit_image_buffer>,
        UnsafeMutablePointer<moonlit_image_message>
    ) -> Bool

    private func encoded(_ format: ImageFormat, by encode: Encoder) throws(ImageError) -> [UInt8] {
        guard let width = UInt32(exactly: width), let height = UInt32(exactly: height),
            pixels.count == self.width * self.height * channels
        else { throw .invalidSize("\(width)×\(height)×\(channels) from \(pixels.count) bytes") }
        guard format.holds(width: self.width, height: self.height) else {
            throw .unwritable(
                "cannot encode \(width)×\(height) pixels as \(format.rawValue): "
                    + "it holds at most \(format.largestSide) a side")
        }
        let size = moonlit_image_size(width: width, height: height, channels: UInt32(channels))
        var result = moonlit_image_buffer()
        var message = moonlit_image_message()
        guard pixels.withUnsafeBufferPointer({ encode($0.baseAddress, size, &result, &message) }) else {
            throw .unwritable("cannot encode \(width)×\(height) pixels as \(format.rawValue): \(message.string)")
        }
        defer { moonlit_image_free(result) }
        return Array(UnsafeBufferPointer(start: result.bytes, count: result.count))
    }
}
