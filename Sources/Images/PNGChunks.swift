/// The chunks of a PNG file in order, up to `IEND` or the first that does not fit (PNG specification, 5.3).
///
/// Checksums are not looked at: libpng does so where the pixels depend on them.
struct PNGChunks: Sequence, IteratorProtocol {
    struct Chunk {
        let type: String
        let payload: UnsafeRawBufferPointer
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 8

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Whether the walk came to the file's end, or stopped where bytes were missing.
    private(set) var isComplete = false

    mutating func next() -> Chunk? {
        guard !isComplete, position + 12 <= bytes.count else { return nil }
        let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[position + $1]) }
        guard length <= bytes.count - position - 12 else { return nil }
        let type = String(decoding: bytes[(position + 4)..<(position + 8)], as: UTF8.self)
        let start = position + 8
        position = start + length + 4
        isComplete = type == "IEND"
        return Chunk(type: type, payload: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))
    }
}
