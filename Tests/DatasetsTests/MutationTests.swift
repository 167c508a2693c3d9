import Datasets
import Foundation
import Testing

/// Every reader meets a thousand and more damaged files; what it throws is its own error, and it does not crash.
@Suite struct MutationTests {
    private func survive(_ fixture: String, _ read: ([UInt8]) throws -> Void) throws {
        let original = try bytes(ofFixture: fixture)
        var (refused, read_) = (0, 0)
        for seed in 0..<1500 as Range<UInt64> {
            do {
                try read(mutated(original, seed: seed))
                read_ += 1
            } catch is DatasetError {
                refused += 1
            }
        }
        // Both happen: otherwise the damage, or the reader, is not what this test thinks.
        #expect(refused > 50)
        #expect(refused + read_ == 1500)
    }

    @Test(arguments: ["ustar.tar", "gnu.tar", "pax.tar"])
    func tar(name: String) throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.tar"
            try survive(name) { bytes in
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                let index = try TarIndex(path: path)
                #expect(index.entries.allSatisfy { $0.offset + UInt64($0.size) <= UInt64(bytes.count) })
                let set = try TarShards(paths: [path])
                for i in 0..<set.count { _ = try set.captions(at: i) }
            }
        }
    }

    @Test func metadata() throws {
        try survive("folder/metadata.jsonl") { _ = try MetadataFile.parse($0, path: "metadata.jsonl") }
    }

    @Test func captionsText() throws {
        try survive("folder/captions.txt") { _ = try CaptionsTextFile.parse($0, path: "captions.txt") }
    }

    @Test func annotations() throws {
        try survive("annotations.xml") { _ = try AnnotationFile(bytes: $0, path: "en.xml") }
    }

    @Test func emojiTest() throws {
        let path = try DataFiles().path(of: .emojiGroups)
        let original = Array(try Data(contentsOf: URL(fileURLWithPath: path)).prefix(6000))
        var refused = 0
        for seed in 0..<1500 as Range<UInt64> {
            do {
                _ = try EmojiTestFile(bytes: mutated(original, seed: seed), path: path)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 50)
    }

    /// JSON nested a hundred thousand deep ends in an error, not in a full stack.
    @Test func deepJSON() {
        let deep = Array((String(repeating: "[", count: 100_000)).utf8)
        #expect(throws: DatasetError.self) { try MetadataFile.parse(deep, path: "metadata.jsonl") }
    }
}
