import Foundation
import Testing
import Tokenizers

@Suite struct Vocabularies {
    @Test func aMissingFolderIsAnError() {
        let nowhere = URL(fileURLWithPath: "/nowhere/at/all")
        #expect(throws: TokenizerError.missingVocabulary(file: "x.txt", searched: ["/nowhere/at/all"])) {
            try VocabularyFolder.read("x.txt", in: [nowhere])
        }
        let message = "\(TokenizerError.missingVocabulary(file: "x.txt", searched: ["/a", "/b"]))"
        #expect(message.contains("x.txt") && message.contains("/a, nor in /b"))
        #expect(message.contains(VocabularyFolder.bundleName))
    }

    @Test func theFolderIsFoundBesideTheProgram() throws {
        let places = VocabularyFolder.candidates.filter { FileManager.default.fileExists(atPath: $0.path) }
        #expect(try places.contains { try !VocabularyFolder.read("clip-merges.txt", in: [$0]).isEmpty })
        #expect(places.contains { !$0.path.hasSuffix("Sources/Tokenizers/Vocabularies") })
    }

    @Test(arguments: [
        ("header\na b\nab c\nonly\n", 4), ("header\na b\nx yz\n", 3), ("header\na b\na b\n", 3), ("header\na \n", 2),
        ("header\n\u{1F3E0} b\n", 2), ("header\na b c\n", 2),
    ])
    func aDamagedListNamesItsLine(text: String, line: Int) {
        do throws(TokenizerError) {
            _ = try BytePairs(Array(text.utf8), file: "merges", marksWordEnds: false)
            Issue.record("read without complaint")
        } catch {
            guard case .damagedVocabulary("merges", line, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test func mergesComeInTheListsOrder() throws {
        let pairs = try BytePairs(Array("header\nb c\na b\na bc\na a\n".utf8), file: "merges", marksWordEnds: false)
        func split(_ word: String) -> [String] {
            var parts: [String] = []
            pairs.split(Array(word.utf8)) { id, count in
                let bytes = pairs.token(id)?.bytes ?? []
                #expect(bytes.count == count)
                parts.append(String(decoding: bytes, as: UTF8.self))
            }
            return parts
        }
        #expect(split("abc") == ["abc"])
        #expect(split("abab") == ["ab", "ab"])
        #expect(split("aaa") == ["aa", "a"])
        #expect(split("aaabc") == ["aa", "abc"])
        #expect(split("").isEmpty)
        #expect(pairs.count == 260)
        #expect(pairs.token(260) == nil)
    }

    @Test func aDamagedReferenceListNamesItsLine() {
        #expect(throws: TokenizerError.damagedVocabulary(
            file: "e", line: 2, reason: "expected a name and its code points in hexadecimal")
        ) {
            try HTMLEntities(Array("amp; 26\nlt; zz\n".utf8), file: "e")
        }
    }
}
