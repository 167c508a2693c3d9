import Datasets
import Foundation
import Images

let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/datasets").path

func bytes(ofFixture name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixtures + "/" + name)))
}

/// A folder that is gone after the body.
func withTemporaryFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = NSTemporaryDirectory() + "moonlit-datasets-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
}

/// Pictures whose colour says which they are and in which variation; some may be unreadable.
struct NumberedSet: CaptionedPictures {
    let name = "numbered"
    let count: Int
    var broken: Set<Int> = []

    struct Broken: Error, Equatable { let index: Int }

    func example(at index: Int, variation: UInt64) throws -> Example {
        try check(index)
        if broken.contains(index) { throw Broken(index: index) }
        let shade = UInt8(truncatingIfNeeded: variation)
        return Example(
            picture: try Picture(width: 6, height: 4, filled: Colour(red: UInt8(index % 256), green: shade, blue: 9)),
            caption: "number \(index), \(variation)", key: "\(index)")
    }
}

/// A set that knows what is not so.
struct WronglyNumberedSet: CaptionedPictures {
    let name = "wrongly numbered"
    let known: Int
    private let numbers = NumberedSet(count: 10)

    init(known: Int) { self.known = known }

    var count: Int { numbers.count }

    func example(at index: Int, variation: UInt64) throws -> Example { try numbers.example(at: index, variation: variation) }

    func wrongCaptions(at index: Int, variation: UInt64, count: Int) throws -> [String] {
        (0..<min(known, count)).map { "not number \(index), \(variation) \($0)" }
    }
}

/// Damages bytes in one of the ways files are damaged: flipped bits, bytes replaced, a cut, a piece repeated or lost.
func mutated(_ bytes: [UInt8], seed: UInt64) -> [UInt8] {
    var draws = SeededGenerator(seed, 0x6D75_7461)
    var result = bytes
    for _ in 0...draws.below(4) where !result.isEmpty {
        let at = draws.below(result.count)
        switch draws.below(6) {
        case 0: result[at] ^= 1 << UInt8(draws.below(8))
        case 1: result[at] = UInt8(draws.below(256))
        case 2: result = Array(result[..<at])
        case 3: result.removeSubrange(at..<min(result.count, at + 1 + draws.below(64)))
        case 4: result.insert(contentsOf: result[at..<min(result.count, at + 1 + draws.below(64))], at: at)
        default:
            for i in at..<min(result.count, at + 1 + draws.below(12)) { result[i] = draws.chance(0.5) ? 0xFF : 0 }
        }
    }
    return result
}
