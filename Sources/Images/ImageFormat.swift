/// The formats read and written here, told apart by a file's first bytes, never by its name.
public enum ImageFormat: String, Sendable, CaseIterable {
    case png = "PNG"
    case jpeg = "JPEG"
    case webp = "WebP"

    /// The format whose signature `bytes` begin with.
    public init?(signature bytes: some Sequence<UInt8>) {
        let head = Array(bytes.prefix(12))
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if head.count == 12, head.starts(with: Array("RIFF".utf8)), head[8...].elementsEqual("WEBP".utf8) {
            self = .webp
        } else {
            return nil
        }
    }

    /// The format a file of this name is to be written in: `png`, `jpg`, `jpeg` or `webp`, in any case.
    public init?(fileName: String) {
        guard let dot = fileName.lastIndex(of: ".") else { return nil }
        switch fileName[fileName.index(after: dot)...].lowercased() {
        case "png": self = .png
        case "jpg", "jpeg": self = .jpeg
        case "webp": self = .webp
        default: return nil
        }
    }

    /// The longest side, in pixels, that a file of this format is written with.
    public var largestSide: Int {
        switch self {
        case .png: Int(Int32.max)
        // libjpeg's; sixteen bits would hold 35 more.
        case .jpeg: 65_500
        case .webp: 16_383
        }
    }

    /// Whether a picture of this size, in pixels, can be written in this format.
    public func holds(width: Int, height: Int) -> Bool { max(width, height) <= largestSide }
}
