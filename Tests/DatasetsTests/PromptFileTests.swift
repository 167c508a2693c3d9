import Datasets
import Foundation
import Testing

@Suite struct PromptFileTests {
    @Test func eachLineIsAPrompt() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/prompts.txt"
            try write("\u{FEFF}a fox\r\n\n \u{A0}\t\n# a red house \na fox", to: path)
            let prompts = try PromptFile.read(path)
            #expect(prompts == ["a fox", "# a red house", "a fox"])
        }
    }

    @Test func filesWithoutPromptsAreRefused() throws {
        try withTemporaryFolder { folder in
            func told(_ name: String) -> String {
                do {
                    let prompts = try PromptFile.read(folder + "/" + name)
                    return "\(prompts)"
                } catch {
                    return "\(error)"
                }
            }
            try write("\n \r\n", to: folder + "/empty.txt")
            #expect(told("empty.txt").contains("empty.txt holds no prompt"))
            try Data([0x61, 0x0A, 0xFF]).write(to: URL(fileURLWithPath: folder + "/latin.txt"))
            #expect(told("latin.txt").contains("latin.txt, line 2: bytes that are not UTF-8"))
            try write("a fox", to: folder + "/huge.txt")
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/huge.txt"))
            try file.truncate(atOffset: 16_777_217)
            try file.close()
            #expect(told("huge.txt").contains("huge.txt cannot be read: 16777217 bytes"))
            #expect(told("none.txt").contains("none.txt cannot be read"))
            #expect(told("").contains("it is no regular file"))
        }
    }
}
