internal import Foundation

/// CLIP's vocabulary, or what of it a small network knows, as the files that transformers' `CLIPTokenizer` reads.
///
/// A part of the vocabulary splits the words that are made of its tokens exactly as the whole one does: each token is made
/// in one way only, and all that it is made from on the way is in the part too. Other words fall into smaller pieces, in
/// the end into bytes, which every part has.
public struct CLIPVocabularyFiles: Sendable {
    /// What each number stands for.
    public let tokens: [String]
    /// Two symbols a line, in order.
    public let merges: [String]
    /// Of each of the whole vocabulary's tokens that is kept, its number here.
    public let numbers: [Int: Int]

    public static let startText = "<|startoftext|>"
    public static let endText = "<|endoftext|>"

    public var startToken: Int { tokens.count - 2 }
    public var endToken: Int { tokens.count - 1 }

    /// - Parameter kept: numbers of the whole vocabulary, whose tokens and all that they are made from stay; nil for all.
    /// - Throws: `TokenizerError` where the vocabulary that comes with Moonlit is missing or damaged.
    public init(keeping kept: (some Sequence<Int>)?) throws(TokenizerError) {
        let file = "clip-merges.txt"
        let text = String(decoding: try VocabularyFolder.read(file), as: UTF8.self)
        let lines = text.split(separator: "\n").dropFirst().map(String.init)
        let bytes = BytePairs.byteSymbols(marksWordEnds: true)
        var all = bytes
        var numberOf = Dictionary(uniqueKeysWithValues: bytes.enumerated().map { ($1, $0) })
        var parts: [(Int, Int)] = []
        for (index, line) in lines.enumerated() {
            let pair = line.split(separator: " ")
            guard pair.count == 2, let left = numberOf[String(pair[0])], let right = numberOf[String(pair[1])] else {
                throw .damagedVocabulary(file: file, line: index + 2, reason: "a merge is of two symbols that are there")
            }
            let made = String(pair[0] + pair[1])
            numberOf[made] = all.count
            all.append(made)
            parts.append((left, right))
        }
        var isKept = [Bool](repeating: kept == nil, count: all.count)
        for index in bytes.indices { isKept[index] = true }
        // What a token is made from stands before it.
        if let kept {
            for number in kept where isKept.indices.contains(number) { isKept[number] = true }
        }
        for number in all.indices.reversed() where isKept[number] && number >= bytes.count {
            let (left, right) = parts[number - bytes.count]
            isKept[left] = true
            isKept[right] = true
        }
        var (tokens, merges, numbers) = ([String](), [String](), [Int: Int]())
        for number in all.indices where isKept[number] {
            numbers[number] = tokens.count
            tokens.append(all[number])
            if number >= bytes.count { merges.append(lines[number - bytes.count]) }
        }
        numbers[all.count] = tokens.count
        numbers[all.count + 1] = tokens.count + 1
        self.tokens = tokens + [Self.startText, Self.endText]
        self.merges = merges
        self.numbers = numbers
    }

    /// Of each of the whole vocabulary's tokens that a model's tokenizer has, its number there.
    ///
    /// - Parameter folder: with files as transformers' CLIP tokenizers write them.
    /// - Throws: `TokenizerError` naming the file that is missing or damaged.
    package static func numbers(inFolder folder: String) throws(TokenizerError) -> [Int: Int] {
        let there = try CLIPTokenizerFiles(folder: folder).vocabulary
        let whole = try CLIPVocabularyFiles(keeping: [Int]?.none).tokens
        return Dictionary(
            whole.enumerated().compactMap { number, text in there[Symbol(text)].map { (number, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Writes `vocab.json`, `merges.txt`, `special_tokens_map.json` and `tokenizer_config.json`, making the folder.
    ///
    /// - Parameters:
    ///   - context: the tokens that a network reads at most.
    ///   - padding: what stands behind the end token; nil is the end token itself.
    public func write(to folder: String, context: Int, padding: String? = nil) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        func write(_ data: Data, _ name: String) throws {
            try data.write(to: URL(fileURLWithPath: (folder as NSString).appendingPathComponent(name)), options: .atomic)
        }
        let vocabulary = Dictionary(tokens.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        try write(encoder.encode(vocabulary), "vocab.json")
        try write(Data((["#version: 0.2"] + merges + [""]).joined(separator: "\n").utf8), "merges.txt")
        let special = [
            "bos_token": Self.startText, "eos_token": Self.endText, "unk_token": Self.endText,
            "pad_token": padding ?? Self.endText,
        ]
        try write(encoder.encode(special), "special_tokens_map.json")
        struct Configuration: Encodable {
            let bos_token, eos_token, unk_token, pad_token: String
            let model_max_length: Int
            let tokenizer_class = "CLIPTokenizer"
            let errors = "replace"
            let do_lower_case = true
            let add_prefix_space = false
        }
        try write(
            encoder.encode(Configuration(
                bos_token: Self.startText, eos_token: Self.endText, unk_token: Self.endText,
                pad_token: padding ?? Self.endText, model_max_length: context)),
            "tokenizer_config.json")
    }
}

extension BytePairs {
    /// The symbols of single bytes in the order of their numbers, with a word's end behind each where such are marked.
    package static func byteSymbols(marksWordEnds: Bool) -> [String] {
        let plain = alphabet.map { String($0.character) }
        return marksWordEnds ? plain + plain.map { $0 + "</w>" } : plain
    }
}
