/// How a stored picture is to be turned to stand upright; EXIF's tag 0x0112 (CIPA DC-008, 4.6.4).
///
/// The names say where the stored row 0 and column 0 belong.
enum Orientation: UInt16 {
    case topLeft = 1
    case topRight, bottomRight, bottomLeft, leftTop, rightTop, rightBottom, leftBottom

    /// Rows and columns change places.
    var transposes: Bool { rawValue >= Orientation.leftTop.rawValue }
}

extension Picture {
    /// The picture upright, given how it was stored.
    func oriented(_ orientation: Orientation) -> Picture {
        guard orientation != .topLeft else { return self }
        let (stored, channels) = (self, channels)
        let (lastX, lastY) = (width - 1, height - 1)
        return Picture(
            width: orientation.transposes ? height : width, height: orientation.transposes ? width : height,
            channels: channels
        ) { target in
            stored.pixels.withUnsafeBufferPointer { source in
                var at = 0
                for y in 0..<(orientation.transposes ? stored.width : stored.height) {
                    for x in 0..<(orientation.transposes ? stored.height : stored.width) {
                        let (fromX, fromY) =
                            switch orientation {
                            case .topLeft: (x, y)
                            case .topRight: (lastX - x, y)
                            case .bottomRight: (lastX - x, lastY - y)
                            case .bottomLeft: (x, lastY - y)
                            case .leftTop: (y, x)
                            case .rightTop: (y, lastY - x)
                            case .rightBottom: (lastX - y, lastY - x)
                            case .leftBottom: (lastX - y, x)
                            }
                        let from = (fromY * stored.width + fromX) * channels
                        for channel in 0..<channels { target[at + channel] = source[from + channel] }
                        at += channels
                    }
                }
            }
        }
    }
}

extension Orientation {
    /// The orientation a file's EXIF block gives; `.topLeft` where there is none or it makes no sense.
    init(exifOf bytes: UnsafeRawBufferPointer, format: ImageFormat) {
        let exif =
            switch format {
            case .png: PNGChunks(bytes).first { $0.type == "eXIf" }?.payload
            case .jpeg: exifInJPEG(bytes)
            case .webp: exifInWebP(bytes)
            }
        self = exif.flatMap(Orientation.init(exif:)) ?? .topLeft
    }

    /// Reads the tag from the first directory of a TIFF block.
    private init?(exif: UnsafeRawBufferPointer) {
        // WebP and PNG writers sometimes keep JPEG's prefix.
        let prefix = Array("Exif\0\0".utf8)
        let tiff = exif.starts(with: prefix) ? UnsafeRawBufferPointer(rebasing: exif.dropFirst(6)) : exif
        let little: Bool
        switch tiff.prefix(4).map({ $0 }) {
        case [0x49, 0x49, 0x2A, 0]: little = true
        case [0x4D, 0x4D, 0, 0x2A]: little = false
        default: return nil
        }
        func short(_ at: Int) -> Int? {
            guard at >= 0, at + 2 <= tiff.count else { return nil }
            return little ? Int(tiff[at]) | Int(tiff[at + 1]) << 8 : Int(tiff[at]) << 8 | Int(tiff[at + 1])
        }
        func long(_ at: Int) -> Int? {
            guard let first = short(at), let second = short(at + 2) else { return nil }
            return little ? first | second << 16 : first << 16 | second
        }
        guard let directory = long(4), let entries = short(directory) else { return nil }
        for entry in 0..<entries {
            let at = directory + 2 + entry * 12
            guard let tag = short(at) else { return nil }
            // One value of type SHORT stands in the first half of the value field.
            if tag == 0x0112, short(at + 2) == 3, long(at + 4) == 1, let value = short(at + 8) {
                self.init(rawValue: UInt16(value))
                return
            }
        }
        return nil
    }
}

/// The APP1 segment that begins `Exif\0\0`, without that prefix.
private func exifInJPEG(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let prefix = Array("Exif\0\0".utf8)
    var at = 2
    while at + 4 <= bytes.count, bytes[at] == 0xFF {
        let marker = bytes[at + 1]
        if marker == 0xFF {  // a fill byte
            at += 1
            continue
        }
        if marker == 0xDA || marker == 0xD9 { return nil }
        let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
        guard length >= 2, at + 2 + length <= bytes.count else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[(at + 4)..<(at + 2 + length)])
        if marker == 0xE1, payload.starts(with: prefix) {
            return UnsafeRawBufferPointer(rebasing: payload.dropFirst(prefix.count))
        }
        at += 2 + length
    }
    return nil
}

/// The RIFF chunk `EXIF`.
private func exifInWebP(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var at = 12
    while at + 8 <= bytes.count {
        let length = (0..<4).reduce(0) { $0 | Int(bytes[at + 4 + $1]) << (8 * $1) }
        guard length <= bytes.count - at - 8 else { return nil }
        if bytes[at..<(at + 4)].elementsEqual("EXIF".utf8) {
            return UnsafeRawBufferPointer(rebasing: bytes[(at + 8)..<(at + 8 + length)])
        }
        at += 8 + length + length % 2
    }
    return nil
}
