/// A prompt in the web UIs' syntax, taken apart: `(word)` weighs 1.1, `((word))` 1.21, `(word:1.3)` what it says, `[word]`
/// 1 / 1.1; `\(`, `\)`, `\[`, `\]` and `\\` are those characters; `BREAK` begins a new chunk.
///
///     EmphasisedPrompt("an (important) word").parts
///     // [.text("an ", weight: 1), .text("important", weight: 1.1), .text(" word", weight: 1)]
///
/// As AUTOMATIC1111's web UI has it (its documentation's "Attention/emphasis", `parse_prompt_attention`): a bracket that
/// is not closed counts to the end, one that was not opened is text. Two things it does not do are put right: `BREAK`
/// within brackets breaks all the same, and `(word:1.2.3)` is text.
public struct EmphasisedPrompt: Hashable, Sendable {
    public enum Part: Hashable, Sendable {
        case text(String, weight: Double)
        /// What follows begins a chunk of tokens.
        case chunkBreak
    }

    /// Neighbouring texts differ in weight.
    public let parts: [Part]

    /// The prompt as it stands, brackets and all.
    public init(literal prompt: String) { parts = [.text(prompt, weight: 1)] }

    public init(_ prompt: String) {
        var parser = Parser(Array(prompt.unicodeScalars))
        parts = parser.parse()
    }

    /// The text without brackets and weights.
    public var text: String {
        parts.map { part in
            switch part {
            case .text(let text, _): text
            case .chunkBreak: " "
            }
        }.joined()
    }

    private struct Parser {
        /// Brackets deeper than this do not weigh, so that time stays linear in the prompt's length.
        private static let deepest = 100
        /// Weights are held within ± this: beyond, numbers would overflow.
        private static let heaviest = 1e6

        private enum Piece {
            case text(String, Double)
            case chunkBreak
        }

        private let scalars: [Unicode.Scalar]
        private var pieces: [Piece] = []
        /// Where open brackets begin; nil for one too deep to weigh.
        private var round: [Int?] = []
        private var square: [Int?] = []

        init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

        mutating func parse() -> [Part] {
            var place = 0
            while place < scalars.count {
                switch scalars[place] {
                case "\\":
                    let next = place + 1 < scalars.count ? scalars[place + 1] : nil
                    let isEscape = next.map { "()[]\\".unicodeScalars.contains($0) } ?? false
                    // Alone it falls away.
                    pieces.append(.text(isEscape ? next.map { String($0) } ?? "" : "", 1))
                    place += isEscape ? 2 : 1
                case "(":
                    open(&round)
                    place += 1
                case "[":
                    open(&square)
                    place += 1
                case ")":
                    if !close(\.round, times: 1.1) { pieces.append(.text(")", 1)) }
                    place += 1
                case "]":
                    if !close(\.square, times: 1 / 1.1) { pieces.append(.text("]", 1)) }
                    place += 1
                case ":":
                    guard let (weight, end) = weight(after: place) else {
                        pieces.append(.text(":", 1))
                        place += 1
                        continue
                    }
                    if !close(\.round, times: weight) { pieces.append(.text(string(place..<end), 1)) }
                    place = end
                default:
                    let end = scalars[place...].firstIndex { "()[]\\:".unicodeScalars.contains($0) } ?? scalars.count
                    addText(place..<end)
                    place = end
                }
            }
            for start in round { multiply(from: start, by: 1.1) }
            for start in square { multiply(from: start, by: 1 / 1.1) }
            return joined()
        }

        private func open(_ brackets: inout [Int?]) {
            brackets.append(brackets.count < Self.deepest ? pieces.count : nil)
        }

        private mutating func close(_ brackets: WritableKeyPath<Parser, [Int?]>, times factor: Double) -> Bool {
            guard let start = self[keyPath: brackets].popLast() else { return false }
            multiply(from: start, by: factor)
            return true
        }

        private mutating func multiply(from start: Int?, by factor: Double) {
            guard let start else { return }
            for index in start..<pieces.count {
                if case .text(let text, let weight) = pieces[index] { pieces[index] = .text(text, weight * factor) }
            }
        }

        /// The number in `:1.3)`, and the place behind it.
        private func weight(after colon: Int) -> (Double, Int)? {
            var place = colon + 1
            func skipSpace() {
                while place < scalars.count, ScalarClass(scalars[place]) == .whitespace { place += 1 }
            }
            skipSpace()
            let start = place
            if place < scalars.count, scalars[place] == "+" || scalars[place] == "-" { place += 1 }
            while place < scalars.count, scalars[place] == "." || ("0"..."9").contains(scalars[place]) { place += 1 }
            guard let weight = Double(string(start..<place)), weight.isFinite else { return nil }
            skipSpace()
            guard place < scalars.count, scalars[place] == ")" else { return nil }
            return (weight, place + 1)
        }

        /// Text without brackets, in which `BREAK` may stand as a word.
        private mutating func addText(_ range: Range<Int>) {
            let word = Array("BREAK".unicodeScalars)
            var start = range.lowerBound
            var place = start
            while place + word.count <= range.upperBound {
                let end = place + word.count
                guard scalars[place..<end].elementsEqual(word),
                    place == range.lowerBound || !isWord(scalars[place - 1]),
                    end == range.upperBound || !isWord(scalars[end])
                else {
                    place += 1
                    continue
                }
                var before = place
                while before > start, ScalarClass(scalars[before - 1]) == .whitespace { before -= 1 }
                pieces.append(.text(string(start..<before), 1))
                pieces.append(.chunkBreak)
                place = end
                while place < range.upperBound, ScalarClass(scalars[place]) == .whitespace { place += 1 }
                start = place
            }
            pieces.append(.text(string(start..<range.upperBound), 1))
        }

        private func isWord(_ scalar: Unicode.Scalar) -> Bool {
            let kind = ScalarClass(scalar)
            return kind == .letter || kind == .number || scalar == "_"
        }

        private func string(_ range: Range<Int>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[range])
            return String(view)
        }

        /// Texts of equal weight become one.
        private func joined() -> [Part] {
            var parts: [Part] = []
            var open: (text: String, weight: Double)?
            for piece in pieces {
                switch piece {
                case .text(let text, let weight):
                    let weight = max(-Self.heaviest, min(Self.heaviest, weight))
                    if let before = open, before.weight == weight {
                        open?.text += text
                    } else {
                        if let before = open { parts.append(.text(before.text, weight: before.weight)) }
                        open = (text, weight)
                    }
                case .chunkBreak:
                    if let before = open { parts.append(.text(before.text, weight: before.weight)) }
                    open = nil
                    parts.append(.chunkBreak)
                }
            }
            if let before = open { parts.append(.text(before.text, weight: before.weight)) }
            return parts.isEmpty ? [.text("", weight: 1)] : parts
        }
    }
}
