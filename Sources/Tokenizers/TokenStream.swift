/// What both tokenizers share: words into tokens with their places, and back to text.
package struct TokenStream: Sendable {
    package let vocabulary: BytePairs
    package let scanner: WordScanner
    package let specials: [String]
    /// The special tokens' numbers.
    package let specialIDs: [Int]
    /// One more than the highest number.
    package let count: Int

    /// Special tokens are numbered from the end of the vocabulary on.
    package init(vocabulary: BytePairs, scanner: WordScanner, specials: [String]) {
        self.vocabulary = vocabulary
        self.scanner = scanner
        self.specials = specials
        specialIDs = Array(vocabulary.count..<vocabulary.count + specials.count)
        count = vocabulary.count + specials.count
    }

    /// - Parameter count: one more than the highest number of all.
    package init(
        vocabulary: BytePairs, scanner: WordScanner, specials: [(text: String, id: Int)], count: Int
    ) {
        self.vocabulary = vocabulary
        self.scanner = scanner
        self.specials = specials.map(\.text)
        specialIDs = specials.map(\.id)
        self.count = count
    }

    /// Hands over each token of `text` with the places of the scalars it covers and of its word.
    private func scan(_ text: SourceText, _ emit: (_ id: Int, _ range: Range<Int>, _ word: Range<Int>) -> Void) {
        var bytes: [UInt8] = []
        /// For each byte of the word, the place of its scalar.
        var places: [Int] = []
        for word in scanner.words(in: text) {
            if let special = word.special {
                emit(specialIDs[special], word.range, word.range)
                continue
            }
            bytes.removeAll(keepingCapacity: true)
            places.removeAll(keepingCapacity: true)
            for place in word.range {
                for byte in String(text.elements[place].scalar).utf8 {
                    bytes.append(byte)
                    places.append(place)
                }
            }
            var start = 0
            vocabulary.split(bytes) { id, byteCount in
                emit(id, places[start]..<places[start + byteCount - 1] + 1, word.range)
                start += byteCount
            }
        }
    }

    package func ids(in text: SourceText) -> [Int] {
        var ids: [Int] = []
        scan(text) { id, _, _ in ids.append(id) }
        return ids
    }

    /// The tokens of `text`, with origins as places in `prompt`, which it was cleaned from.
    package func tokens(in text: SourceText, of prompt: String) -> [Token] {
        let utf8 = prompt.utf8
        func index(_ offset: Int) -> String.Index {
            utf8.index(utf8.startIndex, offsetBy: offset, limitedBy: utf8.endIndex) ?? utf8.endIndex
        }
        func origin(_ places: Range<Int>) -> Range<String.Index> {
            var start = Int.max, end = 0
            for element in text.elements[places] {
                start = min(start, element.source.lowerBound)
                end = max(end, element.source.upperBound)
            }
            return index(start)..<index(end)
        }
        var tokens: [Token] = []
        var lastWord: (places: Range<Int>, origin: Range<String.Index>)?
        scan(text) { id, range, word in
            if lastWord?.places != word {
                var bare = word
                while bare.count > 1, ScalarClass(text.elements[bare.lowerBound].scalar) == .whitespace {
                    bare.removeFirst()
                }
                lastWord = (word, origin(bare))
            }
            let range = origin(range)
            tokens.append(Token(id: id, range: range, word: lastWord?.origin ?? range))
        }
        return tokens
    }

    package func decode(_ ids: some Sequence<Int>) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            if let special = specialIDs.firstIndex(of: id) {
                bytes += specials[special].utf8
            } else if let token = vocabulary.token(id) {
                bytes += token.bytes
                if token.endsWord { bytes.append(UInt8(ascii: " ")) }
            } else {
                bytes += "\u{FFFD}".utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
