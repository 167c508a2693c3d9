import Foundation

/// Results go to standard output, every message to standard error.
enum Console {
    /// A message: what is being done, or what went wrong.
    static func say(_ message: String) {
        try? write(message + "\n", to: STDERR_FILENO)
    }

    /// A message without a line's end, for what is drawn over.
    static func draw(_ text: String) { try? write(text, to: STDERR_FILENO) }

    /// A line of the result.
    /// - Throws: `OutputError` where it cannot be written, as on a full disk.
    static func print(_ line: String) throws { try write(line + "\n", to: STDOUT_FILENO) }

    /// The one object that `--json` prints.
    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    static let isTerminal = isatty(STDERR_FILENO) == 1

    private static func write(_ text: String, to descriptor: Int32) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw OutputError(reason: String(cString: strerror(errno)))
            }
        }
    }
}

struct OutputError: Error, CustomStringConvertible {
    let reason: String
    var description: String { "the result cannot be written to standard output: \(reason)" }
}

/// 1.23e-06.
func scientific(_ number: Double) -> String { String(format: "%.2e", number) }
