import Foundation
import Images

/// The files made by `Tests/Fixtures/images/generate.py`.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/images")

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: name))) }

    static func picture(_ name: String) throws -> Picture { try Picture(path: path(name)) }
}

extension Picture {
    /// The largest difference of any sample, or nil where the pictures differ in shape.
    func largestDifference(from other: Picture) -> Int? {
        guard width == other.width, height == other.height, channels == other.channels else { return nil }
        return zip(pixels, other.pixels).map { abs(Int($0) - Int($1)) }.max()
    }

    /// Noise of a seed.
    static func noise(width: Int, height: Int, channels: Int, seed: UInt64) throws -> Picture {
        var generator = SplitMix(seed: seed)
        let pixels = (0..<(width * height * channels)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return try Picture(width: width, height: height, channels: channels, pixels: pixels)
    }
}

/// A folder for one test, removed after it.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "moonlit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}
