extension TensorArchive {
    /// Opens a weight file; which format it is stands in its bytes, not in its name.
    ///
    /// Nothing in a `.pt` file is executed: classes it names stay names. Its tensors are called by the path that leads
    /// to them through dictionaries, lists and objects, joined by dots: `state_dict.model.weight`,
    /// `optimizer_states.0.state.1.exp_avg`; a file that is one bare tensor calls it `tensor`.
    /// - Throws: `TensorFileError` for a file that cannot be read, is damaged, or is something else, which is named.
    public static func open(_ path: String) throws(TensorFileError) -> TensorArchive {
        let file = try MappedFile(path)
        return try file.withBytes { (bytes) throws(TensorFileError) in
            switch try recognise(bytes, path: path) {
            case .safetensors:
                let header = try Safetensors.readHeader(file)
                return TensorArchive(
                    file: file, format: .safetensors, entries: header.entries, metadata: header.metadata)
            case .torch:
                let (entries, root) = try TorchFile.readZip(bytes, path: path)
                return TensorArchive(file: file, format: .torch, entries: entries, root: root)
            case .torchLegacy:
                let (entries, root) = try TorchFile.readLegacy(bytes, path: path)
                return TensorArchive(file: file, format: .torchLegacy, entries: entries, root: root)
            }
        }
    }

    /// The tensors under `path` alone, named from there: `archive.under("state_dict")`.
    public func under(_ path: String) -> TensorArchive {
        let prefix = path + "."
        let inside = entries.filter { $0.name.utf8.starts(with: prefix.utf8) }.map {
            $0.renamed(String(decoding: $0.name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
        }
        let value = root?[path] ?? path.split(separator: ".").reduce(root) { $0?[String($1)] }
        return TensorArchive(file: file, format: format, entries: inside, metadata: metadata, root: value)
    }

    /// The network's own weights: what is under `state_dict` where a checkpoint wraps them so (as Lightning and most
    /// training scripts do) and any tensor is there; else everything.
    public var stateDict: TensorArchive {
        guard case .dictionary? = root else { return self }
        let inner = under("state_dict")
        return inner.entries.isEmpty ? self : inner
    }

    private static func recognise(_ bytes: UnsafeRawBufferPointer, path: String) throws(TensorFileError) -> Format {
        func starts(_ mark: [UInt8], at place: Int = 0) -> Bool {
            bytes.count >= place + mark.count && bytes[place..<place + mark.count].elementsEqual(mark)
        }
        // A safetensors header's length may by chance begin like another format, so its brace is looked for first.
        if starts([UInt8(ascii: "{")], at: 8), starts([0, 0, 0, 0], at: 4) { return .safetensors }
        if starts(Array("PK\u{3}\u{4}".utf8)) || starts(Array("PK\u{5}\u{6}".utf8)) { return .torch }
        if TorchFile.isLegacy(bytes) { return .torchLegacy }
        let others: [(mark: [UInt8], place: Int, name: String)] = [
            (Array("version https://git-lfs".utf8), 0, "a Git LFS pointer, not the file it points to"),
            (Array("<".utf8), 0, "a web page, perhaps of a failed download"),
            (Array("GGUF".utf8), 0, "a GGUF file"),
            ([0x89] + Array("HDF".utf8), 0, "an HDF5 file"),
            ([0x93] + Array("NUMPY".utf8), 0, "a NumPy file"),
            ([0x1F, 0x8B], 0, "compressed by gzip"),
            (Array("ustar".utf8), 257, "a tar archive, as PyTorch before 0.1.10 wrote"),
            ([0x80, 0x02], 0, "a pickle, but not one that torch.save wrote"),
            ([0x80, 0x03], 0, "a pickle, but not one that torch.save wrote"),
            ([0x80, 0x04], 0, "a pickle, but not one that torch.save wrote"),
            ([0x80, 0x05], 0, "a pickle, but not one that torch.save wrote"),
        ]
        if let other = others.first(where: { starts($0.mark, at: $0.place) }) {
            throw TensorFileError(
                .unsupported, file: path, "is \(other.name)", expected: "safetensors, or what torch.save writes")
        }
        if bytes.isEmpty {
            throw TensorFileError(.damaged, file: path, "is empty", expected: "a file of weights")
        }
        // The reader of safetensors says best what is wrong with what may be meant as such.
        return .safetensors
    }
}
