/// A byte-pair vocabulary: which neighbouring symbols merge, in which order, and what bytes each token stands for.
///
/// Sennrich, Haddow and Birch, *Neural Machine Translation of Rare Words with Subword Units*, 2016; over bytes as in
/// GPT-2 (`openai/gpt-2`, `src/encoder.py`). A merge's token number is the count of base symbols plus its line, unless a
/// vocabulary of its own says otherwise; among possible merges the one that stands first in the list comes first.
package struct BytePairs: Sendable {
    /// The bytes of all tokens, one after the other; token `i` has `bytes[starts[i] ..< starts[i + 1]]`.
    private let bytes: [UInt8]
    private let starts: [Int]
    /// Whether a token ends a word (CLIP's `</w>`).
    private let endsWord: [Bool]
    /// The token of each single byte.
    private let baseIDs: [Int]
    /// The distance from a byte's token to that of the same byte at a word's end; 0 without such tokens.
    private let endOfWordOffset: Int
    /// Pair of tokens, packed by `pair(_:_:)`, to the merge's place in the list and the token it makes.
    private let merges: [UInt64: Merge]
    /// What each token is called outside, where a vocabulary numbers them in another order; and back.
    private let numbers: [Int]?
    private let tokens: [Int: Int]

    private struct Merge: Equatable {
        var rank: Int
        var token: Int
    }

    /// Tokens, not counting special ones.
    package var count: Int { endsWord.count }

    /// Reads a merge list: a header line, then a line a merge, two symbols with a space between.
    ///
    /// - Parameters:
    ///   - text: the file's bytes.
    ///   - file: its name, for errors.
    ///   - marksWordEnds: whether a word's last symbol carries `</w>`, as CLIP's do.
    package init(_ text: [UInt8], file: String, marksWordEnds: Bool) throws(TokenizerError) {
        var builder = Builder(marksWordEnds: marksWordEnds)
        let newline = UInt8(ascii: "\n"), space = UInt8(ascii: " ")
        for (line, content) in text.split(separator: newline, omittingEmptySubsequences: false).enumerated() {
            if line == 0 || content.isEmpty { continue }
            guard let gap = content.firstIndex(of: space) else {
                throw .damagedVocabulary(file: file, line: line + 1, reason: "a merge is two symbols with a space between")
            }
            do throws(Builder.Fault) {
                let isNew = try builder.merge(Symbol(bytes: content[..<gap]), Symbol(bytes: content[(gap + 1)...]))
                guard isNew else { throw .repeated }
            } catch {
                throw .damagedVocabulary(file: file, line: line + 1, reason: error.description)
            }
        }
        self.init(builder, numbers: nil)
    }

    /// Merges with a vocabulary that numbers their tokens in its own way. Symbols that are no entry of it become
    /// `unknown`.
    ///
    /// - Parameter file: where merges come from, for errors.
    package init(
        merges: [(left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)], vocabulary: [Symbol: Int], unknown: Int,
        file: String, firstLine: Int
    ) throws(TokenizerError) {
        var builder = Builder(marksWordEnds: true)
        for (index, merge) in merges.enumerated() {
            let made = Symbol(bytes: merge.left + merge.right)
            do throws(Builder.Fault) {
                guard vocabulary[made] != nil else { throw .unnumbered(made) }
                _ = try builder.merge(Symbol(bytes: merge.left), Symbol(bytes: merge.right))
            } catch {
                throw .damagedFile(path: file, problem: "merge \(firstLine + index): \(error)")
            }
        }
        var numbers = [Int](repeating: unknown, count: builder.endsWord.count)
        for (symbol, token) in builder.ids { numbers[token] = vocabulary[symbol] ?? unknown }
        self.init(builder, numbers: numbers)
    }

    private init(_ builder: Builder, numbers: [Int]?) {
        bytes = builder.bytes
        starts = builder.starts
        endsWord = builder.endsWord
        baseIDs = builder.baseIDs
        endOfWordOffset = builder.marksWordEnds ? 256 : 0
        merges = builder.merges
        self.numbers = numbers
        tokens = Dictionary(
            (numbers ?? []).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether this vocabulary is `other`, whose tokens are numbered in the merges' order.
    package func isSame(as other: BytePairs) -> Bool {
        merges == other.merges && endsWord == other.endsWord
            && (numbers.map { $0.elementsEqual($0.indices) } ?? true) && other.numbers == nil
    }

    /// Collects merges one by one.
    private struct Builder {
        let marksWordEnds: Bool
        var bytes: [UInt8] = []
        var starts = [0]
        var endsWord: [Bool] = []
        var ids: [Symbol: Int] = [:]
        var merges: [UInt64: Merge] = [:]
        var baseIDs = [Int](repeating: 0, count: 256)
        private var rank: Int

        enum Fault: Error, CustomStringConvertible {
            case unknown(Symbol), endInside, repeated, unnumbered(Symbol)

            var description: String {
                switch self {
                case .unknown(let symbol): "symbol \(symbol) is neither a byte nor an earlier merge"
                case .endInside, .repeated: "this merge makes no new symbol"
                case .unnumbered(let symbol): "the vocabulary has no \(symbol)"
                }
            }
        }

        init(marksWordEnds: Bool) {
            self.marksWordEnds = marksWordEnds
            ids.reserveCapacity(52_000)
            merges.reserveCapacity(52_000)
            for ending in marksWordEnds ? [false, true] : [false] {
                for (byte, character) in BytePairs.alphabet {
                    if !ending { baseIDs[Int(byte)] = endsWord.count }
                    let name = Array(String(character).utf8) + (ending ? BytePairs.wordEnd : [])
                    ids[Symbol(bytes: name[...])] = endsWord.count
                    bytes.append(byte)
                    starts.append(bytes.count)
                    endsWord.append(ending)
                }
            }
            rank = endsWord.count
        }

        /// - Returns: whether the merge makes a symbol that was not there.
        mutating func merge(_ left: Symbol, _ right: Symbol) throws(Fault) -> Bool {
            guard let first = ids[left], let second = ids[right] else {
                throw .unknown(ids[left] == nil ? left : right)
            }
            guard !endsWord[first] else { throw .endInside }
            let made = Symbol(bytes: left.bytes + right.bytes)
            defer { rank += 1 }
            if let token = ids[made] {
                merges[BytePairs.pair(first, second)] = Merge(rank: rank, token: token)
                return false
            }
            ids[made] = endsWord.count
            merges[BytePairs.pair(first, second)] = Merge(rank: rank, token: endsWord.count)
            // One by one: a slice of `bytes` appended to itself would copy the whole table.
            for part in [first, second] {
                for place in starts[part]..<starts[part + 1] { bytes.append(bytes[place]) }
            }
            starts.append(bytes.count)
            endsWord.append(endsWord[second])
            return true
        }
    }

    /// The bytes of a token and whether a word ends with it, or nil where there is no such token.
    package func token(_ id: Int) -> (bytes: ArraySlice<UInt8>, endsWord: Bool)? {
        guard let id = numbers == nil ? id : tokens[id], endsWord.indices.contains(id) else { return nil }
        return (bytes[starts[id]..<starts[id + 1]], endsWord[id])
    }

    /// Splits a word into tokens: merges the pair that comes first in the list, leftmost first, until none is left.
    /// Takes time n log n in the word's length, so that a prompt of one enormous word is no trap.
    package func split(_ word: some Collection<UInt8>, into emit: (_ id: Int, _ byteCount: Int) -> Void) {
        var symbols = Symbols(word.map { baseIDs[Int($0)] })
        guard !symbols.ids.isEmpty else { return }
        symbols.ids[symbols.ids.count - 1] += endOfWordOffset

        var queue = MinimumHeap()
        for position in 0..<symbols.ids.count - 1 {
            if let next = merge(at: position, in: symbols) { queue.push(Self.entry(next.rank, position)) }
        }
        while let entry = queue.pop() {
            let (rank, position) = Self.parts(entry)
            // A neighbour may have merged since; then this entry is stale.
            guard symbols.lengths[position] > 0, let merge = merge(at: position, in: symbols), merge.rank == rank
            else { continue }
            symbols.join(position, as: merge.token)
            for changed in [symbols.previous(position), position] {
                if let changed, let next = self.merge(at: changed, in: symbols) {
                    queue.push(Self.entry(next.rank, changed))
                }
            }
        }
        var position = 0
        while position < symbols.ids.count {
            let id = symbols.ids[position]
            emit(numbers?[id] ?? id, symbols.lengths[position])
            position += symbols.lengths[position]
        }
    }

    private func merge(at position: Int, in symbols: Symbols) -> Merge? {
        let next = position + symbols.lengths[position]
        return next < symbols.ids.count ? merges[Self.pair(symbols.ids[position], symbols.ids[next])] : nil
    }

    private static func pair(_ first: Int, _ second: Int) -> UInt64 { UInt64(first) << 32 | UInt64(second) }

    /// Orders by rank, then by place. Ranks stay far under 2²⁴, places under 2⁴⁰.
    private static func entry(_ rank: Int, _ position: Int) -> UInt64 { UInt64(rank) << 40 | UInt64(position) }
    private static func parts(_ entry: UInt64) -> (rank: Int, position: Int) {
        (Int(entry >> 40), Int(entry & (1 << 40 - 1)))
    }

    private static let wordEnd = Array("</w>".utf8)

    /// GPT-2's printable stand-ins for bytes, in the order that numbers them: the visible characters of Latin-1 stand
    /// for themselves and come first, then the others as U+0100 and on.
    static let alphabet: [(byte: UInt8, character: Unicode.Scalar)] = {
        let visible = [UInt8](0x21...0x7E) + [UInt8](0xA1...0xAC) + [UInt8](0xAE...0xFF)
        let hidden = (UInt8.min...UInt8.max).filter { !visible.contains($0) }
        return visible.map { ($0, Unicode.Scalar($0)) }
            + hidden.enumerated().compactMap { index, byte in Unicode.Scalar(0x100 + index).map { (byte, $0) } }
    }()
}

/// A symbol as the merge list spells it. Hashes its bytes at once, where a slice would hash them one by one.
package struct Symbol: Hashable, Sendable, CustomStringConvertible {
    package var bytes: ArraySlice<UInt8>

    package init(bytes: ArraySlice<UInt8>) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8)[...] }

    package func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    package static func == (first: Symbol, second: Symbol) -> Bool {
        first.bytes.elementsEqual(second.bytes)
    }

    /// Between quotation marks, safe to print and not too long.
    package var description: String {
        "\"" + String(decoding: bytes.prefix(100), as: UTF8.self).map { $0.isNewline ? " " : String($0) }.joined() + "\""
    }
}

/// A word's symbols as a linked list laid over its bytes: a symbol sits where its first byte does, and is as long as
/// its bytes; the places it covers have length 0.
private struct Symbols {
    var ids: [Int]
    var lengths: [Int]
    /// For each place that starts a symbol, the length of the symbol before it (0 for the first).
    private var lengthsBefore: [Int]

    init(_ ids: [Int]) {
        self.ids = ids
        lengths = [Int](repeating: 1, count: ids.count)
        lengthsBefore = lengths
        if !ids.isEmpty { lengthsBefore[0] = 0 }
    }

    func previous(_ position: Int) -> Int? { position > 0 ? position - lengthsBefore[position] : nil }

    /// Joins the symbol at `position` with the one after it.
    mutating func join(_ position: Int, as id: Int) {
        let second = position + lengths[position]
        lengths[position] += lengths[second]
        lengths[second] = 0
        ids[position] = id
        let after = position + lengths[position]
        if after < ids.count { lengthsBefore[after] = lengths[position] }
    }
}

/// A binary heap, smallest first.
private struct MinimumHeap {
    private var items: [UInt64] = []

    mutating func push(_ item: UInt64) {
        items.append(item)
        var child = items.count - 1
        while child > 0, items[(child - 1) / 2] > items[child] {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> UInt64? {
        guard let last = items.popLast() else { return nil }
        guard let smallest = items.first else { return last }
        items[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < items.count else { return smallest }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            guard items[child] < items[parent] else { return smallest }
            items.swapAt(parent, child)
            parent = child
        }
    }
}
