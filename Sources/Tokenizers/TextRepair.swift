/// The part of `ftfy.fix_text` (ftfy 6, default settings) that CLIP's tokenizer meets in honest UTF-8: character
/// references, Windows-1252 control characters, Latin ligatures, full and half widths, curly quotes, terminal escapes,
/// stray control characters, normal form C.
///
/// Left out, because it guesses: `fix_encoding`, which reads text like `cafÃ©` as UTF-8 once decoded wrongly. Such
/// text keeps its characters here. Line breaks need no repair: the tokenizer makes all white space one space.
package struct TextRepair: Sendable {
    package let entities: HTMLEntities

    package init(entities: HTMLEntities) { self.entities = entities }

    package func repair(_ text: SourceText) -> SourceText {
        var result: [SourceText.Element] = []
        result.reserveCapacity(text.elements.count)
        // As upstream: from the first line with a "<" on, the text is taken for HTML and its references are left.
        var unescapes = true
        var start = 0
        while start < text.elements.count {
            let newline = text.elements[start...].firstIndex { $0.scalar == "\n" }
            let end = newline.map { $0 + 1 } ?? text.elements.count
            let line = SourceText(elements: Array(text.elements[start..<end]))
            if line.elements.contains(where: { $0.scalar == "<" }) { unescapes = false }
            result += repair(line: line, unescapes: unescapes).elements
            start = end
        }
        return SourceText(elements: result)
    }

    /// Repeats all steps until nothing changes, at most 32 times: a reference inside a reference inside a reference
    /// (`&amp;amp;amp;`) takes a round for each, and a prompt may be made of nothing else.
    private func repair(line: SourceText, unescapes: Bool) -> SourceText {
        var text = line
        for _ in 0..<32 where text.elements.contains(where: { Self.mayNeedRepair($0.scalar) }) {
            var next = unescapes ? entities.unescapeWhole(text) : text
            next = next.replacing(Self.replacement)
            next = Self.removingTerminalEscapes(next)
            next = next.replacing { Self.isStrayControl($0) ? [] : nil }
            next = next.canonicallyComposed()
            if next.elements.elementsEqual(text.elements, by: { $0.scalar == $1.scalar }) { return text }
            text = next
        }
        return text
    }

    private static func mayNeedRepair(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII || scalar == "&" || isStrayControl(scalar)
    }

    /// `fix_c1_controls`, `fix_latin_ligatures`, `fix_character_width` and `uncurl_quotes`, in that order.
    private static func replacement(_ scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
        switch scalar.value {
        case ..<0x80: nil
        case 0x80...0x9F:
            {
                let meant = Windows1252.character(UInt8(scalar.value))
                return meant == scalar ? nil : straightQuote(meant).map { [$0] } ?? [meant]
            }()
        case 0xFF01..<0xFFF0:
            {
                let standard = scalar.compatibilityComposed
                return standard == [scalar] ? nil : standard
            }()
        case 0x3000: [" "]
        default: straightQuote(scalar).map { [$0] } ?? ligatures[scalar]
        }
    }

    private static func straightQuote(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x02BC, 0x2018...0x201B: "'"
        case 0x201C...0x201F: "\""
        default: nil
        }
    }

    private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
        "Ĳ": ["I", "J"], "ĳ": ["i", "j"], "ŉ": ["'", "n"],
        "Ǳ": ["D", "Z"], "ǲ": ["D", "z"], "ǳ": ["d", "z"],
        "Ǆ": ["D", "Ž"], "ǅ": ["D", "ž"], "ǆ": ["d", "ž"],
        "Ǉ": ["L", "J"], "ǈ": ["L", "j"], "ǉ": ["l", "j"],
        "Ǌ": ["N", "J"], "ǋ": ["N", "j"], "ǌ": ["n", "j"],
        "ﬀ": ["f", "f"], "ﬁ": ["f", "i"], "ﬂ": ["f", "l"], "ﬃ": ["f", "f", "i"], "ﬄ": ["f", "f", "l"],
        "ﬅ": ["ſ", "t"], "ﬆ": ["s", "t"],
    ]

    /// Removes `ESC [ 36;44 m` and the like.
    private static func removingTerminalEscapes(_ text: SourceText) -> SourceText {
        let elements = text.elements
        guard elements.contains(where: { $0.scalar == "\u{1B}" }) else { return text }
        var result: [SourceText.Element] = []
        var index = 0
        while index < elements.count {
            if elements[index].scalar == "\u{1B}", elements.dropFirst(index + 1).first?.scalar == "[" {
                let parameters = elements[(index + 2)...].prefix {
                    $0.scalar == ";" || $0.scalar.properties.generalCategory == .decimalNumber
                }
                let end = parameters.endIndex
                if end < elements.count, elements[end].scalar.isASCII, ScalarClass(elements[end].scalar) == .letter {
                    index = end + 1
                    continue
                }
            }
            result.append(elements[index])
            index += 1
        }
        return SourceText(elements: result)
    }

    /// Control characters that make no white space, and a few of Unicode's deprecated or invisible ones.
    private static func isStrayControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: true
        default: false
        }
    }
}
