/// The records of a zip archive that are stored as they are, as `torch.save` writes them, with zip64's large sizes.
///
/// Source: PKWARE's APPNOTE.TXT 6.3. Checksums are not looked at: PyTorch itself may leave them out, and they would
/// cost a reading of every weight.
struct ZipDirectory {
    /// In the order of the directory.
    private(set) var names: [String] = []
    private var records: [String: Result<Range<Int>, TensorFileError>] = [:]

    /// - Throws: `TensorFileError`, `unsupported` for split archives.
    init(file: String, bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
        var directory = try Self.directory(file: file, bytes: bytes)
        for _ in 0..<directory.count {
            let start = directory.reader.position
            let entry = try CentralEntry(&directory.reader)
            let record =
                if let obstacle = entry.obstacle {
                    Result<Range<Int>, TensorFileError>.failure(obstacle)
                } else {
                    Result<Range<Int>, TensorFileError>.success(try entry.record(file: file, bytes: bytes))
                }
            guard records.updateValue(record, forKey: entry.name) == nil else {
                throw TensorFileError(
                    .damaged, file: file, at: start, "its zip directory has \(printable(entry.name)) twice")
            }
            names.append(entry.name)
        }
    }

    /// The bytes of the file that hold a record; nil where there is none of the name.
    /// - Throws: `TensorFileError` of kind `unsupported` for an encrypted or compressed record.
    func record(_ name: String) throws(TensorFileError) -> Range<Int>? { try records[name]?.get() }

    /// Finds the directory by the record at the file's end.
    private static func directory(
        file: String, bytes: UnsafeRawBufferPointer
    ) throws(TensorFileError) -> (reader: ByteReader, count: Int) {
        guard let end = endOfDirectory(bytes) else {
            throw TensorFileError(
                .damaged, file: file, "is a zip archive without its directory",
                expected: "an end-of-directory record; the file may be cut short")
        }
        var reader = ByteReader(file: file, bytes: bytes, range: end + 4..<bytes.count)
        let disks = (try reader.number(UInt16.self), try reader.number(UInt16.self))
        _ = try reader.number(UInt16.self)
        var count = UInt64(try reader.number(UInt16.self))
        var size = UInt64(try reader.number(UInt32.self))
        var offset = UInt64(try reader.number(UInt32.self))
        var split = disks != (0, 0) && disks != (.max, .max)
        if end >= 20, signature(bytes, at: end - 20) == 0x0706_4B50 {
            reader = ByteReader(file: file, bytes: bytes, range: end - 16..<end)
            _ = try reader.number(UInt32.self)
            let place = try reader.number(UInt64.self)
            guard let place = Int(exactly: place), place <= end - 76, signature(bytes, at: place) == 0x0606_4B50 else {
                throw TensorFileError(
                    .damaged, file: file, at: end - 20, "its zip64 locator points to byte \(place)",
                    expected: "a zip64 end-of-directory record")
            }
            reader = ByteReader(file: file, bytes: bytes, range: place + 16..<end)
            split = (try reader.number(UInt32.self), try reader.number(UInt32.self)) != (0, 0)
            _ = try reader.number(UInt64.self)
            count = try reader.number(UInt64.self)
            size = try reader.number(UInt64.self)
            offset = try reader.number(UInt64.self)
        }
        guard !split else {
            throw TensorFileError(.unsupported, file: file, at: end, "is one part of a split zip archive")
        }
        guard offset <= UInt64(end), size <= UInt64(end) - offset, count <= size / 46 else {
            throw TensorFileError(
                .damaged, file: file, at: end,
                "its zip directory of \(count) records claims \(size) bytes at \(offset)",
                expected: "a directory that ends before byte \(end)")
        }
        let range = Int(offset)..<Int(offset + size)
        return (ByteReader(file: file, bytes: bytes, range: range), Int(count))
    }

    /// The last end-of-directory record whose comment reaches the end of the file.
    private static func endOfDirectory(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 22 else { return nil }
        for start in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 65_535), by: -1)
        where signature(bytes, at: start) == 0x0605_4B50 {
            let comment = bytes.loadUnaligned(fromByteOffset: start + 20, as: UInt16.self)
            if start + 22 + Int(UInt16(littleEndian: comment)) == bytes.count { return start }
        }
        return nil
    }

    fileprivate static func signature(_ bytes: UnsafeRawBufferPointer, at place: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }
}

/// One line of the directory.
private struct CentralEntry {
    let name: String
    /// Why the record cannot be read, though the archive may be sound.
    let obstacle: TensorFileError?
    private let start: Int
    private let size: UInt64
    private let place: UInt64

    init(_ reader: inout ByteReader) throws(TensorFileError) {
        start = reader.position
        guard try reader.number(UInt32.self) == 0x0201_4B50 else {
            throw TensorFileError(.damaged, file: reader.file, at: start, "its zip directory lacks a record's mark")
        }
        _ = try reader.take(4)
        let flags = try reader.number(UInt16.self)
        let method = try reader.number(UInt16.self)
        _ = try reader.take(8)
        var packed = UInt64(try reader.number(UInt32.self))
        var size = UInt64(try reader.number(UInt32.self))
        let nameLength = try reader.number(UInt16.self)
        let extraLength = try reader.number(UInt16.self)
        let commentLength = try reader.number(UInt16.self)
        _ = try reader.take(8)
        var place = UInt64(try reader.number(UInt32.self))
        name = reader.text(try reader.take(Int(nameLength)))
        var extra = ByteReader(file: reader.file, bytes: reader.bytes, range: try reader.take(Int(extraLength)))
        _ = try reader.take(Int(commentLength))
        while extra.remaining >= 4 {
            let kind = try extra.number(UInt16.self)
            let field = try extra.take(Int(try extra.number(UInt16.self)))
            guard kind == 1 else { continue }
            var large = ByteReader(file: reader.file, bytes: reader.bytes, range: field)
            if size == UInt32.max { size = try large.number(UInt64.self) }
            if packed == UInt32.max { packed = try large.number(UInt64.self) }
            if place == UInt32.max { place = try large.number(UInt64.self) }
        }
        obstacle =
            if flags & 0x2041 != 0 {
                TensorFileError(
                    .unsupported, file: reader.file, at: start, "its record \(printable(name)) is encrypted")
            } else if method != 0 {
                TensorFileError(
                    .unsupported, file: reader.file, at: start, "its record \(printable(name)) is compressed",
                    expected: "records stored as they are, as torch.save writes them")
            } else {
                nil
            }
        guard packed == size || obstacle != nil else {
            throw TensorFileError(
                .damaged, file: reader.file, at: start, "its record \(printable(name)) has two sizes",
                expected: "\(size) bytes, not \(packed)")
        }
        self.size = size
        self.place = place
    }

    /// Where the record's bytes are, past its local header.
    func record(file: String, bytes: UnsafeRawBufferPointer) throws(TensorFileError) -> Range<Int> {
        guard let place = Int(exactly: place), place <= bytes.count - 30,
            ZipDirectory.signature(bytes, at: place) == 0x0403_4B50
        else {
            throw TensorFileError(
                .damaged, file: file, at: start, "its zip directory places \(printable(name)) at byte \(place)",
                expected: "a record there")
        }
        var reader = ByteReader(file: file, bytes: bytes, range: place + 26..<bytes.count)
        let lengths = (Int(try reader.number(UInt16.self)), Int(try reader.number(UInt16.self)))
        _ = try reader.take(lengths.0 + lengths.1)
        guard let size = Int(exactly: size), size <= reader.remaining else {
            throw TensorFileError(
                .damaged, file: file, at: place, "its record \(printable(name)) claims \(size) bytes",
                expected: "at most \(reader.remaining), what is left of the file")
        }
        return try reader.take(size)
    }
}
