/// A WordPiece vocabulary: words are cut into the longest pieces it has, from the left; pieces that go on with a word
/// begin with `##` (Wu et al. 2016; google-research/bert `WordpieceTokenizer`).
struct WordPieces: Sendable {
    static let continuation = Array("##".utf8)
    /// Longer words are unknown as a whole.
    private static let longestWord = 100

    let ids: [Symbol: Int]
    /// One more than the highest number.
    let count: Int
    private let pieces: [Int: Symbol]
    /// The bytes of the longest piece.
    private let longest: Int

    init(_ ids: [Symbol: Int]) {
        self.ids = ids
        count = (ids.values.max() ?? -1) + 1
        pieces = Dictionary(ids.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        longest = ids.keys.map(\.bytes.count).max() ?? 0
    }

    /// A piece a line; a piece's number is its line's.
    init(lines text: [UInt8], file: String) throws(TokenizerError) {
        var ids: [Symbol: Int] = [:]
        ids.reserveCapacity(31_000)
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (number, line) in lines.enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard !line.isEmpty, ids.updateValue(number, forKey: Symbol(bytes: line)) == nil else {
                throw .damagedFile(
                    path: file, problem: "line \(number + 1): \(line.isEmpty ? "is empty" : "stands above already")")
            }
        }
        self.init(ids)
    }

    func piece(_ id: Int) -> ArraySlice<UInt8>? { pieces[id]?.bytes }

    /// - Returns: pieces and the places of the word they cover; nil where no pieces make the word.
    func split(_ word: [Unicode.Scalar]) -> [(id: Int, places: Range<Int>)]? {
        guard word.count <= Self.longestWord else { return nil }
        let spelt = word.map { Array(String($0).utf8) }
        var found: [(id: Int, places: Range<Int>)] = []
        var start = 0
        while start < word.count {
            // All that could be a piece from here, and where each scalar of it ends.
            var bytes = start > 0 ? Self.continuation : []
            var ends: [Int] = []
            for scalar in spelt[start...] {
                guard bytes.count + scalar.count <= longest else { break }
                bytes += scalar
                ends.append(bytes.count)
            }
            guard let length = ends.indices.reversed().first(where: { ids[Symbol(bytes: bytes[..<ends[$0]])] != nil }),
                let id = ids[Symbol(bytes: bytes[..<ends[length]])]
            else { return nil }
            found.append((id, start..<start + length + 1))
            start += length + 1
        }
        return found
    }
}
