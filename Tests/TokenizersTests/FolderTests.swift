import Foundation
import Testing
import Tokenizers

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/text")

/// CLIP tokenizers of model folders, against transformers' (see Tests/Fixtures/text/README.md).
@Suite struct TokenizerFolders {
    static let folder = fixtures.appending(path: "tokenizers").path

    @Test(arguments: [("scrambled", "scrambled"), ("packed", "scrambled"), ("partial", "partial")])
    func agreesWithTransformers(name: String, golden: String) throws {
        let data = try Data(contentsOf: URL(filePath: Self.folder + "/prompts.json"))
        let prompts = try #require(try JSONDecoder().decode([String: [String: [Int]]].self, from: data)[golden])
        let tokenizer = try CLIPTokenizer(folder: Self.folder + "/" + name)
        #expect(prompts.count > 20 && tokenizer.contextLength == 77)
        for (prompt, ids) in prompts {
            #expect(tokenizer.padded(prompt).ids == ids, "\(prompt.debugDescription)")
        }
        let tokens = tokenizer.tokens(in: "A house!")
        #expect(tokens.map(\.id) == tokenizer.encode("A house!"))
        if golden == "scrambled" { #expect(tokenizer.decode(tokenizer.encode("a newer house")) == "a newer house ") }
    }

    /// The vocabulary that Moonlit carries, as transformers would write it.
    @Test func theStandardVocabularyIsKnown() throws {
        let own = try CLIPTokenizer(cleaning: .transformers, padding: .endToken)
        let folder = try TemporaryFolder()
        let merges = try #require(
            VocabularyFolder.candidates.lazy.compactMap {
                try? String(contentsOf: $0.appendingPathComponent("clip-merges.txt"), encoding: .utf8)
            }.first)
        var words = [String](repeating: "", count: 512)
        let visible = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
        let hidden = (0...0xFF).filter { !visible.contains($0) }
        let alphabet = visible + hidden.indices.map { 0x100 + $0 }
        for (index, value) in alphabet.enumerated() {
            words[index] = String(Unicode.Scalar(UInt32(value)).map(Character.init) ?? "?")
            words[256 + index] = words[index] + "</w>"
        }
        let lines = merges.split(separator: "\n").dropFirst()
        words += lines.map { String($0).replacing(" ", with: "") }
        words += ["<|startoftext|>", "<|endoftext|>"]
        let quoted = try words.enumerated().map { index, word in
            String(decoding: try JSONEncoder().encode(word), as: UTF8.self) + ": \(index)"
        }
        try folder.write("vocab.json", "{" + quoted.joined(separator: ", ") + "}")
        try folder.write("merges.txt", "#version: 0.2\n" + lines.joined(separator: "\n") + "\n")
        for prompt in ["a house next to a lake in moonlight", "café!! it's 3 o'clock 🏠", "a<|endoftext|>b"] {
            #expect(try CLIPTokenizer(folder: folder.path).padded(prompt).ids == own.padded(prompt).ids)
        }
        // As the second Stable Diffusion's has it: the map of special tokens goes before the configuration.
        try folder.write("tokenizer_config.json", #"{"pad_token": "<|endoftext|>", "model_max_length": 77}"#)
        try folder.write("special_tokens_map.json", ##"{"pad_token": "!", "bos_token": {"content": "<|startoftext|>"}}"##)
        let zero = try CLIPTokenizer(folder: folder.path)
        #expect(zero.paddingToken == 0 && zero.encode("boat!").last == 0 && zero.vocabularyCount == 49_408)
        #expect(try zero.padded("a boat!").ids == CLIPTokenizer(cleaning: .transformers, padding: .exclamationMark).padded("a boat!").ids)
        try folder.write(
            "tokenizer_config.json", #"{"pad_token": "<|endoftext|>", "added_tokens_decoder": {}}"#)
        #expect(try CLIPTokenizer(folder: folder.path).paddingToken == 49_407)
    }

    @Test func damageIsAnErrorThatNamesTheFile() throws {
        let folder = try TemporaryFolder()
        func expect(_ file: String, _ content: String?, sourceLocation: SourceLocation = #_sourceLocation) throws {
            for name in ["vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json"] {
                let source = URL(filePath: Self.folder + "/scrambled/" + name)
                try folder.write(name, String(contentsOf: source, encoding: .utf8))
            }
            if let content { try folder.write(file, content) } else { try folder.remove(file) }
            do {
                _ = try CLIPTokenizer(folder: folder.path)
                Issue.record("\(file) passes", sourceLocation: sourceLocation)
            } catch {
                guard case .damagedFile(let path, let problem) = error else {
                    Issue.record("\(error)", sourceLocation: sourceLocation)
                    return
                }
                #expect(path.hasPrefix(folder.path) && !problem.isEmpty, sourceLocation: sourceLocation)
                #expect(content == nil || path.hasSuffix(file), "\(error)", sourceLocation: sourceLocation)
            }
        }
        try expect("vocab.json", nil)
        try expect("merges.txt", nil)
        try expect("vocab.json", "")
        try expect("vocab.json", "[]")
        try expect("vocab.json", "{\"a\": 1")
        try expect("vocab.json", "{}")
        try expect("vocab.json", #"{"<|startoftext|>": 0, "<|endoftext|>": 0}"#)
        try expect("vocab.json", #"{"<|startoftext|>": 1e30, "<|endoftext|>": 0}"#)
        try expect("vocab.json", #"{"<|startoftext|>": -1, "<|endoftext|>": 0}"#)
        try expect("vocab.json", #"{"<|startoftext|>": 0.5, "<|endoftext|>": 0}"#)
        try expect("vocab.json", #"{"<|startoftext|>": "0", "<|endoftext|>": 0}"#)
        try expect("vocab.json", String(repeating: "[", count: 100_000))
        try expect("merges.txt", "#version\nab\n")
        try expect("merges.txt", "#version\nq q\n")
        try expect("merges.txt", "#version\nh o\nzz o\n")
        try expect("special_tokens_map.json", "{")
        try expect("tokenizer_config.json", "7")
        // A name of the configuration that the vocabulary lacks is the vocabulary's lack.
        try folder.write("special_tokens_map.json", #"{"eos_token": "<nothing>"}"#)
        try folder.write("tokenizer_config.json", "{}")
        #expect(throws: TokenizerError.self) { try CLIPTokenizer(folder: folder.path) }
        #expect(throws: TokenizerError.self) { try CLIPTokenizer(folder: "/nowhere/at/all") }
        try FileManager.default.createDirectory(atPath: folder.path + "/deep/vocab.json", withIntermediateDirectories: true)
        try folder.write("deep/merges.txt", "#version\n")
        #expect(throws: TokenizerError.self) { try CLIPTokenizer(folder: folder.path + "/deep") }
    }

    /// 1,000 random changes each: a tokenizer, or an error that names a file of the folder.
    @Test(arguments: [
        ("scrambled", "vocab.json"), ("scrambled", "merges.txt"), ("scrambled", "tokenizer_config.json"),
        ("scrambled", "special_tokens_map.json"), ("packed", "tokenizer.json"),
    ])
    func mutationsAreHarmless(name: String, file: String) throws {
        let folder = try TemporaryFolder()
        for item in try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/" + name) {
            try FileManager.default.copyItem(
                atPath: Self.folder + "/" + name + "/" + item, toPath: folder.path + "/" + item)
        }
        let original = [UInt8](try Data(contentsOf: URL(filePath: folder.path + "/" + file)))
        var random = Emphasis.SplitMix(state: 9)
        var refused = 0
        for _ in 0..<1000 {
            var bytes = original
            for _ in 0...Int(random.next() % 3) where !bytes.isEmpty {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: "{}[]\",:0123456789\n "[...].utf8.shuffled(using: &random).prefix(3), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 400)))
                }
            }
            try Data(bytes).write(to: URL(filePath: folder.path + "/" + file))
            do {
                let tokenizer = try CLIPTokenizer(folder: folder.path)
                #expect(tokenizer.padded("a newer house!").ids.count == 77)
            } catch {
                refused += 1
                guard case .damagedFile(let path, _) = error, path.hasPrefix(folder.path) else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
        #expect(refused > 100)
    }
}

/// BERT's WordPiece against transformers' `BertTokenizer`.
@Suite struct WordPieceTokens {
    @Test func agreesWithTransformers() throws {
        let tokenizer = try BERTTokenizer()
        #expect(tokenizer.vocabularyCount == 30_522)
        let data = try Data(contentsOf: fixtures.appending(path: "bert.json"))
        let golden = try #require(try JSONSerialization.jsonObject(with: data) as? [[Any]])
        #expect(golden.count > 250)
        for record in golden {
            let prompt = try #require(record[0] as? String)
            let (ids, padded) = (record[1] as? [Int], record[2] as? [Int])
            #expect(tokenizer.encode(prompt) == ids, "\(prompt.debugDescription)")
            #expect(tokenizer.padded(prompt).ids == padded, "\(prompt.debugDescription)")
        }
    }

    @Test func tokensKnowWhereTheyCameFrom() throws {
        let tokenizer = try BERTTokenizer()
        let prompt = "An Éclair, unaffable 🏠 [SEP]中"
        let tokens = tokenizer.tokens(in: prompt)
        #expect(tokens.map(\.id) == tokenizer.encode(prompt))
        #expect(
            tokens.map { String(prompt[$0.range]) }
                == ["An", "Éc", "lai", "r", ",", "una", "ffa", "ble", "🏠", "[SEP]", "中"])
        #expect(String(prompt[tokens[2].word]) == "Éclair")
        #expect(tokenizer.decode([101, 14_477, 20_961, 3468, 102, 99_999]) == "[CLS] unaffable [SEP]\u{FFFD}")
        #expect(tokenizer.padded("a b c", length: 3).cut == 2)
        #expect(tokenizer.padded("a", length: 0).ids.isEmpty)
    }

    @Test func aFoldersVocabularyIsRead() throws {
        let folder = try TemporaryFolder()
        let own = try BERTTokenizer()
        let text = try #require(
            VocabularyFolder.candidates.lazy.compactMap {
                try? String(contentsOf: $0.appendingPathComponent("bert-uncased-vocab.txt"), encoding: .utf8)
            }.first)
        try folder.write("vocab.txt", text)
        let prompt = "A Café by the lake, unaffable!"
        #expect(try BERTTokenizer(folder: folder.path).padded(prompt).ids == own.padded(prompt).ids)
        try folder.write("tokenizer_config.json", #"{"do_lower_case": false}"#)
        #expect(try BERTTokenizer(folder: folder.path).encode("A").first == own.unknownToken)
        try folder.remove("vocab.txt")
        try folder.remove("tokenizer_config.json")
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "lake", "##s", "a"]
        let vocabulary = words.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ",")
        try folder.write("tokenizer.json", #"{"model": {"type": "WordPiece", "vocab": {"# + vocabulary + "}}}")
        #expect(try BERTTokenizer(folder: folder.path).encode("A Lakes lake sea") == [6, 4, 5, 4, 1])
        for damage in ["", "{}", #"{"model": {"type": "BPE", "vocab": {}}}"#, #"{"model": {"vocab": {"a": 1}}}"#] {
            try folder.write("tokenizer.json", damage)
            #expect(throws: TokenizerError.self) { try BERTTokenizer(folder: folder.path) }
        }
        for damage in ["[PAD]\n[PAD]\n", "a\n\nb\n", "a\nb\n"] {
            try folder.write("vocab.txt", damage)
            #expect(throws: TokenizerError.self) { try BERTTokenizer(folder: folder.path) }
        }
    }
}

final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "moonlit-tokenizers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
