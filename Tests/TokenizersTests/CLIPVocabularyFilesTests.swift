import Foundation
import Testing
import Tokenizers

/// Parts of CLIP's vocabulary, and the files that transformers reads them from.
struct CLIPVocabularyFilesTests {
    private static let captions = [
        "a house next to a lake in moonlight", "Two foxes & an owl, oil painting", "the café's awning (red), 1,024 metres",
        "snowmobiling extraterrestrials", "watercolour of a lighthouse behind the mountains", "naïve 日本 🚀",
    ]

    private func folder<T>(_ body: (String) throws -> T) throws -> T {
        let path = NSTemporaryDirectory() + "moonlit-vocabulary-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func theWholeIsTheOneThatComesAlong() throws {
        let files = try CLIPVocabularyFiles(keeping: [Int]?.none)
        let whole = try CLIPTokenizer(cleaning: .transformers, padding: .endToken)
        #expect(files.tokens.count == 49_408 && files.merges.count == 48_894)
        #expect(files.startToken == whole.startToken && files.endToken == whole.endToken)
        try folder { path in
            try files.write(to: path, context: 77)
            let read = try CLIPTokenizer(folder: path)
            for caption in Self.captions { #expect(read.padded(caption, length: 77) == whole.padded(caption, length: 77)) }
        }
    }

    /// Captions split as by the whole vocabulary; the files say the same as the numbers in memory.
    @Test func aPartSplitsItsCaptionsAsTheWholeDoes() throws {
        let whole = try CLIPTokenizer(cleaning: .transformers)
        let known = Set(Self.captions.flatMap { whole.encode($0) })
        let files = try CLIPVocabularyFiles(keeping: known)
        #expect(files.tokens.count > 514 && files.tokens.count < 900)
        let part = try CLIPTokenizer(files, context: 24)
        try folder { path in
            try files.write(to: path, context: 24)
            let read = try CLIPTokenizer(folder: path)
            #expect(read.contextLength == 24 && read.vocabularyCount == files.tokens.count)
            for caption in Self.captions {
                #expect(part.encode(caption) == whole.encode(caption).map { files.numbers[$0] })
                #expect(part.padded(caption, length: 24) == read.padded(caption, length: 24))
            }
            // What it does not know falls into pieces that it knows, none of which is lost.
            let strange = "unfamiliar zebras"
            #expect(part.encode(strange).count > whole.encode(strange).count)
            #expect(part.encode(strange) == read.encode(strange))
            #expect(part.decode(part.encode(strange)).trimmingCharacters(in: .whitespaces) == strange)
        }
    }
}
