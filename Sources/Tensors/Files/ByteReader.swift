/// Takes little-endian numbers and pieces off a file's bytes, never past the end.
struct ByteReader {
    let file: String
    let bytes: UnsafeRawBufferPointer
    /// The place in the file of the next byte.
    private(set) var position: Int
    /// Where reading ends.
    let limit: Int

    /// - Parameters:
    ///   - bytes: the whole file; must outlive the reader.
    ///   - range: the part to read.
    init(file: String, bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        let range = range.clamped(to: 0..<bytes.count)
        self.file = file
        self.bytes = bytes
        position = range.lowerBound
        limit = range.upperBound
    }

    var remaining: Int { limit - position }

    mutating func take(_ count: Int) throws(TensorFileError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw damaged("ends too early", expected: "\(count) more bytes, where \(remaining) are left")
        }
        defer { position += count }
        return position..<position + count
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(TensorFileError) -> Number {
        let range = try take(MemoryLayout<Number>.size)
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: type))
    }

    /// A count or length that 64 unsigned bits hold, held to what is left of the file.
    mutating func length<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type
    ) throws(TensorFileError) -> Int {
        let start = position
        let value = try number(type)
        guard let count = Int(exactly: value), count <= remaining else {
            throw TensorFileError(
                .damaged, file: file, at: start, "a length of \(value) bytes",
                expected: "at most \(remaining), what is left")
        }
        return count
    }

    /// The bytes up to the next newline, which is taken too.
    mutating func line() throws(TensorFileError) -> Range<Int> {
        let start = position
        while position < limit {
            position += 1
            if bytes[position - 1] == 0x0A { return start..<position - 1 }
        }
        throw damaged("ends within a line")
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func damaged(_ problem: String, expected: String? = nil) -> TensorFileError {
        TensorFileError(.damaged, file: file, at: position, problem, expected: expected)
    }
}
