/// Which emoji there are, in which groups: Unicode's `emoji-test.txt` (UTS #51).
///
/// Its lines read `1F34E ; fully-qualified # 🍎 E0.6 red apple`, under `# group:` and `# subgroup:` headings.
package struct EmojiTestFile: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var codepoints: [UInt32]
        package var group: String
        package var subgroup: String
        /// The English name in the comment; CLDR's own stands in its annotations.
        package var name: String
    }

    /// Fully qualified emoji only, in the file's order.
    package private(set) var entries: [Entry] = []

    package init(path: String) throws(DatasetError) {
        try self.init(bytes: contents(of: path, atMost: DataFiles.File.emojiGroups.largest), path: path)
    }

    package init(bytes: [UInt8], path: String) throws(DatasetError) {
        var group = ""
        var subgroup = ""
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw .malformed(path, place: "line \(number + 1)", reason: "bytes that are not UTF-8")
            }
            if text.hasPrefix("# group:") {
                group = trimmed(text.dropFirst(8))
            } else if text.hasPrefix("# subgroup:") {
                subgroup = trimmed(text.dropFirst(11))
            } else if !text.hasPrefix("#"), !trimmed(text).isEmpty {
                guard let (entry, status) = Self.entry(text, group, subgroup) else {
                    throw .malformed(
                        path, place: "line \(number + 1)",
                        reason: "\"code points ; status # emoji version name\" was expected")
                }
                if status == "fully-qualified" { entries.append(entry) }
            }
        }
        guard !entries.isEmpty else { throw .malformed(path, place: "the whole file", reason: "no emoji in it") }
    }

    private static func entry(_ line: String, _ group: String, _ subgroup: String) -> (Entry, String)? {
        guard let semicolon = line.firstIndex(of: ";"), let hash = line[semicolon...].firstIndex(of: "#") else {
            return nil
        }
        let numbers = line[..<semicolon].split(separator: " ")
        let codepoints = numbers.compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init)?.value }
        guard !codepoints.isEmpty, codepoints.count == numbers.count, codepoints.count <= 32 else { return nil }
        let comment = line[line.index(after: hash)...].split(separator: " ", maxSplits: 2)
        guard comment.count == 3 else { return nil }
        return (
            Entry(codepoints: codepoints, group: group, subgroup: subgroup, name: trimmed(comment[2])),
            trimmed(line[line.index(after: semicolon)..<hash])
        )
    }
}
