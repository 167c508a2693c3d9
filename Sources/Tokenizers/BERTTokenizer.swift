/// BERT's WordPiece encoding, in lower case and without accents: start token, pieces, end token, padding. The
/// 1.4-billion latent diffusion model reads it. Agrees with transformers' `BertTokenizer` for `bert-base-uncased`
/// (Devlin et al. 2019; google-research/bert `tokenization.py`).
public struct BERTTokenizer: Tokenizer {
    /// `[CLS]`, 101.
    public let startToken: Int
    /// `[SEP]`, 102.
    public let endToken: Int
    /// `[UNK]`, 100: a word that no pieces make.
    public let unknownToken: Int
    /// `[PAD]`, 0.
    public let paddingToken: Int
    /// 77, latent diffusion's.
    public let contextLength: Int

    private let pieces: WordPieces
    /// Special tokens, which stand for themselves when a prompt spells them so.
    private let specials: [(text: [Unicode.Scalar], id: Int)]
    private let lowercases: Bool
    private let stripsAccents: Bool

    /// - Throws: `TokenizerError` where the vocabulary that comes with Moonlit is missing or damaged.
    public init() throws(TokenizerError) {
        try self.init(pieces: Self.loaded.get(), file: Self.vocabularyFile, names: { _ in nil })
    }

    /// Reads the tokenizer of a model: `vocab.txt`, or the WordPiece model of `tokenizer.json`, with what
    /// `tokenizer_config.json` says.
    ///
    /// - Throws: `TokenizerError` naming the file that is missing or damaged.
    public init(folder path: String) throws(TokenizerError) {
        let folder = TokenizerFolder(path: path)
        let configuration = try folder.object("tokenizer_config.json")
        let names = try SpecialTokens(folder)
        let pieces: WordPieces
        let file: String
        var normalizer = configuration
        if let text = try folder.read("vocab.txt") {
            file = folder.path("vocab.txt")
            pieces = try WordPieces(lines: text, file: file)
        } else if let all = try folder.object("tokenizer.json") {
            file = folder.path("tokenizer.json")
            guard all["model"]?["type"]?.text ?? "WordPiece" == "WordPiece", let words = all["model"]?["vocab"] else {
                throw .damagedFile(path: file, problem: "has no WordPiece model with a vocabulary")
            }
            pieces = WordPieces(try TokenizerFolder.vocabulary(words, file: file))
            normalizer = all["normalizer"] ?? configuration
        } else {
            throw .damagedFile(path: path, problem: "holds no vocab.txt and no tokenizer.json")
        }
        let lowercases = normalizer?["do_lower_case"]?.isTrue ?? normalizer?["lowercase"]?.isTrue ?? true
        try self.init(
            pieces: pieces, file: file, names: { names[$0] }, lowercases: lowercases,
            stripsAccents: normalizer?["strip_accents"]?.isTrue ?? lowercases)
    }

    private init(
        pieces: WordPieces, file: String, names: (String) -> String?, lowercases: Bool = true,
        stripsAccents: Bool = true
    ) throws(TokenizerError) {
        var found: [(text: [Unicode.Scalar], id: Int)] = []
        for (key, standard) in [
            ("cls_token", "[CLS]"), ("sep_token", "[SEP]"), ("unk_token", "[UNK]"), ("pad_token", "[PAD]"),
        ] {
            let text = names(key) ?? standard
            guard let id = pieces.ids[Symbol(text)] else {
                throw .damagedFile(path: file, problem: "lacks \(key) \(Symbol(text))")
            }
            found.append((Array(text.unicodeScalars), id))
        }
        startToken = found[0].id
        endToken = found[1].id
        unknownToken = found[2].id
        paddingToken = found[3].id
        contextLength = 77
        if let id = pieces.ids[Symbol(names("mask_token") ?? "[MASK]")] {
            found.append((Array((names("mask_token") ?? "[MASK]").unicodeScalars), id))
        }
        specials = found.filter { !$0.text.isEmpty }
        self.pieces = pieces
        self.lowercases = lowercases
        self.stripsAccents = stripsAccents
    }

    /// 30,522.
    public var vocabularyCount: Int { pieces.count }

    public func encode(_ text: String) -> [Int] {
        var ids: [Int] = []
        scan(text) { id, _, _ in ids.append(id) }
        return ids
    }

    public func tokens(in text: String) -> [Token] {
        let utf8 = text.utf8
        func index(_ offset: Int) -> String.Index {
            utf8.index(utf8.startIndex, offsetBy: offset, limitedBy: utf8.endIndex) ?? utf8.endIndex
        }
        var tokens: [Token] = []
        scan(text) { id, range, word in
            tokens.append(
                Token(
                    id: id, range: index(range.lowerBound)..<index(range.upperBound),
                    word: index(word.lowerBound)..<index(word.upperBound)))
        }
        return tokens
    }

    /// The start token, as many pieces as fit, the end token, then padding.
    public func padded(_ text: String, length: Int) -> PaddedTokens {
        let length = max(length, 0)
        let all = encode(text)
        let kept = all.prefix(max(length - 2, 0))
        let ids = Array(([startToken] + kept + [endToken]).suffix(length))
        let missing = length - ids.count
        return PaddedTokens(
            ids: ids + [Int](repeating: paddingToken, count: missing),
            mask: [Bool](repeating: true, count: ids.count) + [Bool](repeating: false, count: missing),
            cut: all.count - kept.count)
    }

    /// Words with a space between; a piece that goes on with a word stands against it.
    public func decode(_ ids: some Sequence<Int>) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            guard let piece = pieces.piece(id) else {
                bytes += "\u{FFFD}".utf8
                continue
            }
            if piece.starts(with: WordPieces.continuation) {
                bytes += piece.dropFirst(WordPieces.continuation.count)
            } else {
                if !bytes.isEmpty { bytes.append(UInt8(ascii: " ")) }
                bytes += piece
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Words

    /// Hands over each token with the bytes of the prompt that it, and its word, stand for.
    private func scan(_ text: String, _ emit: (_ id: Int, _ range: Range<Int>, _ word: Range<Int>) -> Void) {
        let whole = SourceText(text).elements
        var start = 0
        var place = 0
        while place < whole.count {
            guard let special = special(at: place, in: whole) else {
                place += 1
                continue
            }
            scanWords(whole[start..<place], emit)
            let end = place + special.text.count
            let range = origin(whole[place..<end])
            emit(special.id, range, range)
            (start, place) = (end, end)
        }
        scanWords(whole[start...], emit)
    }

    private func special(
        at place: Int, in text: [SourceText.Element]
    ) -> (text: [Unicode.Scalar], id: Int)? {
        specials.first { special in
            text[place].scalar == special.text[0] && place + special.text.count <= text.count
                && text[place..<place + special.text.count].lazy.map(\.scalar).elementsEqual(special.text)
        }
    }

    private func scanWords(
        _ text: ArraySlice<SourceText.Element>, _ emit: (_ id: Int, _ range: Range<Int>, _ word: Range<Int>) -> Void
    ) {
        let cleaned = clean(text)
        var start = 0
        func word(_ range: Range<Int>) {
            guard !range.isEmpty else { return }
            let elements = cleaned[range]
            let origin = origin(elements)
            guard let split = pieces.split(elements.map(\.scalar)) else { return emit(unknownToken, origin, origin) }
            for (id, places) in split {
                let first = range.lowerBound + places.lowerBound
                emit(id, self.origin(cleaned[first..<first + places.count]), origin)
            }
        }
        for (place, element) in cleaned.enumerated() {
            let isSpace = element.scalar.isWordPieceSpace
            // Ideographs and punctuation are words of their own.
            guard isSpace || element.scalar.standsAloneInWordPiece else { continue }
            word(start..<place)
            if !isSpace { word(place..<place + 1) }
            start = place + 1
        }
        word(start..<cleaned.count)
    }

    private func origin(_ elements: ArraySlice<SourceText.Element>) -> Range<Int> {
        var lower = Int.max, upper = 0
        for element in elements {
            lower = min(lower, element.source.lowerBound)
            upper = max(upper, element.source.upperBound)
        }
        return lower <= upper ? lower..<upper : 0..<0
    }

    /// Without control characters; in lower case and without accents where the vocabulary is.
    private func clean(_ text: ArraySlice<SourceText.Element>) -> [SourceText.Element] {
        var text = SourceText(elements: text.filter { !$0.scalar.isWordPieceControl })
        if lowercases { text = text.lowercased(finalSigma: .ignored) }
        guard stripsAccents else { return text.canonicallyComposed().elements }
        return text.elements.flatMap { element in
            element.scalar.canonicalParts.filter { $0.properties.generalCategory != .nonspacingMark }.map {
                SourceText.Element(scalar: $0, source: element.source)
            }
        }
    }

    private static let vocabularyFile = "bert-uncased-vocab.txt"

    /// Read once, when first asked for.
    private static let loaded = Result { () throws(TokenizerError) -> WordPieces in
        try WordPieces(lines: VocabularyFolder.read(vocabularyFile), file: vocabularyFile)
    }
}

extension Unicode.Scalar {
    fileprivate var isWordPieceSpace: Bool {
        switch self {
        case " ", "\t", "\n", "\r": return true
        default:
            switch properties.generalCategory {
            case .spaceSeparator, .lineSeparator, .paragraphSeparator: return true
            default: return false
            }
        }
    }

    fileprivate var isWordPieceControl: Bool {
        switch self {
        case "\t", "\n", "\r": return false
        case "\0", "\u{FFFD}": return true
        default:
            switch properties.generalCategory {
            case .control, .format, .unassigned, .privateUse, .surrogate: return true
            default: return false
            }
        }
    }

    /// Every ASCII sign that is no letter, digit or space; Unicode's punctuation; and ideographs.
    fileprivate var standsAloneInWordPiece: Bool {
        switch value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        case 0...0x7F: return false
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B820...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            return true
        default:
            switch properties.generalCategory {
            case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
                .finalPunctuation, .otherPunctuation:
                return true
            default: return false
            }
        }
    }
}
