/// Ways a file goes wrong, by accident or ill will.
enum Mutation: CaseIterable {
    case truncation, bitFlips, hugeField, insertion, deletion, duplication, zeros

    func apply(to bytes: [UInt8], using generator: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let length = Int.random(in: 1...64, using: &generator)
        let end = min(place + length, bytes.count)
        switch self {
        case .truncation:
            bytes.removeSubrange(place...)
        case .bitFlips:
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            }
        case .hugeField:
            // Sizes stand near the beginning.
            let start = Int.random(in: 0..<min(bytes.count, 200), using: &generator)
            let width = [1, 2, 3, 4, 8].randomElement(using: &generator) ?? 4
            let value: UInt8 = [0xFF, 0x7F, 0x3F, 0x80].randomElement(using: &generator) ?? 0xFF
            for index in start..<min(start + width, bytes.count) { bytes[index] = value }
        case .insertion:
            let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            bytes.insert(contentsOf: noise, at: place)
        case .deletion:
            bytes.removeSubrange(place..<end)
        case .duplication:
            let piece = Array(bytes[place..<end])
            bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &generator))
        case .zeros:
            for index in place..<end { bytes[index] = 0 }
        }
        return bytes
    }
}

/// A PNG file with every chunk's checksum set right, so that damage reaches what lies behind them.
func pngResealed(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var at = 8
    while at + 12 <= bytes.count {
        let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
        guard length <= bytes.count - at - 12 else { break }
        var checksum: UInt32 = .max
        for byte in bytes[(at + 4)..<(at + 8 + length)] {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum & 1 == 1 ? checksum >> 1 ^ 0xEDB8_8320 : checksum >> 1 }
        }
        for index in 0..<4 {
            bytes[at + 8 + length + index] = UInt8(truncatingIfNeeded: ~checksum >> (24 - 8 * UInt32(index)))
        }
        at += 12 + length
    }
    return bytes
}
