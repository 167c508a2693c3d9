/// Names and keywords of characters, from CLDR's `annotations/en.xml` and `annotationsDerived/en.xml`
/// (UTS #35, part 2, "Annotations").
///
/// Reads exactly the one element that matters, `<annotation cp="🍎" type="tts">red apple</annotation>`, and passes over
/// everything else; comments are skipped. A damaged annotation is an error, never a wrong name.
package struct AnnotationFile: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String?
        package var keywords: [String] = []
    }

    /// By character or sequence, without U+FE0F, as CLDR writes them.
    package private(set) var entries: [String: Entry] = [:]

    package init(path: String) throws(DatasetError) {
        try self.init(bytes: contents(of: path, atMost: DataFiles.File.annotations.largest), path: path)
    }

    package init(bytes: [UInt8], path: String) throws(DatasetError) {
        var scanner = Scanner(bytes: bytes, path: path)
        while let annotation = try scanner.next() {
            if annotation.isName {
                entries[annotation.characters, default: Entry()].name = annotation.text
            } else {
                entries[annotation.characters, default: Entry()].keywords =
                    annotation.text.split(separator: "|").map(trimmed).filter { !$0.isEmpty }
            }
        }
        guard !entries.isEmpty else {
            throw .malformed(path, place: "the whole file", reason: "no <annotation> in it")
        }
    }
}

private struct Scanner {
    let bytes: [UInt8]
    let path: String
    var at = 0

    struct Annotation { var characters: String, isName: Bool, text: String }

    init(bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    mutating func next() throws(DatasetError) -> Annotation? {
        while let open = find("<", from: at) {
            if starts("<!--", at: open) {
                guard let end = find("-->", from: open + 4) else { throw damaged(open, "a comment without an end") }
                at = end + 3
            } else if starts("<annotation ", at: open) {
                return try annotation(at: open)
            } else {
                at = open + 1
            }
        }
        return nil
    }

    private mutating func annotation(at open: Int) throws(DatasetError) -> Annotation {
        var attributes: [String: String] = [:]
        var i = open + "<annotation".utf8.count
        while true {
            while i < bytes.count, isSpace(bytes[i]) { i += 1 }
            guard i < bytes.count else { throw damaged(open, "an <annotation> without an end") }
            if bytes[i] == UInt8(ascii: ">") { break }
            let name = i
            while i < bytes.count, bytes[i] >= UInt8(ascii: "a"), bytes[i] <= UInt8(ascii: "z") { i += 1 }
            guard i > name, i - name <= 16, starts("=\"", at: i), let quote = find("\"", from: i + 2),
                quote - i < 512
            else { throw damaged(name, "an attribute written name=\"value\" was expected") }
            attributes[try text(name..<i)] = try text(i + 2..<quote)
            i = quote + 1
        }
        guard let characters = attributes["cp"], !characters.isEmpty else {
            throw damaged(open, "an <annotation> without cp")
        }
        let body = i + 1
        guard let close = find("<", from: body), starts("</annotation>", at: close) else {
            throw damaged(open, "an <annotation> without its </annotation>")
        }
        at = close + "</annotation>".utf8.count
        let content = trimmed(try text(body..<close))
        guard !content.isEmpty else { throw damaged(open, "an empty <annotation>") }
        return Annotation(characters: characters, isName: attributes["type"] == "tts", text: content)
    }

    /// Characters of a range, with XML's five entities and numeric references put in.
    private func text(_ range: Range<Int>) throws(DatasetError) -> String {
        guard let raw = String(validating: bytes[range], as: UTF8.self) else {
            throw damaged(range.lowerBound, "bytes that are not UTF-8")
        }
        guard raw.contains("&") else { return raw }
        var result = ""
        var rest = raw[...]
        while let ampersand = rest.firstIndex(of: "&") {
            result += rest[..<ampersand]
            guard let end = rest[ampersand...].firstIndex(of: ";"),
                let character = entity(rest[rest.index(after: ampersand)..<end])
            else { throw damaged(range.lowerBound, "an entity that XML does not know") }
            result.unicodeScalars.append(character)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private func entity(_ name: Substring) -> Unicode.Scalar? {
        switch name {
        case "lt": "<"
        case "gt": ">"
        case "amp": "&"
        case "quot": "\""
        case "apos": "'"
        default:
            if name.hasPrefix("#x") {
                UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
            } else if name.hasPrefix("#") {
                UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
            } else {
                nil
            }
        }
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func starts(_ what: StaticString, at start: Int) -> Bool {
        guard start >= 0, bytes.count - start >= what.utf8CodeUnitCount else { return false }
        for offset in 0..<what.utf8CodeUnitCount where bytes[start + offset] != what.utf8Start[offset] { return false }
        return true
    }

    private func find(_ what: StaticString, from start: Int) -> Int? {
        var i = start
        while i < bytes.count {
            if bytes[i] == what.utf8Start[0], starts(what, at: i) { return i }
            i += 1
        }
        return nil
    }

    private func damaged(_ offset: Int, _ reason: String) -> DatasetError {
        .malformed(path, place: "byte \(offset)", reason: reason)
    }
}

func trimmed(_ text: some StringProtocol) -> String {
    let start = text.firstIndex { !$0.isWhitespace } ?? text.endIndex
    guard let end = text.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(text[start...end])
}
