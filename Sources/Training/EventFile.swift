internal import Foundation
internal import Tensors

/// TensorBoard's event file: TFRecords (length, its masked CRC-32C, data, its masked CRC-32C) of `tensorflow.Event`
/// protocol buffers.
package final class EventFile {
    private let file: AppendedFile
    private let now: () -> Double

    /// - Parameters:
    ///   - step: the first that this file may tell of; TensorBoard drops what earlier files say of it and of later ones.
    ///   - now: seconds since 1970.
    package init(
        folder: String, step: Int, now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        self.now = now
        let time = now()
        var name = "events.out.tfevents.\(Int(time)).moonlit"
        var number = 1
        while FileManager.default.fileExists(atPath: folder + "/" + name) {
            name = "events.out.tfevents.\(Int(time)).moonlit.\(number)"
            number += 1
        }
        file = try AppendedFile(folder + "/" + name)
        try write(Message { $0.string(3, "brain.Event:2") })
        // SessionLog with status START.
        try write(Message {
            $0.integer(2, step)
            $0.message(7, Message { $0.integer(1, 1) })
        })
    }

    package func scalars(_ values: [(tag: String, value: Double)], step: Int) throws {
        try summary(step, values.map { tag, value in
            Message {
                $0.string(1, tag)
                $0.float(2, Float(value))
            }
        })
    }

    /// - Parameter png: the encoded picture.
    package func image(_ tag: String, png: [UInt8], width: Int, height: Int, step: Int) throws {
        let image = Message {
            $0.integer(1, height)
            $0.integer(2, width)
            $0.integer(3, 3)
            $0.bytes(4, png)
        }
        try summary(step, [Message {
            $0.string(1, tag)
            $0.message(4, image)
        }])
    }

    private func summary(_ step: Int, _ values: [Message]) throws {
        let summary = Message { summary in for value in values { summary.message(1, value) } }
        try write(Message {
            $0.integer(2, step)
            $0.message(5, summary)
        })
    }

    private func write(_ event: Message) throws {
        let timed = Message { $0.double(1, now()) }
        try file.append(Self.record(timed.encoded + event.encoded))
    }

    /// One TFRecord.
    package static func record(_ data: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(data.count))
        return length + littleEndian(CRC32C.of(length).masked) + data + littleEndian(CRC32C.of(data).masked)
    }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// The few wire types of protocol buffers that events need.
private struct Message {
    private(set) var encoded: [UInt8] = []

    init(_ fill: (inout Message) -> Void) { fill(&self) }

    mutating func integer(_ field: Int, _ value: Int) {
        varint(UInt64(field) << 3)
        varint(UInt64(bitPattern: Int64(value)))
    }
    mutating func double(_ field: Int, _ value: Double) {
        varint(UInt64(field) << 3 | 1)
        encoded += littleEndian(value.bitPattern)
    }
    mutating func float(_ field: Int, _ value: Float) {
        varint(UInt64(field) << 3 | 5)
        encoded += littleEndian(value.bitPattern)
    }
    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        varint(UInt64(field) << 3 | 2)
        varint(UInt64(value.count))
        encoded += value
    }
    mutating func string(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }
    mutating func message(_ field: Int, _ value: Message) { bytes(field, value.encoded) }

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            encoded.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        encoded.append(UInt8(value))
    }
}
