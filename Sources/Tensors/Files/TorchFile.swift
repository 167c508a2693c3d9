/// What `torch.save` writes, in both its forms.
///
/// Source: `torch/serialization.py`, `_save`, `_legacy_save` and `_legacy_load`; `caffe2/serialize/inline_container.h`.
enum TorchFile {
    typealias Contents = (entries: [TensorEntry], root: PickleValue)

    /// A zip archive with a pickle, `data.pkl`, and each storage's bytes as `data/KEY`, all in one folder.
    ///
    /// TorchScript archives have the same shape, so their parameters are found too.
    static func readZip(_ bytes: UnsafeRawBufferPointer, path: String) throws(TensorFileError) -> Contents {
        let zip = try ZipDirectory(file: path, bytes: bytes)
        let pickles = zip.names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let name = pickles.first, pickles.count == 1, let pickle = try zip.record(name) else {
            throw TensorFileError(
                .unsupported, file: path, "is a zip archive with \(pickles.count) records called data.pkl",
                expected: "exactly one, as torch.save writes")
        }
        let folder = name.dropLast("data.pkl".count)
        if let order = try zip.record(folder + "byteorder"), !bytes[order].elementsEqual("little".utf8) {
            let text = printable(String(decoding: bytes[order.prefix(64)], as: UTF8.self))
            throw TensorFileError(
                .unsupported, file: path, at: order.lowerBound, "its numbers have the byte order \(text)",
                expected: "little")
        }
        var storages = TorchStorages(ranges: [:])
        let data = folder + "data/"
        for name in zip.names where name.hasPrefix(data) {
            storages.ranges[String(name.dropFirst(data.count))] = try zip.record(name)
        }
        var machine = PickleMachine(file: path, bytes: bytes, range: pickle)
        let root = try machine.run()
        return try contents(root, machine, storages, bytes, path: path, size: pickle.count)
    }

    /// The first pickle of the legacy form is this number.
    private static let magic: [UInt8] = [
        0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    static func isLegacy(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 2 + magic.count, bytes[0] == 0x80 else { return false }
        // From protocol 4 on a frame may stand between.
        return [2, 11].contains { start in
            bytes.count > start + magic.count && bytes[start..<start + magic.count].elementsEqual(magic)
        }
    }

    /// Five pickles (magic number, version, system, the object, the storages' keys), then each storage: its number of
    /// elements and their bytes.
    static func readLegacy(_ bytes: UnsafeRawBufferPointer, path: String) throws(TensorFileError) -> Contents {
        var machine = PickleMachine(file: path, bytes: bytes, range: 0..<bytes.count)
        _ = try machine.run()
        guard case .int(1001) = try machine.run() else {
            throw TensorFileError(.unsupported, file: path, "is of an unknown version of torch's legacy format")
        }
        let system = try machine.run()
        guard case .bool(true)? = entry("little_endian", of: system, in: machine, bytes) else {
            throw TensorFileError(
                .unsupported, file: path, "its numbers are not in little-endian order", expected: "little-endian")
        }
        let root = try machine.run()
        guard case .cell(let keys) = try machine.run(), machine.heap[keys].kind == .list else {
            throw TensorFileError(
                .damaged, file: path, at: machine.position, "its list of storages is missing")
        }
        let start = machine.position
        let storages = try legacyStorages(machine.heap[keys].items, machine, bytes, path: path)
        return try contents(root, machine, storages, bytes, path: path, size: start)
    }

    private static func legacyStorages(
        _ keys: [PickleMachine.Item], _ machine: PickleMachine, _ bytes: UnsafeRawBufferPointer, path: String
    ) throws(TensorFileError) -> TorchStorages {
        var references: [String: TorchStorageReference] = [:]
        for cell in machine.heap where cell.kind == .persistent {
            guard let reference = TorchStorageReference(cell.items, machine: machine, bytes: bytes) else { continue }
            references[reference.key] = reference
        }
        var storages = TorchStorages(ranges: [:])
        var reader = ByteReader(file: path, bytes: bytes, range: machine.position..<bytes.count)
        for item in keys {
            guard case .text(let range) = item else {
                throw reader.damaged("one of its storages has no text for a key")
            }
            let key = reader.text(range)
            guard let reference = references[key] else {
                throw reader.damaged("no tensor refers to its storage \(printable(key))")
            }
            guard let type = reference.type else {
                // Without the size of an element, what follows cannot be found.
                throw TensorFileError(
                    .unsupported, file: path, at: reader.position,
                    "its storage type \(printable(reference.typeName)) is not supported")
            }
            let place = reader.position
            let count = try reader.number(Int64.self)
            guard count >= 0, count <= Int64(reader.remaining / type.byteCount) else {
                throw TensorFileError(
                    .damaged, file: path, at: place, "its storage \(printable(key)) claims \(count) elements",
                    expected: "at most \(reader.remaining / type.byteCount), what is left of the file")
            }
            storages.ranges[key] = try reader.take(Int(count) * type.byteCount)
        }
        return storages
    }

    private static func entry(
        _ key: String, of dictionary: PickleMachine.Item, in machine: PickleMachine, _ bytes: UnsafeRawBufferPointer
    ) -> PickleMachine.Item? {
        guard case .cell(let number) = dictionary, machine.heap[number].kind == .dictionary else { return nil }
        let items = machine.heap[number].items
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            if case .text(let range) = items[index], bytes[range].elementsEqual(key.utf8) { return items[index + 1] }
        }
        return nil
    }

    private static func contents(
        _ root: PickleMachine.Item, _ machine: PickleMachine, _ storages: TorchStorages,
        _ bytes: UnsafeRawBufferPointer, path: String, size: Int
    ) throws(TensorFileError) -> Contents {
        var walk = PickleWalk(file: path, bytes: bytes, machine: machine, storages: storages, size: size)
        let tree = try walk.tree(root)
        return (walk.entries, tree)
    }
}
