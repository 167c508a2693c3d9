import Datasets
import Foundation
import Images
import Testing

@Suite struct TarTests {
    @Test(arguments: ["ustar.tar", "gnu.tar", "pax.tar"])
    func readsShards(name: String) throws {
        let set = try TarShards(paths: [fixtures + "/" + name])
        let long = name == "ustar.tar" ? "" : String(repeating: "a", count: 150)
        #expect(
            try (0..<set.count).map { try set.example(at: $0, variation: 0).key }
                == (0..<3).map { "pictures/\(long)000\($0)" })
        #expect(
            try (0..<set.count).map { try set.captions(at: $0) } == [
                ["a red field", "red"], ["a green field"], ["a blue field, café"],
            ])
        let blue = try set.example(at: 2, variation: 0).picture
        #expect(Array(blue.pixels[(24 * 8 + 12) * 3..<(24 * 8 + 13) * 3]) == [30, 30, 200])
        #expect(set.notes.count == 1)
    }

    @Test func joinsShardsInOrder() throws {
        let set = try TarShards(paths: [fixtures + "/ustar.tar", fixtures + "/pax.tar"])
        #expect(set.count == 6)
        #expect(try set.example(at: 0, variation: 3).picture == set.example(at: 3, variation: 3).picture)
    }

    /// Sets of more shards than a process may have open files are usual.
    @Test func holdsNoShardOpen() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.tar"
            try FileManager.default.copyItem(atPath: fixtures + "/pax.tar", toPath: path)
            let set = try TarShards(paths: [path])
            let before = try set.example(at: 0, variation: 0)
            var shard = stat()
            let found = stat(path, &shard)
            #expect(found == 0)
            var open = 0
            for descriptor in 0..<1024 as Range<Int32> {
                var status = stat()
                guard fstat(descriptor, &status) == 0 else { continue }
                if status.st_dev == shard.st_dev, status.st_ino == shard.st_ino { open += 1 }
            }
            #expect(open == 0)
            #expect(try set.example(at: 0, variation: 0) == before)
        }
    }

    @Test func saysWhichShardWasWrittenAnew() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.tar"
            try FileManager.default.copyItem(atPath: fixtures + "/pax.tar", toPath: path)
            let set = try TarShards(paths: [path])
            // Of the same size, as most are: tar fills up to whole records.
            try FileManager.default.copyItem(atPath: fixtures + "/pax.tar", toPath: folder + "/y.tar")
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: folder + "/y.tar", toPath: path)
            let error = DatasetError.unreadable(path, reason: "it was written anew since it was indexed")
            #expect(throws: error) { try set.example(at: 0, variation: 0) }
            #expect(throws: error) { try set.captions(at: 0) }
        }
    }

    private func index(changing change: (inout [UInt8]) -> Void) throws -> TarIndex {
        var data = try bytes(ofFixture: "ustar.tar")
        change(&data)
        return try withTemporaryFolder { folder in
            try Data(data).write(to: URL(fileURLWithPath: folder + "/x.tar"))
            return try TarIndex(path: folder + "/x.tar")
        }
    }

    /// Writes a field of the second header, the first file's, and mends its checksum.
    private func set(_ field: Range<Int>, to value: [UInt8], in data: inout [UInt8]) {
        let header = 512
        for (i, byte) in zip(field, value + Array(repeating: 0, count: max(0, field.count - value.count))) {
            data[header + i] = byte
        }
        for i in 148..<156 { data[header + i] = 0x20 }
        let sum = data[header..<header + 512].reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        let text = Array((String(repeating: "0", count: 6 - digits.count) + digits).utf8) + [0, 0x20]
        for (i, byte) in text.enumerated() { data[header + 148 + i] = byte }
    }

    @Test func namesTheOffsetOfHostileSizes() throws {
        for size in ["77777777777", "00000100000"] {
            #expect {
                try index { set(124..<136, to: Array(size.utf8), in: &$0) }
            } throws: {
                "\($0)".contains("x.tar, byte 512: an entry of")
            }
        }
        for size in [
            [0x80] + Array(repeating: UInt8(0xFF), count: 11), [0x80, 0, 0, 0] + Array(repeating: 0xFF, count: 8),
            Array(repeating: 0xFF, count: 12),
        ] {
            #expect(throws: DatasetError.self) { try index { set(124..<136, to: size, in: &$0) } }
        }
        #expect(throws: DatasetError.self) { try index { set(124..<136, to: Array("00000000x".utf8), in: &$0) } }
    }

    @Test(arguments: ["../../etc/passwd.png", "/etc/passwd.png", "a\u{1}.png"])
    func refusesHostileNames(name: String) throws {
        #expect { try index { set(0..<100, to: Array(name.utf8), in: &$0) } } throws: {
            "\($0)".contains("byte 512") && "\($0)".contains("is no name for an entry")
        }
    }

    @Test func readsSizesInBase256() throws {
        let plain = try index { _ in }
        let size = plain.entries[0].size
        let wide = try index {
            set(124..<136, to: [0x80] + Array(repeating: 0, count: 9) + [UInt8(size >> 8), UInt8(size & 255)], in: &$0)
        }
        #expect(wide == plain)
    }

    @Test func refusesTruncatedArchives() throws {
        let whole = try bytes(ofFixture: "ustar.tar").count
        var refused = 0
        for length in stride(from: 0, to: whole, by: 256) {
            // All that may be missing are the zeros after the first block of zeros.
            do { _ = try index { $0.removeSubrange(length...) } } catch is DatasetError { refused += 1 }
        }
        let end = try #require(try index { _ in }.entries.last)
        #expect(refused * 256 >= Int(end.offset) + end.size)
        #expect(throws: DatasetError.self) { try TarIndex(path: fixtures) }
        #expect(throws: DatasetError.self) { try TarIndex(path: fixtures + "/none.tar") }
    }
}
