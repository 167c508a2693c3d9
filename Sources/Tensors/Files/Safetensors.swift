/// The safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes.
///
/// Source: github.com/huggingface/safetensors, `safetensors/src/tensor.rs` and the README's "Format".
public enum Safetensors {
    /// The reference implementation's limit on the header, in bytes.
    package static let largestHeader = 100_000_000

    /// The header's tensors in the order of their bytes, and its `__metadata__`.
    package struct Header: Sendable {
        package let entries: [TensorEntry]
        package let metadata: [String: String]
    }

    /// Reads the header and checks all of it: no duplicate key, every tensor's bytes agree with its shape and dtype,
    /// and the tensors fill the rest of the file without overlap or hole.
    package static func readHeader(_ file: MappedFile) throws(TensorFileError) -> Header {
        try file.withBytes { (bytes) throws(TensorFileError) in
            try readHeader(bytes, path: file.path)
        }
    }

    private static func readHeader(
        _ bytes: UnsafeRawBufferPointer, path: String
    ) throws(TensorFileError) -> Header {
        guard bytes.count >= 8 else {
            throw TensorFileError(
                .damaged, file: path, "has \(bytes.count) bytes, fewer than safetensors' header length",
                expected: "a safetensors file")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= largestHeader else {
            throw TensorFileError(
                .damaged, file: path, at: 0, "its header claims \(length) bytes",
                expected: "at most \(largestHeader) bytes, if this is a safetensors file")
        }
        guard Int(length) <= bytes.count - 8 else {
            throw TensorFileError(
                .damaged, file: path, at: 0, "its header claims \(length) bytes",
                expected: "no more than the \(bytes.count - 8) bytes that follow")
        }
        let dataStart = 8 + Int(length)
        let parsed: ParsedHeader
        do {
            parsed = try ParsedHeader(UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
        } catch {
            throw TensorFileError(.damaged, file: path, at: 8 + error.offset, "its header \(error.problem)")
        }
        return Header(
            entries: try place(parsed.tensors, in: dataStart..<bytes.count, path: path), metadata: parsed.metadata)
    }

    /// Turns the header's claims into entries, in the order of their bytes.
    private static func place(
        _ tensors: [ParsedHeader.Tensor], in data: Range<Int>, path: String
    ) throws(TensorFileError) -> [TensorEntry] {
        var entries: [TensorEntry] = []
        entries.reserveCapacity(tensors.count)
        var end = 0
        let ordered = tensors.enumerated().sorted {
            ($0.element.begin, $0.element.end, $0.offset) < ($1.element.begin, $1.element.end, $1.offset)
        }
        for (_, tensor) in ordered {
            func wrong(_ kind: TensorFileError.Kind, _ problem: String, _ expected: String?) -> TensorFileError {
                TensorFileError(
                    kind, file: path, tensor: tensor.name, at: 8 + tensor.offset, problem, expected: expected)
            }
            guard let dtype = DType(safetensors: tensor.dtype) else {
                throw wrong(
                    .unsupported, "its dtype \(printable(tensor.dtype)) is not supported",
                    "one of " + DType.allCases.map(\.safetensors).joined(separator: " "))
            }
            guard tensor.begin == end, tensor.end >= tensor.begin else {
                throw wrong(
                    .damaged, "data_offsets [\(tensor.begin), \(tensor.end)] overlap, leave a hole or run backwards",
                    "a range that starts at \(end)")
            }
            guard tensor.end <= data.count else {
                throw wrong(
                    .damaged, "data_offsets [\(tensor.begin), \(tensor.end)] end outside the file",
                    "at most \(data.count)")
            }
            end = tensor.end
            let range = data.lowerBound + tensor.begin..<data.lowerBound + tensor.end
            do throws(Complaint) {
                entries.append(
                    try TensorEntry(name: tensor.name, dtype: dtype, shape: tensor.shape, storage: range))
            } catch {
                throw wrong(.damaged, error.problem, error.expected)
            }
        }
        guard end == data.count else {
            throw TensorFileError(
                .damaged, file: path, at: data.lowerBound + end, "its tensors end before the file does",
                expected: "a file of \(data.lowerBound + end) bytes, not \(data.upperBound)")
        }
        return entries
    }
}

/// The header's JSON, read but not yet held against the file.
private struct ParsedHeader {
    struct Tensor {
        var name: String
        var offset: Int
        var dtype = ""
        var shape: [Int] = []
        var begin = 0
        var end = 0
    }

    var tensors: [Tensor] = []
    var metadata: [String: String] = [:]

    init(_ bytes: UnsafeRawBufferPointer) throws(JSONScanner.Fault) {
        var scanner = JSONScanner(bytes)
        var tensors: [Tensor] = []
        var metadata: [String: String] = [:]
        try scanner.object { (key, scanner) throws(JSONScanner.Fault) in
            if key == "__metadata__" {
                try scanner.object { (key, scanner) throws(JSONScanner.Fault) in
                    metadata[key] = try scanner.string()
                }
            } else {
                tensors.append(try Self.tensor(key, &scanner))
            }
        }
        try scanner.end()
        self.tensors = tensors
        self.metadata = metadata
    }

    private static func tensor(_ name: String, _ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> Tensor {
        _ = try scanner.peek()
        var tensor = Tensor(name: name, offset: scanner.position)
        var found: Set<String> = []
        try scanner.object { (key, scanner) throws(JSONScanner.Fault) in
            switch key {
            case "dtype": tensor.dtype = try scanner.string()
            case "shape": tensor.shape = try numbers(&scanner)
            case "data_offsets":
                let offsets = try numbers(&scanner)
                guard offsets.count == 2 else {
                    throw JSONScanner.Fault(
                        offset: scanner.position, problem: "gives \(printable(name)) not two data_offsets")
                }
                (tensor.begin, tensor.end) = (offsets[0], offsets[1])
            default: return try scanner.skipValue()
            }
            found.insert(key)
        }
        guard found.count == 3 else {
            throw JSONScanner.Fault(
                offset: tensor.offset, problem: "gives \(printable(name)) no dtype, shape or data_offsets")
        }
        return tensor
    }

    private static func numbers(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> [Int] {
        var numbers: [Int] = []
        try scanner.array { (scanner) throws(JSONScanner.Fault) in numbers.append(try scanner.wholeNumber()) }
        return numbers
    }
}

extension DType {
    /// The format's name of this type.
    package var safetensors: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .int64: "I64"
        case .int32: "I32"
        case .int16: "I16"
        case .int8: "I8"
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }

    package init?(safetensors name: String) {
        guard let type = Self.allCases.first(where: { $0.safetensors == name }) else { return nil }
        self = type
    }
}
