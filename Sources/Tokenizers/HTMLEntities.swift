/// Turns HTML's character references back into characters, in the two manners that CLIP's cleaning needs.
///
/// Agrees with Python's `html.unescape` (the HTML standard's rules, "named character references" and "numeric character
/// reference end state") and with ftfy 6's `unescape_html`.
package struct HTMLEntities: Sendable {
    /// `amp;`, `amp`, `eacute;` …
    private let names: [String: [Unicode.Scalar]]
    /// `NTILDE;`, which only ftfy takes.
    private let capitals: [String: [Unicode.Scalar]]

    /// Reads lines of a name and its code points in hexadecimal; `+` before a name marks ftfy's capital spellings.
    package init(_ text: [UInt8], file: String) throws(TokenizerError) {
        var names: [String: [Unicode.Scalar]] = [:]
        var capitals: [String: [Unicode.Scalar]] = [:]
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (line, content) in lines.enumerated() where !content.isEmpty {
            let fields = String(decoding: content, as: UTF8.self).split(separator: " ")
            let scalars = fields.dropFirst().compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) }
            guard let name = fields.first, !scalars.isEmpty, scalars.count == fields.count - 1 else {
                throw .damagedVocabulary(
                    file: file, line: line + 1, reason: "expected a name and its code points in hexadecimal")
            }
            if name.hasPrefix("+") {
                capitals[String(name.dropFirst())] = scalars
            } else {
                names[String(name)] = scalars
            }
        }
        self.names = names
        self.capitals = capitals
    }

    /// `html.unescape`: every reference, also without its semicolon and as the start of a longer word.
    package func unescape(_ text: SourceText) -> SourceText {
        replaceReferences(in: text) { rest in
            let scalars = rest.lazy.map(\.scalar)
            if scalars.dropFirst().first == "#" { return numeric(rest) }
            let body = scalars.dropFirst().prefix(32).prefix { !"\t\n\u{C} <&#;".unicodeScalars.contains($0) }
            guard !body.isEmpty else { return nil }
            var name = String(String.UnicodeScalarView(body))
            if scalars.dropFirst(1 + body.count).first == ";" { name.unicodeScalars.append(";") }
            var length = name.unicodeScalars.count
            while length >= 2 {
                if let found = names[name] { return (found, length + 1) }
                name.unicodeScalars.removeLast()
                length -= 1
            }
            return nil
        }
    }

    /// `ftfy.fixes.unescape_html`: only whole references with their semicolon.
    package func unescapeWhole(_ text: SourceText) -> SourceText {
        replaceReferences(in: text) { rest in
            let scalars = rest.lazy.map(\.scalar)
            let isNumeric = scalars.dropFirst().first == "#"
            let start = isNumeric ? 2 : 1
            let body = scalars.dropFirst(start).prefix(25).prefix { $0.isASCIIAlphanumeric }
            guard (1...24).contains(body.count), scalars.dropFirst(start + body.count).first == ";" else { return nil }
            let length = start + body.count + 1
            if isNumeric {
                // A reference to the semicolon itself is left alone, as is one that is numeric only at its start.
                guard let (found, used) = numeric(rest), used == length, !found.contains(";") else { return nil }
                return (found, used)
            }
            let name = String(String.UnicodeScalarView(body)) + ";"
            return (names[name] ?? capitals[name]).map { ($0, length) }
        }
    }

    /// Walks over `text`, asks `replacement` at every `&`, and takes what it gives for as many scalars as it says.
    private func replaceReferences(
        in text: SourceText,
        _ replacement: (_ rest: ArraySlice<SourceText.Element>) -> (scalars: [Unicode.Scalar], length: Int)?
    ) -> SourceText {
        let elements = text.elements
        guard elements.contains(where: { $0.scalar == "&" }) else { return text }
        var result: [SourceText.Element] = []
        result.reserveCapacity(elements.count)
        var index = 0
        while index < elements.count {
            guard elements[index].scalar == "&", let (scalars, length) = replacement(elements[index...]) else {
                result.append(elements[index])
                index += 1
                continue
            }
            let source = elements[index].source.lowerBound..<elements[index + length - 1].source.upperBound
            for scalar in scalars { result.append(SourceText.Element(scalar: scalar, source: source)) }
            index += length
        }
        return SourceText(elements: result)
    }

    /// `&#233;`, `&#xE9;`, semicolon or not, at the start of `rest`.
    private func numeric(_ rest: ArraySlice<SourceText.Element>) -> (scalars: [Unicode.Scalar], length: Int)? {
        var scalars = rest.dropFirst(2).lazy.map(\.scalar)[...]
        var length = 2
        var radix: UInt32 = 10
        if let mark = scalars.first, mark == "x" || mark == "X" {
            scalars = scalars.dropFirst()
            length += 1
            radix = 16
        }
        var number: UInt32 = 0
        var digits = 0
        while let digit = scalars.first?.hexadecimalDigit, digit < radix {
            number = min(number * radix + digit, 0x110000)
            scalars = scalars.dropFirst()
            digits += 1
        }
        guard digits > 0 else { return nil }
        length += digits
        if scalars.first == ";" { length += 1 }
        return (Self.character(number), length)
    }

    /// The character a number refers to, with the HTML standard's corrections.
    private static func character(_ number: UInt32) -> [Unicode.Scalar] {
        switch number {
        case 0, 0x110000...: return ["\u{FFFD}"]
        case 0x0D: return ["\r"]
        case 0x80...0x9F: return [Windows1252.character(UInt8(number))]
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0xFDD0...0xFDEF: return []
        case _ where number & 0xFFFE == 0xFFFE: return []
        default: return [Unicode.Scalar(number) ?? "\u{FFFD}"]
        }
    }
}

/// The part of Windows-1252 that differs from Latin-1.
enum Windows1252 {
    /// What byte 0x80...0x9F stands for; bytes without a meaning, and all others, stand for Latin-1's character.
    static func character(_ byte: UInt8) -> Unicode.Scalar {
        guard (0x80...0x9F).contains(byte) else { return Unicode.Scalar(byte) }
        return high[Int(byte) - 0x80]
    }

    private static let high = Array(
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ".unicodeScalars)
}

extension Unicode.Scalar {
    fileprivate var isASCIIAlphanumeric: Bool {
        isASCII && (ScalarClass(self) == .letter || ScalarClass(self) == .number)
    }

    fileprivate var hexadecimalDigit: UInt32? {
        switch value {
        case 0x30...0x39: value - 0x30
        case 0x41...0x46: value - 0x41 + 10
        case 0x61...0x66: value - 0x61 + 10
        default: nil
        }
    }
}
