// Between files and tensors.

extension TensorArchive {
    /// A tensor over the file's mapped memory, without a copy where the elements are aligned. It keeps the file mapped,
    /// and must not be written to: `clone()` it first.
    /// - Throws: `TensorFileError` for an unknown name or a file cut short since.
    public func tensor(_ name: String) throws -> Tensor {
        let entry = try entry(name)
        if entry.elementCount > 0 {
            let address = try withUnsafeStorage(of: name) { storage in
                storage.baseAddress.map { $0 + entry.storageOffset * entry.dtype.byteCount }
            }
            if let address, Int(bitPattern: address) % entry.dtype.byteCount == 0 {
                return try Tensor(
                    borrowing: address, owner: file, shape: entry.shape, strides: entry.strides, dtype: entry.dtype)
            }
        }
        return try withUnsafeBytes(of: name) { try Tensor(bytes: $0, shape: entry.shape, dtype: entry.dtype) }
    }

    /// Gives the memory of a tensor's bytes back: it has been copied, and is not expected to be read soon.
    public func release(_ name: String) {
        if let entry = self[name] { file.release(entry.bytes ?? entry.storage) }
    }

    /// All tensors in the file's order, as `tensor(_:)` gives them.
    public func tensors() throws -> [(name: String, value: Tensor)] { try names.map { ($0, try tensor($0)) } }
}

extension Safetensors {
    /// Writes tensors: the old content of `path` or the whole new one, never a part.
    /// - Parameter dtype: the type floating-point tensors are written in; nil keeps each one's own.
    /// - Throws: `TensorFileError` of kind `unwritable`; `TensorError` where a tensor cannot be read.
    public static func write(
        _ tensors: [(name: String, value: Tensor)], dtype: DType? = nil, metadata: [String: String] = [:],
        to path: String
    ) throws {
        let items = tensors.map { name, value in
            let type = value.dtype.isFloatingPoint ? dtype ?? value.dtype : value.dtype
            return Item(name: name, dtype: type, shape: value.shape) { sink in
                let source = try value.detach().to(type)
                let buffer = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: source.count * type.byteCount, alignment: 64)
                defer { buffer.deallocate() }
                try source.copyBytes(to: buffer)
                try sink(UnsafeRawBufferPointer(buffer))
            }
        }
        try write(items, metadata: metadata, to: path)
    }
}
