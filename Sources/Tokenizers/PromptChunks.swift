/// How a prompt is read by a CLIP tower.
public struct PromptReading: Hashable, Sendable, Codable {
    public enum Emphasis: String, Hashable, Sendable, Codable, CaseIterable {
        /// Brackets weigh words, in the web UIs' syntax.
        case weighted
        /// Brackets are text.
        case literal
    }

    public enum Length: String, Hashable, Sendable, Codable, CaseIterable {
        /// As many chunks as the prompt needs.
        case chunked
        /// One chunk; what does not fit is left out.
        case cut
    }

    public var emphasis: Emphasis
    public var length: Length

    public init(emphasis: Emphasis = .weighted, length: Length = .chunked) {
        self.emphasis = emphasis
        self.length = length
    }

    /// As the web UIs read it.
    public static let webUI = PromptReading()
    /// As diffusers reads it.
    public static let plain = PromptReading(emphasis: .literal, length: .cut)
}

/// A word that stands for rows of an added table: textual inversion.
public struct AddedWord: Hashable, Sendable {
    /// Found in a prompt whatever its case, where no letter or digit goes on with it.
    public var word: String
    /// Token numbers beyond the vocabulary.
    public var ids: [Int]

    public init(word: String, ids: [Int]) {
        self.word = word
        self.ids = ids
    }
}

/// As many tokens as a tower reads at once: start, up to 75, end, padding.
public struct PromptChunk: Hashable, Sendable {
    public var tokens: [Int]
    /// What each token's state is multiplied by.
    public var weights: [Double]

    public init(tokens: [Int], weights: [Double]) {
        self.tokens = tokens
        self.weights = weights
    }

    public var isWeighted: Bool { weights.contains { $0 != 1 } }
}

/// A prompt as chunks of tokens.
public struct ChunkedPrompt: Hashable, Sendable {
    public var chunks: [PromptChunk]
    /// How many of the prompt's tokens did not fit.
    public var cut: Int

    public init(chunks: [PromptChunk], cut: Int = 0) {
        self.chunks = chunks
        self.cut = cut
    }
}

/// Cuts prompts into chunks of weighted tokens for a CLIP tower, as AUTOMATIC1111's web UI does: a text that does not
/// fit goes on in the next chunk, from the last comma on if that is near; `BREAK` fills the chunk with padding.
///
///     let chunker = PromptChunker(tokenizer)
///     chunker.chunks(of: "a (red:1.3) boat on a lake").chunks  // one, of 77 tokens
public struct PromptChunker: Sendable {
    /// A chunk that ends within this many tokens of its last comma ends there.
    public static let commaReach = 20

    public let tokenizer: CLIPTokenizer
    /// Tokens of a chunk.
    public let context: Int
    public let reading: PromptReading
    /// The longest first.
    public let added: [AddedWord]
    private let words: [[Unicode.Scalar]]
    private let comma: Int?

    /// - Parameter context: 3 at least; the tokenizer's where nil.
    public init(
        _ tokenizer: CLIPTokenizer, context: Int? = nil, reading: PromptReading = .webUI, added: [AddedWord] = []
    ) {
        self.tokenizer = tokenizer
        self.context = max(3, context ?? tokenizer.contextLength)
        self.reading = reading
        let spelt = added.map { ($0, Self.folded($0.word)) }.filter { !$0.1.isEmpty && !$0.0.ids.isEmpty }
            .sorted { $0.1.count > $1.1.count }
        self.added = spelt.map(\.0)
        words = spelt.map(\.1)
        let tokens = tokenizer.encode(",")
        comma = tokens.count == 1 ? tokens[0] : nil
    }

    /// The chunk of the empty prompt.
    public var emptyChunk: PromptChunk { closed([]) }

    /// At least one chunk.
    public func chunks(of prompt: String) -> ChunkedPrompt {
        let parsed = reading.emphasis == .weighted ? EmphasisedPrompt(prompt) : EmphasisedPrompt(literal: prompt)
        var filling = Filling(capacity: context - 2, comma: comma)
        for part in parsed.parts {
            switch part {
            case .chunkBreak: filling.endChunk()
            case .text(let text, let weight):
                for run in runs(of: text) {
                    if let ids = run.ids {
                        filling.add(together: ids, weight)
                    } else {
                        for id in tokenizer.encode(String(text[run.range])) { filling.add(id, weight) }
                    }
                }
            }
        }
        if !filling.isEmpty || filling.chunks.isEmpty { filling.endChunk() }
        switch reading.length {
        case .chunked: return ChunkedPrompt(chunks: filling.chunks.map(closed), cut: 0)
        case .cut:
            let all = filling.chunks.flatMap { $0 }
            let kept = all.prefix(context - 2)
            return ChunkedPrompt(chunks: [closed(Array(kept))], cut: all.count - kept.count)
        }
    }

    /// The tokens of a prompt that is read literally, each with the word that it is of, in the order of the chunks: what does
    /// not fit into one is among them.
    public func tokens(of prompt: String) -> [Token] {
        runs(of: prompt).flatMap { run in
            if let ids = run.ids { return ids.map { Token(id: $0, range: run.range, word: run.range) } }
            let text = String(prompt[run.range])
            func place(_ index: String.Index) -> String.Index {
                prompt.utf8.index(run.range.lowerBound, offsetBy: text.utf8.distance(from: text.startIndex, to: index))
            }
            func place(_ range: Range<String.Index>) -> Range<String.Index> {
                place(range.lowerBound)..<place(range.upperBound)
            }
            return tokenizer.tokens(in: text).map { Token(id: $0.id, range: place($0.range), word: place($0.word)) }
        }
    }

    /// Gives every prompt as many chunks as the longest has: a batch, or a prompt and its negative.
    public func evened(_ prompts: [ChunkedPrompt]) -> [ChunkedPrompt] {
        let most = prompts.map(\.chunks.count).max() ?? 0
        return prompts.map { prompt in
            var prompt = prompt
            prompt.chunks += [PromptChunk](repeating: emptyChunk, count: most - prompt.chunks.count)
            return prompt
        }
    }

    private func closed(_ content: [(id: Int, weight: Double)]) -> PromptChunk {
        let padding = context - content.count - 2
        return PromptChunk(
            tokens: [tokenizer.startToken] + content.map(\.id) + [tokenizer.endToken]
                + [Int](repeating: tokenizer.paddingToken, count: padding),
            weights: [1] + content.map(\.weight) + [Double](repeating: 1, count: 1 + padding))
    }

    // MARK: Added words

    /// A part of a text: an added word, or what stands between two.
    private struct Run {
        let range: Range<String.Index>
        /// Of an added word.
        var ids: [Int]?
    }

    private func runs(of text: String) -> [Run] {
        guard !words.isEmpty else { return [Run(range: text.startIndex..<text.endIndex)] }
        let indices = text.unicodeScalars.indices + [text.endIndex]
        let scalars = Array(text.unicodeScalars)
        let folded = scalars.map { Self.folded(String($0)) }
        var runs: [Run] = []
        var start = 0
        var place = 0
        func flush(to end: Int) {
            if start < end { runs.append(Run(range: indices[start]..<indices[end])) }
        }
        while place < scalars.count {
            guard let (index, end) = word(at: place, scalars, folded) else {
                place += 1
                continue
            }
            flush(to: place)
            runs.append(Run(range: indices[place]..<indices[end], ids: added[index].ids))
            (start, place) = (end, end)
        }
        flush(to: scalars.count)
        return runs
    }

    /// The longest added word that stands at a place, and where it ends.
    private func word(
        at place: Int, _ scalars: [Unicode.Scalar], _ folded: [[Unicode.Scalar]]
    ) -> (index: Int, end: Int)? {
        func goesOn(_ scalar: Unicode.Scalar) -> Bool {
            let kind = ScalarClass(scalar)
            return kind == .letter || kind == .number
        }
        for (index, word) in words.enumerated() {
            var matched = 0
            var end = place
            while matched < word.count, end < scalars.count, word[matched...].starts(with: folded[end]) {
                matched += folded[end].count
                end += 1
            }
            guard matched == word.count else { continue }
            if goesOn(word[0]), place > 0, goesOn(scalars[place - 1]) { continue }
            if goesOn(word[word.count - 1]), end < scalars.count, goesOn(scalars[end]) { continue }
            return (index, end)
        }
        return nil
    }

    private static func folded(_ text: String) -> [Unicode.Scalar] {
        text.unicodeScalars.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
    }

    /// Fills chunks one token at a time.
    private struct Filling {
        let capacity: Int
        let comma: Int?
        var chunks: [[(id: Int, weight: Double)]] = []
        private var current: [(id: Int, weight: Double)] = []
        private var lastComma: Int?

        init(capacity: Int, comma: Int?) {
            self.capacity = capacity
            self.comma = comma
        }

        var isEmpty: Bool { current.isEmpty }

        mutating func endChunk() {
            chunks.append(current)
            current = []
            lastComma = nil
        }

        mutating func add(_ id: Int, _ weight: Double) {
            if id == comma {
                lastComma = current.count
            } else {
                breakAtComma()
            }
            if current.count == capacity { endChunk() }
            current.append((id, weight))
        }

        /// Rows that are not to be parted, if they fit into a chunk at all.
        mutating func add(together ids: [Int], _ weight: Double) {
            breakAtComma()
            if current.count + ids.count > capacity, !current.isEmpty { endChunk() }
            for id in ids {
                if current.count == capacity { endChunk() }
                current.append((id, weight))
            }
        }

        private mutating func breakAtComma() {
            guard current.count == capacity, let comma = lastComma, capacity - comma <= PromptChunker.commaReach else {
                return
            }
            let moved = Array(current[(comma + 1)...])
            current.removeSubrange((comma + 1)...)
            endChunk()
            current = moved
        }
    }
}
