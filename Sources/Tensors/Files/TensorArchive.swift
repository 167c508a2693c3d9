/// The tensors of a weight file, by name, without reading their bytes: safetensors, or what `torch.save` writes.
///
///     let archive = try TensorArchive.open("base.pt")
///     for entry in archive.entries { print(entry.name, entry.dtype, entry.shape) }
///     let sum = try archive.withUnsafeBytes(of: "out.2.bias") { bytes in … }
///
/// The file stays mapped as long as the archive (or `file`) lives.
public struct TensorArchive: Sendable {
    public enum Format: Sendable, Hashable {
        case safetensors
        /// A zip archive around a pickle: PyTorch 1.6 and later.
        case torch
        /// Pickles in a row, then the storages: PyTorch before 1.6.
        case torchLegacy
    }

    public let file: MappedFile
    public let format: Format
    /// safetensors: in the order of their bytes. `.pt`: in the order of the saved object.
    public let entries: [TensorEntry]
    /// The `__metadata__` of a safetensors file; empty for `.pt`.
    public let metadata: [String: String]
    /// Everything a `.pt` file holds beside its tensors; nil for safetensors.
    public let root: PickleValue?
    private let places: [String: Int]

    package init(
        file: MappedFile, format: Format, entries: [TensorEntry], metadata: [String: String] = [:],
        root: PickleValue? = nil
    ) {
        self.file = file
        self.root = root
        self.format = format
        self.entries = entries
        self.metadata = metadata
        places = Dictionary(zip(entries.map(\.name), entries.indices), uniquingKeysWith: { first, _ in first })
    }

    public var names: [String] { entries.map(\.name) }

    public subscript(name: String) -> TensorEntry? { places[name].map { entries[$0] } }

    /// - Throws: `TensorFileError` of kind `missing`.
    public func entry(_ name: String) throws(TensorFileError) -> TensorEntry {
        guard let entry = self[name] else {
            throw TensorFileError(
                .missing, file: file.path, tensor: name, "is not in the file", expected: "one of its \(entries.count)")
        }
        return entry
    }

    /// A tensor's elements side by side in row-major order, little-endian: the file's own bytes where they stand so,
    /// else a copy for the time of the call.
    ///
    /// The address need not be aligned to the element.
    /// - Throws: `TensorFileError` for an unknown name, a file cut short since, or an expanded tensor (stride 0) that
    ///   would be larger than the file; what `body` throws.
    public func withUnsafeBytes<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let entry = try entry(name)
        try file.checkLength()
        return try file.withBytes { bytes in
            if let range = entry.bytes { return try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
            guard entry.byteCount <= file.count else {
                throw TensorFileError(
                    .unsupported, file: file.path, tensor: name,
                    "its \(entry.byteCount) bytes are expanded from \(entry.storage.count)",
                    expected: "no more than the file's \(file.count)")
            }
            return try gathered(entry, from: bytes[entry.storage]).withUnsafeBytes(body)
        }
    }

    /// The whole storage of a tensor, to be read by its strides and offset.
    public func withUnsafeStorage<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let entry = try entry(name)
        try file.checkLength()
        return try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[entry.storage])) }
    }

    /// Copies the elements of a strided tensor side by side.
    private func gathered(_ entry: TensorEntry, from storage: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        let source = UnsafeRawBufferPointer(rebasing: storage)
        let size = entry.dtype.byteCount
        return [UInt8](unsafeUninitializedCapacity: entry.byteCount) { target, count in
            var index = [Int](repeating: 0, count: entry.shape.count)
            var element = entry.storageOffset
            for written in 0..<entry.elementCount {
                for byte in 0..<size {
                    target.initializeElement(at: written * size + byte, to: source[element * size + byte])
                }
                for axis in index.indices.reversed() {
                    index[axis] += 1
                    element += entry.strides[axis]
                    if index[axis] < entry.shape[axis] { break }
                    element -= entry.strides[axis] * entry.shape[axis]
                    index[axis] = 0
                }
            }
            count = entry.byteCount
        }
    }
}
