/// The bytes of a file's storages, by torch's keys.
struct TorchStorages {
    var ranges: [String: Range<Int>]
}

/// Reads a pickled call of one of torch's tensor builders as the place and form of a tensor.
///
/// Source: `torch/_utils.py`, `_rebuild_tensor_v2` and its kin; `torch/serialization.py`, `persistent_load`.
struct TorchTensor {
    let file: String
    let name: String
    let machine: PickleMachine
    let bytes: UnsafeRawBufferPointer
    let storages: TorchStorages

    /// - Parameter call: (storage, offset, size, stride, requires_grad, hooks, [dtype]).
    func entry(_ call: PickleMachine.Cell) throws(TensorFileError) -> TensorEntry {
        guard call.items.count >= 4, case .cell(let storage) = call.items[0],
            machine.heap[storage].kind == .persistent, case .int(let offset) = call.items[1],
            let shape = integers(call.items[2]), let strides = integers(call.items[3])
        else {
            throw wrong(.damaged, "its description is not one of torch's", "storage, offset, size and stride")
        }
        let (type, range) = try self.storage(machine.heap[storage].items)
        let dtype: DType
        switch type {
        case .elements(let element): dtype = element
        case .bytes:
            guard call.name.hasSuffix("_v3"), call.items.count >= 7, case .cell(let number) = call.items[6] else {
                throw wrong(.damaged, "its storage has no dtype", nil)
            }
            let torchName = machine.heap[number].name
            guard let element = DType.allCases.first(where: { "torch." + $0.rawValue == torchName }) else {
                throw wrong(.unsupported, "its dtype \(printable(torchName)) is not supported", Self.supported)
            }
            dtype = element
        }
        do throws(Complaint) {
            return try TensorEntry(
                name: name, dtype: dtype, shape: shape, strides: strides, storageOffset: offset, storage: range)
        } catch {
            throw wrong(.damaged, error.problem, error.expected)
        }
    }

    /// - Parameter parts: ("storage", type, key, location, number of elements, [view]).
    private func storage(
        _ parts: [PickleMachine.Item]
    ) throws(TensorFileError) -> (type: TorchStorageType, range: Range<Int>) {
        guard let reference = TorchStorageReference(parts, machine: machine, bytes: bytes) else {
            throw wrong(.damaged, "its storage is not described as torch does", "storage, type, key, location and size")
        }
        guard let type = reference.type else {
            throw wrong(
                .unsupported, "its storage type \(printable(reference.typeName)) is not supported", Self.supported)
        }
        guard let whole = storages.ranges[reference.key] else {
            throw wrong(.damaged, "its storage \(printable(reference.key)) is not in the file", nil)
        }
        guard reference.count >= 0, reference.count <= whole.count / type.byteCount else {
            throw wrong(
                .damaged, "its storage \(printable(reference.key)) claims \(reference.count) elements",
                "at most \(whole.count / type.byteCount), what its \(whole.count) bytes hold")
        }
        let range = whole.prefix(reference.count * type.byteCount)
        guard let view = reference.view else { return (type, range) }
        guard view.start >= 0, view.count >= 0, view.start <= reference.count,
            view.count <= reference.count - view.start
        else {
            throw wrong(
                .damaged, "its view of \(view.count) elements from \(view.start) ends outside its storage",
                "at most \(reference.count)")
        }
        let start = range.lowerBound + view.start * type.byteCount
        return (type, start..<start + view.count * type.byteCount)
    }

    private func integers(_ item: PickleMachine.Item) -> [Int]? {
        guard case .cell(let number) = item, [.tuple, .list].contains(machine.heap[number].kind),
            machine.heap[number].items.count <= 64
        else { return nil }
        var numbers: [Int] = []
        for item in machine.heap[number].items {
            guard case .int(let value) = item else { return nil }
            numbers.append(value)
        }
        return numbers
    }

    private static let supported = "one of " + DType.allCases.map(\.rawValue).joined(separator: " ")

    private func wrong(
        _ kind: TensorFileError.Kind, _ problem: String, _ expected: String?
    ) -> TensorFileError {
        TensorFileError(kind, file: file, tensor: name, problem, expected: expected)
    }
}

/// What the elements of a storage are.
enum TorchStorageType {
    case elements(DType)
    /// An untyped storage: its tensors say what they hold, and its size is in bytes.
    case bytes

    /// - Parameter className: as in `torch.FloatStorage`, `torch.cuda.HalfStorage`.
    init?(className: String) {
        switch className.split(separator: ".").last {
        case "DoubleStorage": self = .elements(.float64)
        case "FloatStorage": self = .elements(.float32)
        case "HalfStorage": self = .elements(.float16)
        case "BFloat16Storage": self = .elements(.bfloat16)
        case "LongStorage": self = .elements(.int64)
        case "IntStorage": self = .elements(.int32)
        case "ShortStorage": self = .elements(.int16)
        case "CharStorage": self = .elements(.int8)
        case "ByteStorage": self = .elements(.uint8)
        case "BoolStorage": self = .elements(.bool)
        case "UntypedStorage": self = .bytes
        default: return nil
        }
    }

    var byteCount: Int {
        switch self {
        case .elements(let dtype): dtype.byteCount
        case .bytes: 1
        }
    }
}

/// A pickle's reference to a storage.
struct TorchStorageReference {
    let typeName: String
    let key: String
    /// In elements of the type.
    let count: Int
    /// A part of the storage; only in the legacy format.
    let view: (start: Int, count: Int)?

    var type: TorchStorageType? { TorchStorageType(className: typeName) }

    init?(_ parts: [PickleMachine.Item], machine: PickleMachine, bytes: UnsafeRawBufferPointer) {
        guard parts.count >= 5, case .text(let tag) = parts[0], bytes[tag].elementsEqual("storage".utf8),
            case .cell(let type) = parts[1], machine.heap[type].kind == .global, case .text(let key) = parts[2],
            key.count <= 256, case .int(let count) = parts[4]
        else { return nil }
        typeName = machine.heap[type].name
        self.key = String(decoding: bytes[key], as: UTF8.self)
        self.count = count
        guard parts.count >= 6, case .cell(let view) = parts[5] else {
            self.view = nil
            return
        }
        let part = machine.heap[view].items
        guard part.count == 3, case .int(let start) = part[1], case .int(let length) = part[2] else { return nil }
        self.view = (start, length)
    }
}
