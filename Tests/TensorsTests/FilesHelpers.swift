import Foundation
import Tensors
import Testing

/// Sebastiano Vigna's SplitMix64: the same numbers from a seed everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Damages bytes in the ways files are damaged, or made to mislead; equal seeds give equal damage.
struct Mutator {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// - Parameter range: where the damage falls; all of `bytes` without it.
    mutating func mutate(_ bytes: [UInt8], in range: Range<Int>? = nil) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let whole = 0..<bytes.count
            let place = (range ?? whole).clamped(to: whole)
            guard !place.isEmpty else { return [] }
            damage(&bytes, in: place)
        }
        return bytes
    }

    private mutating func damage(_ bytes: inout [UInt8], in range: Range<Int>) {
        let start = Int.random(in: range, using: &random)
        let end = min(start + Int.random(in: 1...8, using: &random), range.upperBound)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[start] = UInt8.random(in: 0...255, using: &random)
        case 2: for index in start..<end { bytes[index] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0 }
        case 3: bytes.removeSubrange(start..<end)
        case 4: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: range, using: &random))
        case 5: for index in start..<end { bytes[index] = UInt8.random(in: 0...255, using: &random) }
        case 6: bytes.removeSubrange(start...)
        default:
            let other = Int.random(in: range, using: &random)
            bytes.swapAt(start, other)
        }
    }
}

/// A folder for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "moonlit-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: some Sequence<UInt8>, to name: String = "file") throws -> String {
        let target = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: target))
        return target
    }

    var contents: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}

func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/files/\(name)").path
}

func contents(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) }

extension TensorArchive {
    /// A tensor's elements, read as `Element`.
    func elements<Element: BitwiseCopyable>(_ name: String, as type: Element.Type = Element.self) throws -> [Element] {
        try withUnsafeBytes(of: name) { bytes in
            (0..<bytes.count / MemoryLayout<Element>.stride).map {
                bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
            }
        }
    }

    /// Touches every byte that any tensor could give.
    func readAll() throws -> Int {
        try entries.reduce(0) { sum, entry in
            try withUnsafeBytes(of: entry.name) { sum &+ $0.reduce(0) { $0 &+ Int($1) } }
        }
    }
}

/// The resident memory of this process at its highest, in bytes: of use to a test that has its process for itself.
func peakMemory() throws -> Int {
    #if canImport(Darwin)
    var usage = rusage()
    getrusage(RUSAGE_SELF, &usage)
    return Int(usage.ru_maxrss)
    #else
    // Not what `getrusage` tells: on Linux that begins with the peak of the process that started this one.
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.filter(\.isNumber))) << 10
    #endif
}
