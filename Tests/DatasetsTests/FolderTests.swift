import Datasets
import Foundation
import Images
import Testing

@Suite struct FolderTests {
    @Test func readsEveryKindOfCaption() throws {
        let set = try FolderSet(folder: fixtures + "/folder")
        #expect(set.name == "folder")
        #expect(
            try (0..<set.count).map { try set.example(at: $0, variation: 0).key } == [
                "deep/blue.webp", "green.jpg", "red.png", "yellow.png",
            ])
        #expect(
            try (0..<set.count).map { try set.captions(at: $0) } == [
                ["a blue field", "blue all over"], ["a green field", "green"],
                ["a red field", "red, and nothing else"], ["a yellow field, they say"],
            ])
        #expect(set.uncaptioned == ["silent.png"])
        #expect(set.notes.count == 1 && set.notes[0].contains("silent.png"))
        let red = try set.example(at: 2, variation: 0).picture
        #expect((red.width, red.height) == (24, 16))
        #expect(Array(red.pixels[(24 * 8 + 12) * 3..<(24 * 8 + 13) * 3]) == [200, 30, 30])
    }

    @Test func variationDrawsTheCaption() throws {
        let set = try FolderSet(folder: fixtures + "/folder")
        let drawn = try (0..<40).map { try set.example(at: 2, variation: $0).caption }
        #expect(Set(drawn) == ["a red field", "red, and nothing else"])
        #expect(try drawn == (0..<40).map { try set.example(at: 2, variation: $0).caption })
        #expect(throws: DatasetError.self) { try set.example(at: 4, variation: 0) }
        #expect(throws: DatasetError.self) { try set.example(at: -1, variation: 0) }
    }

    @Test(arguments: ["../red.png", "/etc/passwd", "a/../../red.png", "", ".."])
    func refusesPathsOutOfTheFolder(path: String) throws {
        let json = Array("{\"file_name\": \"\(path)\", \"text\": \"x\"}".utf8)
        #expect {
            try MetadataFile.parse(json, path: "metadata.jsonl")
        } throws: {
            guard case .malformed("metadata.jsonl", place: "line 1", _)? = $0 as? DatasetError else { return false }
            return true
        }
        #expect(throws: DatasetError.self) {
            try CaptionsTextFile.parse(Array("\(path)\tx".utf8), path: "captions.txt")
        }
    }

    @Test func readsCommaSeparatedCaptions() throws {
        let text = "image,caption\n1.jpg,\"A dog, \"\"Rex\"\", runs\"\n2.jpg#0\tA cat\r\n2.jpg#1\tA cat sleeps\n"
        let lines = try CaptionsTextFile.parse(Array(text.utf8), path: "captions.txt")
        #expect(lines.map(\.file) == ["1.jpg", "2.jpg", "2.jpg"])
        #expect(lines.map(\.captions) == [["A dog, \"Rex\", runs"], ["A cat"], ["A cat sleeps"]])
        #expect(lines.map(\.line) == [2, 3, 4])
        #expect(throws: DatasetError.self) { try CaptionsTextFile.parse(Array("neither\n".utf8), path: "") }
    }

    @Test func saysWhichLineIsWrong() throws {
        try withTemporaryFolder { folder in
            try write("{\"file_name\": \"a.png\", \"text\": \"x\"}\n", to: folder + "/metadata.jsonl")
            #expect {
                try FolderSet(folder: folder)
            } throws: {
                "\($0)".contains("metadata.jsonl, line 1: \"a.png\"")
            }
            try write("{\"text\": \"x\"}\n", to: folder + "/metadata.jsonl")
            #expect { try FolderSet(folder: folder) } throws: { "\($0)".contains("\"file_name\" is missing") }
        }
    }

    /// What has no size and no end is not waited for, and not read until memory is full.
    @Test func refusesCaptionsThatAreNoFiles() throws {
        try withTemporaryFolder { folder in
            try write("a picture", to: folder + "/a.png")
            let pipe = folder + "/captions.txt"
            #expect(mkfifo(pipe, 0o600) == 0)
            #expect(throws: DatasetError.unreadable(pipe, reason: "it is no regular file")) {
                try FolderSet(folder: folder)
            }
            try FileManager.default.removeItem(atPath: pipe)
            let link = folder + "/a.txt"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/zero")
            #expect(throws: DatasetError.unreadable(link, reason: "it is no regular file")) {
                try FolderSet(folder: folder)
            }
        }
    }

    @Test func saysWhichCaptionsAreTooLarge() throws {
        try withTemporaryFolder { folder in
            try write("a picture", to: folder + "/a.png")
            let path = folder + "/a.txt"
            try write("a picture", to: path)
            #expect(truncate(path, (1 << 20) + 1) == 0)
            let error = DatasetError.unreadable(path, reason: "1048577 bytes, where at most 1048576 were expected")
            #expect(throws: error) { try FolderSet(folder: folder) }
        }
    }

    @Test func saysWhyAFolderIsNoSet() throws {
        try withTemporaryFolder { folder in
            #expect { try FolderSet(folder: folder) } throws: { "\($0)".contains("no PNG, JPEG or WebP") }
            try write("not a picture", to: folder + "/a.png")
            #expect { try FolderSet(folder: folder) } throws: { "\($0)".contains("1 pictures, but neither") }
            try write("a picture", to: folder + "/a.txt")
            let set = try FolderSet(folder: folder)
            #expect { try set.example(at: 0, variation: 0) } throws: { "\($0)".contains("a.png") }
        }
        #expect(throws: DatasetError.self) { try FolderSet(folder: "/nowhere/at/all") }
    }
}
