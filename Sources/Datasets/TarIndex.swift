/// Where the files in a tar archive lie: POSIX ustar and pax (IEEE Std 1003.1, "pax"), GNU's long names and large sizes,
/// and the old format without a magic, which the checksum alone recognises.
///
/// Only regular files are listed; folders, links and devices are passed over. Every header's checksum must agree, every
/// size must fit the file, and the archive must end with a block of zeros: a truncated one is an error, not a shorter set.
package struct TarIndex: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var offset: UInt64
        package var size: Int
    }

    package private(set) var entries: [Entry] = []

    /// Names and pax records longer than this are refused.
    private static let longest = 1 << 16
    private static let block: UInt64 = 512

    package init(path: String) throws(DatasetError) {
        try self.init(RandomAccessFile(path: path))
    }

    init(_ file: RandomAccessFile) throws(DatasetError) {
        var at: UInt64 = 0
        var longName: String?
        var records: [String: String] = [:]
        while true {
            guard file.size - at >= Self.block else {
                throw .malformed(
                    file.path, place: "byte \(at)", reason: "the archive ends without a block of zeros: it is truncated"
                )
            }
            let header = TarHeader(bytes: try file.read(Int(Self.block), at: at), path: file.path, offset: at)
            if header.isZero { return }
            try header.checkSum()
            let size = try sizeRecord(records, header)
            let start = at + Self.block
            guard size <= file.size - start else {
                throw .malformed(
                    file.path, place: "byte \(at)",
                    reason: "an entry of \(size) bytes, where \(file.size - start) follow")
            }
            switch header.type {
            case "L", "x":
                guard size <= Self.longest else {
                    throw .malformed(file.path, place: "byte \(at)", reason: "a name or record of \(size) bytes")
                }
                let bytes = try file.read(Int(size), at: start)
                if header.type == "L" {
                    longName = try header.text(bytes.prefix { $0 != 0 })
                } else {
                    records = try paxRecords(bytes, header)
                }
            case "0", "\0", "7":
                let short = try header.name()
                let given = longName ?? records["path"] ?? short
                if !given.hasSuffix("/") {
                    guard let name = insidePath(given) else {
                        throw .malformed(
                            file.path, place: "byte \(at)", reason: "\"\(given.prefix(100))\" is no name for an entry")
                    }
                    entries.append(Entry(name: name, offset: start, size: Int(size)))
                }
                (longName, records) = (nil, [:])
            case "K", "g":
                break  // The target of a link; records for the whole archive, none of which matter here.
            default:
                (longName, records) = (nil, [:])
            }
            let padded = size.addingReportingOverflow(Self.block - 1)
            guard !padded.overflow else {
                throw .malformed(file.path, place: "byte \(at)", reason: "an entry of \(size) bytes")
            }
            let next = start + padded.partialValue / Self.block * Self.block
            guard next <= file.size else {
                throw .malformed(file.path, place: "byte \(at)", reason: "the entry is not filled up to a whole block")
            }
            at = next
        }
    }

    private func sizeRecord(_ records: [String: String], _ header: TarHeader) throws(DatasetError) -> UInt64 {
        guard let text = records["size"], header.type != "x" else { return try header.size() }
        guard let size = UInt64(text) else { throw header.damaged("the size \"\(text.prefix(40))\"") }
        return size
    }

    /// "27 path=a/long/name.png\n": a length in decimal that counts itself, a space, key=value, a line feed.
    private func paxRecords(_ bytes: [UInt8], _ header: TarHeader) throws(DatasetError) -> [String: String] {
        var records: [String: String] = [:]
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            guard let space = rest.firstIndex(of: 0x20), space - rest.startIndex <= 8, first != UInt8(ascii: "+"),
                let length = Int(try header.text(rest[..<space])), length > space - rest.startIndex + 1,
                length <= rest.count, rest[rest.startIndex + length - 1] == 0x0A,
                let equals = rest[space...].firstIndex(of: 0x3D), equals < rest.startIndex + length
            else { throw header.damaged("a pax record that is not \"length key=value\"") }
            let key = try header.text(rest[(space + 1)..<equals])
            if key == "path" || key == "size" {
                records[key] = try header.text(rest[(equals + 1)..<(rest.startIndex + length - 1)])
            }
            rest = rest.dropFirst(length)
        }
        return records
    }
}

/// One header block of 512 bytes.
private struct TarHeader {
    let bytes: [UInt8]
    let path: String
    let offset: UInt64

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
    var type: Character { Character(Unicode.Scalar(bytes[156])) }
    var isUstar: Bool { bytes[257..<262].elementsEqual("ustar".utf8) }

    func damaged(_ what: String) -> DatasetError { .malformed(path, place: "byte \(offset)", reason: what) }

    func text(_ slice: some Sequence<UInt8>) throws(DatasetError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw damaged("a name that is not UTF-8") }
        return text
    }

    func checkSum() throws(DatasetError) {
        var sum: UInt64 = 8 * 0x20  // the field itself counts as spaces
        for byte in bytes[..<148] { sum += UInt64(byte) }
        for byte in bytes[156...] { sum += UInt64(byte) }
        guard try octal(148..<156) == sum else { throw damaged("no tar header: its checksum does not agree") }
    }

    func name() throws(DatasetError) -> String {
        let name = try text(bytes[0..<100].prefix { $0 != 0 })
        // GNU's "ustar  " puts times where POSIX has a prefix.
        guard isUstar, bytes[262] == 0 else { return name }
        let prefix = try text(bytes[345..<500].prefix { $0 != 0 })
        return prefix.isEmpty ? name : prefix + "/" + name
    }

    func size() throws(DatasetError) -> UInt64 {
        if bytes[124] & 0x80 == 0 { return try octal(124..<136) }
        // GNU: base 256, big-endian, the first bit set.
        guard bytes[124] == 0x80, bytes[125..<128].allSatisfy({ $0 == 0 }) else {
            throw damaged("a size beyond counting")
        }
        return bytes[128..<136].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }

    private func octal(_ range: Range<Int>) throws(DatasetError) -> UInt64 {
        var value: UInt64 = 0
        let digits = bytes[range].drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        for digit in digits {
            guard (0x30...0x37).contains(digit) else { throw damaged("a number that is not octal") }
            value = value << 3 | UInt64(digit - 0x30)  // at most 12 digits: 36 bits
        }
        return value
    }
}
