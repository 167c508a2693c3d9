internal import CImages
public import Foundation

/// One entry of the text a PNG file carries beside its pixels.
public struct PNGText: Sendable, Equatable {
    /// 1 to 79 characters of Latin-1, such as `parameters` or `Software`.
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    /// The texts of a PNG file (`tEXt`, `zTXt`, `iTXt`), in the file's order.
    ///
    /// - Throws: `ImageError.unknownFormat` if it is no PNG file; `.damaged` if it is cut off or a text is.
    public static func read(from bytes: some ContiguousBytes, name: String = "picture") throws(ImageError) -> [PNGText] {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ImageError) in try texts(in: buffer, name: name) }
        }
        return try result.get()
    }

    /// The texts of the PNG file at `path`.
    public static func read(path: String) throws(ImageError) -> [PNGText] {
        try read(from: try readFile(path), name: path)
    }
}

/// The compressed texts of a file may grow to this, all together, and no further.
private let maximumInflatedTexts = 16 << 20

private func texts(in bytes: UnsafeRawBufferPointer, name: String) throws(ImageError) -> [PNGText] {
    guard ImageFormat(signature: bytes.prefix(12)) == .png else { throw .unknownFormat(file: name) }
    var found: [PNGText] = []
    var room = maximumInflatedTexts
    var chunks = PNGChunks(bytes)
    while let chunk = chunks.next() {
        do {
            switch chunk.type {
            case "tEXt": found.append(try plainText(chunk.payload))
            case "zTXt": found.append(try compressedText(chunk.payload, &room))
            case "iTXt": found.append(try internationalText(chunk.payload, &room))
            default: break
            }
        } catch {
            throw .damaged(file: name, format: .png, reason: "text chunk \(found.count + 1): \(error.reason)")
        }
    }
    guard chunks.isComplete else { throw .damaged(file: name, format: .png, reason: "the file ends too early") }
    return found
}

private struct TextError: Error {
    let reason: String
}

/// Splits at the first zero byte.
private func split(_ bytes: Slice<UnsafeRawBufferPointer>) throws(TextError) -> (
    Slice<UnsafeRawBufferPointer>, Slice<UnsafeRawBufferPointer>
) {
    guard let zero = bytes.firstIndex(of: 0) else { throw TextError(reason: "no end of its keyword") }
    return (bytes[..<zero], bytes[(zero + 1)...])
}

private func plainText(_ payload: UnsafeRawBufferPointer) throws(TextError) -> PNGText {
    let (key, value) = try split(payload[...])
    return PNGText(latin1(key), latin1(value))
}

private func compressedText(_ payload: UnsafeRawBufferPointer, _ room: inout Int) throws(TextError) -> PNGText {
    let (key, rest) = try split(payload[...])
    guard rest.first == 0 else { throw TextError(reason: "an unknown compression") }
    return PNGText(latin1(key), latin1(try inflated(rest.dropFirst(), &room)))
}

private func internationalText(_ payload: UnsafeRawBufferPointer, _ room: inout Int) throws(TextError) -> PNGText {
    let (key, rest) = try split(payload[...])
    guard rest.count >= 2 else { throw TextError(reason: "it ends too early") }
    let (compressed, method) = (rest[rest.startIndex], rest[rest.startIndex + 1])
    let (_, afterLanguage) = try split(rest.dropFirst(2))
    let (_, value) = try split(afterLanguage)
    guard compressed == 0 || (compressed == 1 && method == 0) else {
        throw TextError(reason: "an unknown compression")
    }
    let text = compressed == 0 ? Array(value) : try inflated(value, &room)
    return PNGText(latin1(key), String(decoding: text, as: UTF8.self))
}

/// - Parameter room: bytes that the file's texts may still grow to; lessened by this one's.
private func inflated(_ bytes: Slice<UnsafeRawBufferPointer>, _ room: inout Int) throws(TextError) -> [UInt8] {
    let source = UnsafeRawBufferPointer(rebasing: bytes)
    var result = moonlit_image_buffer()
    var message = moonlit_image_message()
    guard let start = source.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
        throw TextError(reason: "compressed text is damaged")
    }
    guard moonlit_image_inflate(start, source.count, maximumInflatedTexts, &result, &message) else {
        throw TextError(reason: message.string)
    }
    defer { moonlit_image_free(result) }
    guard result.count <= room else {
        throw TextError(reason: "compressed texts of more than \(maximumInflatedTexts) bytes together")
    }
    room -= result.count
    return Array(UnsafeBufferPointer(start: result.bytes, count: result.count))
}

private func latin1(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
    return String(text)
}

extension PNGText {
    /// The chunk's type, length and payload: `tEXt` where Latin-1 holds the text, `iTXt` otherwise.
    func chunk() throws(ImageError) -> [UInt8] {
        guard let keyword = bytesInLatin1(key), (1...79).contains(keyword.count), !keyword.contains(where: { $0 < 32 }),
            key.first != " ", key.last != " "
        else {
            throw .unwritable("PNG text key “\(key)”: 1 to 79 Latin-1 characters without outer spaces are allowed")
        }
        guard !value.utf8.contains(0) else { throw .unwritable("PNG text “\(key)” contains a zero byte") }
        let (type, payload): (String, [UInt8])
        if let plain = bytesInLatin1(value) {
            (type, payload) = ("tEXt", keyword + [0] + plain)
        } else {
            // Uncompressed, no language, no translated keyword.
            (type, payload) = ("iTXt", keyword + [0, 0, 0, 0, 0] + Array(value.utf8))
        }
        guard payload.count < 0x7fff_ffff else { throw .unwritable("PNG text “\(key)” is too long") }
        let length = (0..<4).map { UInt8(truncatingIfNeeded: payload.count >> (24 - 8 * $0)) }
        return Array(type.utf8) + length + payload
    }
}

private func bytesInLatin1(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
        guard scalar.value < 256 else { return nil }
        bytes.append(UInt8(scalar.value))
    }
    return bytes
}
