extension Safetensors {
    /// A tensor to be written: what it is, and how to get its bytes when their turn comes.
    public struct Item {
        public let name: String
        public let dtype: DType
        public let shape: [Int]
        fileprivate let feed: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

        /// - Parameter feed: called once, in the order of the file; it hands the tensor's elements (row-major,
        ///   little-endian) to its argument, whole or in consecutive pieces.
        public init(
            name: String, dtype: DType, shape: [Int],
            feed: @escaping (_ sink: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
        ) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
            self.feed = feed
        }
    }

    /// Writes a safetensors file: the old content of `path` or the whole new one, never a part.
    ///
    ///     let item = Safetensors.Item(name: "weight", dtype: .float32, shape: [2]) { sink in
    ///         try [Float](arrayLiteral: 1, 2).withUnsafeBytes(sink)
    ///     }
    ///     try Safetensors.write([item], metadata: ["format": "pt"], to: "weights.safetensors")
    ///
    /// The same tensors give the same bytes in whatever order they come: as the reference implementation does, larger
    /// element types go first, then names in byte order; the header is padded to a multiple of eight. Metadata are
    /// written by key. One tensor's bytes are in memory at a time, and none is copied here.
    /// - Throws: `TensorFileError` of kind `unwritable` for a full disk, a path that cannot be written, a duplicate
    ///   name, or bytes that contradict a shape; what `feed` throws.
    public static func write(_ items: [Item], metadata: [String: String] = [:], to path: String) throws {
        let ordered = items.sorted {
            let (left, right) = ($0.dtype.safetensorsRank, $1.dtype.safetensorsRank)
            return left == right ? byteOrder($0.name, $1.name) : left > right
        }
        let (header, sizes) = try header(ordered, metadata: metadata, path: path)
        try AtomicFile.replace(path) { file in
            try header.withUnsafeBytes { try file.append($0) }
            for (item, size) in zip(ordered, sizes) {
                var given = 0
                try item.feed { bytes in
                    given += bytes.count
                    guard given <= size else { throw mismatch(item, given: given, size: size, path: path) }
                    try file.append(bytes)
                }
                guard given == size else { throw mismatch(item, given: given, size: size, path: path) }
            }
        }
    }

    /// The header with its length, and each tensor's size in bytes.
    private static func header(
        _ items: [Item], metadata: [String: String], path: String
    ) throws(TensorFileError) -> (bytes: [UInt8], sizes: [Int]) {
        var text = "{"
        if !metadata.isEmpty {
            let pairs = metadata.sorted { byteOrder($0.key, $1.key) }
            text += "\"__metadata__\":{"
            text += pairs.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",")
            text += "}"
        }
        var offset = 0
        var sizes: [Int] = []
        var names: Set<String> = []
        for item in items {
            func wrong(_ problem: String) -> TensorFileError {
                TensorFileError(.unwritable, file: path, tensor: item.name, problem)
            }
            guard item.name != "__metadata__" else { throw wrong("the name is taken by the format") }
            guard names.insert(item.name).inserted else { throw wrong("the name is given twice") }
            guard item.shape.allSatisfy({ $0 >= 0 }) else { throw wrong("shape \(item.shape) has a negative extent") }
            var size = item.shape.contains(0) ? 0 : item.dtype.byteCount
            for extent in item.shape where size > 0 {
                let (product, overflow) = size.multipliedReportingOverflow(by: extent)
                guard !overflow else { throw wrong("shape \(item.shape) overflows") }
                size = product
            }
            let (end, overflow) = offset.addingReportingOverflow(size)
            guard !overflow else { throw wrong("the file would be too large") }
            if text.utf8.count > 1 { text += "," }
            let shape = item.shape.map(String.init).joined(separator: ",")
            text += "\(quoted(item.name)):{\"dtype\":\"\(item.dtype.safetensors)\",\"shape\":[\(shape)],"
            text += "\"data_offsets\":[\(offset),\(end)]}"
            offset = end
            sizes.append(size)
        }
        text += "}"
        var header = Array(text.utf8)
        header += [UInt8](repeating: 0x20, count: -header.count & 7)
        guard header.count <= largestHeader else {
            throw TensorFileError(
                .unwritable, file: path, "its header would take \(header.count) bytes",
                expected: "at most \(largestHeader)")
        }
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        return (length + header, sizes)
    }

    private static func mismatch(_ item: Item, given: Int, size: Int, path: String) -> TensorFileError {
        TensorFileError(
            .unwritable, file: path, tensor: item.name, "\(given) bytes were given for it",
            expected: "\(size) for shape \(item.shape) in \(item.dtype.safetensors)")
    }

    /// Swift compares strings by canonical equivalence; the format's order is by bytes.
    private static func byteOrder(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// A JSON string as the reference implementation's writer (serde_json) escapes it.
    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{8}": text += "\\b"
            case "\u{c}": text += "\\f"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension DType {
    /// The place in the reference implementation's list of types; larger ones are written first.
    fileprivate var safetensorsRank: Int {
        switch self {
        case .bool: 0
        case .uint8: 1
        case .int8: 2
        case .int16: 3
        case .float16: 4
        case .bfloat16: 5
        case .int32: 6
        case .float32: 7
        case .float64: 8
        case .int64: 9
        }
    }
}
