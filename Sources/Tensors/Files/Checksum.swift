/// CRC-32C (Castagnoli), as checkpoints, indices and TensorBoard's event files have it; eight bytes a turn ("slicing by eight",
/// Kounavis and Berry 2005).
package struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    package init() {}

    /// Goes on where a checksum of earlier bytes ended.
    package init(continuing value: UInt32) { state = ~value }

    package var value: UInt32 { ~state }

    /// TensorFlow's masked form, for checksums of data that hold checksums.
    package var masked: UInt32 { (value >> 15 | value << 17) &+ 0xA282_EAD8 }

    package static func of(_ bytes: [UInt8]) -> CRC32C {
        var crc = CRC32C()
        bytes.withUnsafeBytes { crc.update($0) }
        return crc
    }

    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }()

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var crc = state
        Self.tables.withUnsafeBufferPointer { table in
            var index = 0
            while index + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let (low, high) = (UInt32(truncatingIfNeeded: word) ^ crc, UInt32(truncatingIfNeeded: word >> 32))
                crc = table[1792 + Int(low & 0xFF)] ^ table[1536 + Int(low >> 8 & 0xFF)]
                    ^ table[1280 + Int(low >> 16 & 0xFF)] ^ table[1024 + Int(low >> 24)]
                crc ^= table[768 + Int(high & 0xFF)] ^ table[512 + Int(high >> 8 & 0xFF)]
                    ^ table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
                index += 8
            }
            while index < bytes.count {
                crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
        }
        state = crc
    }
}
