/// A JSON value as it stands in a file that others wrote.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses a file as RFC 8259 has it: at most 64 levels deep, no key twice.
    /// - Parameters:
    ///   - largest: more bytes than this are refused.
    ///   - takesInfinity: reads `Infinity` and `-Infinity` too, which Python writes.
    /// - Throws: `TensorFileError` naming the file and the byte.
    public init(path: String, largest: Int = 16 << 20, takesInfinity: Bool = false) throws(TensorFileError) {
        let file = try MappedFile(path)
        guard file.count <= largest else {
            throw TensorFileError(
                .unsupported, file: path, "is \(file.count) bytes long", expected: "JSON of at most \(largest)")
        }
        self = try file.withBytes { (bytes) throws(TensorFileError) in
            var scanner = JSONScanner(bytes, takesInfinity: takesInfinity)
            do throws(JSONScanner.Fault) {
                let value = try scanner.value()
                try scanner.end()
                return value
            } catch {
                throw TensorFileError(.damaged, file: path, at: error.offset, "the JSON \(error.problem)")
            }
        }
    }

    /// One word or so, for messages.
    public var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
        case .string(let value): printable(value)
        case .array(let elements): "a list of \(elements.count)"
        case .object(let members): "an object of \(members.count) members"
        }
    }
}
