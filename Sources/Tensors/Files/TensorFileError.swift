/// What is wrong with a weight file: which file, which tensor or byte, what was found, what was expected.
public struct TensorFileError: Error, Equatable, CustomStringConvertible {
    /// What sort of trouble it is; the program may act on it, people read `description`.
    public enum Kind: Sendable, Hashable {
        /// The file cannot be opened or read: missing, a folder, no permission.
        case unreadable
        /// The bytes break the format: cut short, changed, or made to mislead.
        case damaged
        /// The file may be sound, but this library does not read such a thing.
        case unsupported
        /// The file has no tensor of that name.
        case missing
        /// The file cannot be written: full disk, no permission, data that contradict their description.
        case unwritable
    }

    public var kind: Kind
    public var file: String
    /// The tensor concerned, by its name in the file.
    public var tensor: String?
    /// The byte of the file where the trouble was met.
    public var offset: Int?
    public var problem: String
    public var expected: String?

    public init(
        _ kind: Kind, file: String, tensor: String? = nil, at offset: Int? = nil, _ problem: String,
        expected: String? = nil
    ) {
        self.kind = kind
        self.file = file
        self.tensor = tensor
        self.offset = offset
        self.problem = problem
        self.expected = expected
    }

    public var description: String {
        var text = "\(file): "
        if let tensor { text += "tensor \(printable(tensor)): " }
        text += problem
        if let offset { text += " (at byte \(offset))" }
        if let expected { text += "; expected \(expected)" }
        return text
    }
}

/// A name from a file between quotation marks, safe to print: control characters escaped, at most 120 characters.
func printable(_ name: String) -> String {
    var text = "\""
    for (count, scalar) in name.unicodeScalars.enumerated() {
        if count == 120 { return text + "…\"" }
        text += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return text + "\""
}
