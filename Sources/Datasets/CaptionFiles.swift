import Foundation

/// A picture's path within its folder and one caption for it, as a file of captions says.
package struct CaptionLine: Sendable, Equatable {
    package var file: String
    package var captions: [String]
    package var line: Int
}

/// `metadata.jsonl`: a JSON object a line, `{"file_name": "a/1.png", "text": "a red apple"}`. The caption stands under
/// `text` or `caption`, as one string or a list of several; other keys are passed over, blank lines too.
package enum MetadataFile {
    package static func parse(_ bytes: [UInt8], path: String) throws(DatasetError) -> [CaptionLine] {
        var lines: [CaptionLine] = []
        for (number, line) in rows(of: bytes) {
            let entry: Entry
            do {
                entry = try JSONDecoder().decode(Entry.self, from: Data(line))
            } catch {
                throw .malformed(
                    path, place: "line \(number)",
                    reason: "{\"file_name\": …, \"text\": …} in JSON was expected: \(explained(error))")
            }
            lines.append(
                CaptionLine(
                    file: try relative(entry.fileName, in: path, line: number),
                    captions: (entry.text ?? entry.caption)?.nonEmpty ?? [], line: number))
        }
        return lines
    }

    private struct Entry: Decodable {
        var fileName: String
        var text: CaptionValue?
        var caption: CaptionValue?

        enum CodingKeys: String, CodingKey {
            case fileName = "file_name"
            case text, caption
        }
    }
}

/// `captions.txt`: a picture and a caption a line, `a/1.png<TAB>a red apple`; a picture may have several lines.
///
/// A line without a tab is split at its first comma, so that Flickr8k's `captions.txt` can be read as it is: its heading
/// `image,caption` is passed over and a caption in double quotes loses them. `1.jpg#0` means `1.jpg`.
package enum CaptionsTextFile {
    package static func parse(_ bytes: [UInt8], path: String) throws(DatasetError) -> [CaptionLine] {
        var lines: [CaptionLine] = []
        for (number, row) in rows(of: bytes) {
            guard let text = String(validating: row, as: UTF8.self) else {
                throw .malformed(path, place: "line \(number)", reason: "bytes that are not UTF-8")
            }
            if number == 1, trimmed(text) == "image,caption" { continue }
            guard let separator = text.firstIndex(of: "\t") ?? text.firstIndex(of: ",") else {
                throw .malformed(
                    path, place: "line \(number)", reason: "a file, a tab and a caption were expected")
            }
            var caption = trimmed(text[text.index(after: separator)...])
            if text[separator] == ",", caption.count >= 2, caption.hasPrefix("\""), caption.hasSuffix("\"") {
                caption = trimmed(caption.dropFirst().dropLast().replacing("\"\"", with: "\""))
            }
            lines.append(
                CaptionLine(
                    file: try relative(unnumbered(trimmed(text[..<separator])), in: path, line: number),
                    captions: caption.isEmpty ? [] : [caption], line: number))
        }
        return lines
    }

    private static func unnumbered(_ file: String) -> String {
        guard let hash = file.lastIndex(of: "#"), hash != file.startIndex,
            file[file.index(after: hash)...].allSatisfy(\.isNumber)
        else { return file }
        return String(file[..<hash])
    }
}

/// One string, or a list of them.
struct CaptionValue: Decodable {
    let all: [String]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let one = try? value.decode(String.self) {
            all = [one]
        } else {
            all = try value.decode([String].self)
        }
    }

    var nonEmpty: [String] { all.map { trimmed($0) }.filter { !$0.isEmpty } }
}

/// The captions in a text file beside a picture: each line that is not blank.
func captions(inText bytes: [UInt8], path: String) throws(DatasetError) -> [String] {
    var captions: [String] = []
    for (number, row) in rows(of: bytes) {
        guard let text = String(validating: row, as: UTF8.self) else {
            throw .malformed(path, place: "line \(number)", reason: "bytes that are not UTF-8")
        }
        captions.append(trimmed(text))
    }
    return captions
}

/// Numbered from 1, without line ends, byte order mark and blank lines.
private func rows(of bytes: [UInt8]) -> [(number: Int, bytes: ArraySlice<UInt8>)] {
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    return text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        .map { ($0 + 1, $1) }
        .filter { !$0.1.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) } }
}

/// A path that stays within its folder, without "./".
private func relative(_ file: String, in path: String, line: Int) throws(DatasetError) -> String {
    guard let inside = insidePath(file) else {
        throw .malformed(
            path, place: "line \(line)", reason: "\"\(file.prefix(100))\" is no path within the folder")
    }
    return inside
}

/// The path without "./", or nil where it is empty, absolute, or leads out of its folder.
func insidePath(_ path: String) -> String? {
    guard !path.isEmpty, !path.hasPrefix("/"), !path.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
        return nil
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
    guard !parts.isEmpty, !parts.contains("..") else { return nil }
    return parts.joined(separator: "/")
}

private func explained(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
        DecodingError.dataCorrupted(let context):
        context.codingPath.isEmpty
            ? context.debugDescription
            : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\": \(context.debugDescription)"
    default: "\(error)"
    }
}
