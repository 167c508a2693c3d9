import Foundation
import Tensors
import Testing
import Training

@Suite struct EventTests {
    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
    @Test func checksumsAreThePublished() {
        #expect(CRC32C.of(Array(repeating: 0, count: 32)).value == 0x8A91_36AA)
        #expect(CRC32C.of(Array(repeating: 0xFF, count: 32)).value == 0x62A8_AB43)
        #expect(CRC32C.of(Array(0..<32)).value == 0x46DD_794E)
        #expect(CRC32C.of(Array("123456789".utf8)).value == 0xE306_9283)
        #expect(CRC32C.of([]).value == 0)
    }

    @Test func piecesGiveTheChecksumOfTheWhole() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for cut in [0, 1, 3, 8, 500, 999] {
            var crc = CRC32C()
            Array(bytes[..<cut]).withUnsafeBytes { crc.update($0) }
            Array(bytes[cut...]).withUnsafeBytes { crc.update($0) }
            #expect(crc.value == CRC32C.of(bytes).value)
        }
    }

    /// The first record that `tensorboard`'s own writer makes, at a wall time of 1.5 s.
    @Test func recordsAreTensorBoards() throws {
        try withTemporaryFolder { folder in
            let events = try EventFile(folder: folder, step: 3, now: { 1.5 })
            try events.scalars([("loss", 0.25)], step: 7)
            let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
            #expect(name.hasPrefix("events.out.tfevents."))
            let data = [UInt8](try bytes(folder + "/" + name))
            let golden = try [UInt8](bytes(fixtures + "/training/events.bin"))
            #expect(data == golden)
        }
    }
}
