import Foundation

/// A folder of tokenizer files as transformers writes them.
struct TokenizerFolder {
    private static let largest = 64 << 20

    let path: String

    func path(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

    /// The file's bytes, nil where there is no such file.
    func read(_ name: String) throws(TokenizerError) -> [UInt8]? {
        let file = path(name)
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        let resolved = (file as NSString).resolvingSymlinksInPath
        let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else {
            throw .damagedFile(path: file, problem: "is no file")
        }
        let size = (attributes?[.size] as? NSNumber)?.intValue ?? 0
        guard size <= Self.largest else {
            throw .damagedFile(path: file, problem: "is \(size) bytes long; expected at most \(Self.largest)")
        }
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw .damagedFile(path: file, problem: "cannot be read: \(error)")
        }
    }

    /// - Throws: also where the file holds no JSON object.
    func object(_ name: String) throws(TokenizerError) -> JSONNode? {
        guard let bytes = try read(name) else { return nil }
        let node = try JSONNode(bytes, file: path(name))
        guard case .object = node else { throw .damagedFile(path: path(name), problem: "does not hold a JSON object") }
        return node
    }

    /// The text of a special token: a string, or an object with `content`.
    static func token(_ node: JSONNode?) -> String? { node?.text ?? node?["content"]?.text }

    /// An object of tokens and their numbers. No number may stand twice.
    static func vocabulary(_ node: JSONNode, file: String) throws(TokenizerError) -> [Symbol: Int] {
        guard case .object(let members) = node else {
            throw .damagedFile(path: file, problem: "its vocabulary is no JSON object")
        }
        var vocabulary: [Symbol: Int] = [:]
        vocabulary.reserveCapacity(members.count)
        var numbers: Set<Int> = []
        for (key, value) in members {
            let symbol = Symbol(bytes: key[...])
            guard let number = value.whole(in: 0..<1 << 22) else {
                throw .damagedFile(path: file, problem: "the token \(symbol) has no number of 0 to \(1 << 22 - 1)")
            }
            guard numbers.insert(number).inserted, vocabulary.updateValue(number, forKey: symbol) == nil else {
                throw .damagedFile(path: file, problem: "the token \(symbol) or its number \(number) stands twice")
            }
        }
        return vocabulary
    }
}

/// What the files of a CLIP tokenizer say.
struct CLIPTokenizerFiles {
    let pairs: BytePairs
    /// What each token is called, and its number.
    let vocabulary: [Symbol: Int]
    let start, end: (text: String, id: Int)
    /// Those and others that are found in a prompt before its words are.
    let specials: [(text: String, id: Int)]
    let padding: Int
    /// One more than the highest number.
    let count: Int
    let contextLength: Int

    init(folder path: String) throws(TokenizerError) {
        let folder = TokenizerFolder(path: path)
        var vocabulary: [Symbol: Int]
        let merges: [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)]
        let (mergesFile, vocabularyFile): (String, String)
        if let words = try folder.object("vocab.json"), let list = try folder.read("merges.txt") {
            (vocabularyFile, mergesFile) = (folder.path("vocab.json"), folder.path("merges.txt"))
            vocabulary = try TokenizerFolder.vocabulary(words, file: vocabularyFile)
            merges = try Self.merges(list, file: mergesFile)
        } else if let all = try folder.object("tokenizer.json") {
            vocabularyFile = folder.path("tokenizer.json")
            mergesFile = vocabularyFile
            guard let words = all["model"]?["vocab"], case .array(let list)? = all["model"]?["merges"] else {
                throw .damagedFile(path: mergesFile, problem: "has no byte-pair model with a vocabulary and merges")
            }
            vocabulary = try TokenizerFolder.vocabulary(words, file: vocabularyFile)
            merges = try Self.merges(list, file: mergesFile)
            if case .array(let added)? = all["added_tokens"] {
                for token in added {
                    guard let text = token["content"]?.text, let id = token["id"]?.whole(in: 0..<1 << 22) else {
                        throw .damagedFile(path: vocabularyFile, problem: "an added token lacks its content or id")
                    }
                    vocabulary[Symbol(text)] = id
                }
            }
        } else {
            throw .damagedFile(path: path, problem: "holds no vocab.json with merges.txt, and no tokenizer.json")
        }
        if let added = try folder.object("added_tokens.json") {
            let more = try TokenizerFolder.vocabulary(added, file: folder.path("added_tokens.json"))
            vocabulary.merge(more) { first, _ in first }
        }

        let names = try SpecialTokens(folder)
        func find(_ key: String, _ standard: String) throws(TokenizerError) -> (text: String, id: Int) {
            let text = names[key] ?? standard
            guard let id = vocabulary[Symbol(text)] else {
                throw .damagedFile(path: vocabularyFile, problem: "lacks \(key) \(Symbol(text))")
            }
            return (text, id)
        }
        start = try find("bos_token", "<|startoftext|>")
        end = try find("eos_token", "<|endoftext|>")
        let (pad, unknown) = (try find("pad_token", end.text), try find("unk_token", end.text))
        padding = pad.id
        var specials: [(text: String, id: Int)] = []
        for token in [start, end, pad, unknown] where !specials.contains(where: { $0.text == token.text }) {
            if !token.text.isEmpty { specials.append(token) }
        }
        self.specials = specials
        contextLength = names.contextLength ?? 77
        count = (vocabulary.values.max() ?? 0) + 1
        pairs = try BytePairs(
            merges: merges, vocabulary: vocabulary, unknown: unknown.id, file: mergesFile,
            firstLine: mergesFile.hasSuffix("merges.txt") ? 2 : 1)
        self.vocabulary = vocabulary
    }

    private static func merges(
        _ text: [UInt8], file: String
    ) throws(TokenizerError) -> [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)] {
        var merges: [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)] = []
        for (line, content) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let content = content.last == UInt8(ascii: "\r") ? content.dropLast() : content
            if line == 0 || content.isEmpty { continue }
            merges.append(try pair(content, file: file, place: "line \(line + 1)"))
        }
        return merges
    }

    /// Each a string of two symbols, or a list of two.
    private static func merges(
        _ list: [JSONNode], file: String
    ) throws(TokenizerError) -> [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)] {
        var merges: [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)] = []
        for (index, node) in list.enumerated() {
            switch node {
            case .string(let text): merges.append(try pair(text[...], file: file, place: "merge \(index + 1)"))
            case .array(let parts):
                guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1] else {
                    fallthrough
                }
                merges.append((left[...], right[...]))
            default: throw .damagedFile(path: file, problem: "merge \(index + 1) is not two symbols")
            }
        }
        return merges
    }

    private static func pair(
        _ content: ArraySlice<UInt8>, file: String, place: String
    ) throws(TokenizerError) -> (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>) {
        guard let gap = content.firstIndex(of: UInt8(ascii: " ")) else {
            throw .damagedFile(path: file, problem: "\(place) is not two symbols with a space between")
        }
        return (content[..<gap], content[(gap + 1)...])
    }
}

/// What a tokenizer's configuration calls its special tokens.
struct SpecialTokens {
    private let names: [String: String]
    let contextLength: Int?

    /// `special_tokens_map.json` goes first, unless `tokenizer_config.json` was written by a transformers that lists
    /// all added tokens there; so does transformers.
    init(_ folder: TokenizerFolder) throws(TokenizerError) {
        let configuration = try folder.object("tokenizer_config.json")
        let map = try folder.object("special_tokens_map.json")
        let isComplete = configuration?["added_tokens_decoder"] != nil
        var names: [String: String] = [:]
        for key in ["bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"] {
            let (said, mapped) = (TokenizerFolder.token(configuration?[key]), TokenizerFolder.token(map?[key]))
            names[key] = isComplete ? said ?? mapped : mapped ?? said
        }
        self.names = names
        // Written where the length is not known: a number too large to be one.
        contextLength = configuration?["model_max_length"]?.whole(in: 3..<65_537)
    }

    subscript(_ key: String) -> String? { names[key] }
}
