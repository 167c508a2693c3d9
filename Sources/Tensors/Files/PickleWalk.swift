/// Follows a pickle's object from its root: collects the tensors under their paths, and makes the tree of values.
struct PickleWalk {
    private static let deepest = 64

    private let file: String
    private let bytes: UnsafeRawBufferPointer
    private let machine: PickleMachine
    private let storages: TorchStorages
    private(set) var entries: [TensorEntry] = []
    private var names: Set<String> = []
    /// The containers between the root and here; one met again would never end.
    private var enclosing: Set<Int> = []
    private var objects: Set<Int> = []
    /// The characters that may yet be made, a value counting as 16: a shared object counts each time, so that
    /// doublings of doublings end in an error.
    private var budget: Int

    /// - Parameter size: the pickle's bytes, which the tree's size is held to.
    init(
        file: String, bytes: UnsafeRawBufferPointer, machine: PickleMachine, storages: TorchStorages, size: Int
    ) {
        self.file = file
        self.bytes = bytes
        self.machine = machine
        self.storages = storages
        budget = 65_536 + 32 * size
    }

    mutating func tree(_ root: PickleMachine.Item) throws(TensorFileError) -> PickleValue {
        try value(root, path: "", depth: 0, foreign: false)
    }

    private mutating func value(
        _ item: PickleMachine.Item, path: String, depth: Int, foreign: Bool
    ) throws(TensorFileError) -> PickleValue {
        try charge(16)
        switch item {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .float(let value): return .float(value)
        case .hugeInt: return .object(className: "int", members: [])
        case .text(let range): return .string(try text(range))
        case .bytes(let range):
            try charge(range.count)
            return .bytes(Array(bytes[range]))
        case .cell(let number):
            guard depth < Self.deepest else {
                if foreign { return .object(className: "deeply nested", members: []) }
                throw TensorFileError(
                    .damaged, file: file, "its objects nest deeper than \(Self.deepest) levels at \(printable(path))")
            }
            guard enclosing.insert(number).inserted else {
                return .object(className: "cycle", members: [])
            }
            defer { enclosing.remove(number) }
            return try contents(number, path: path, depth: depth + 1, foreign: foreign)
        }
    }

    private mutating func contents(
        _ number: Int, path: String, depth: Int, foreign: Bool
    ) throws(TensorFileError) -> PickleValue {
        let cell = machine.heap[number]
        switch cell.kind {
        case .list, .tuple, .set:
            var values: [PickleValue] = []
            for (index, item) in cell.items.enumerated() {
                let place = try join(path, String(index), to: item)
                values.append(try value(item, path: place, depth: depth, foreign: foreign))
            }
            return .list(values)
        case .dictionary:
            return .dictionary(try members(cell.items, path: path, depth: depth, foreign: foreign))
        case .global, .persistent:
            return .object(className: cell.name, members: [])
        case .foreign:
            guard objects.insert(number).inserted else { return .object(className: cell.name, members: []) }
            var all = try members(cell.items, path: path, depth: depth, foreign: true)
            for attributes in attributes(of: number) {
                all += try members(attributes, path: path, depth: depth, foreign: true)
            }
            return .object(className: cell.name, members: all)
        case .tensor:
            let name = path.isEmpty ? "tensor" : path
            guard names.insert(name).inserted else {
                throw TensorFileError(.damaged, file: file, tensor: name, "two tensors have this path")
            }
            let tensor = TorchTensor(file: file, name: name, machine: machine, bytes: bytes, storages: storages)
            let entry = try tensor.entry(cell)
            entries.append(entry)
            return .tensor(entry)
        }
    }

    /// The dictionaries of an object's state: one, or one for its attributes and one for its slots.
    private func attributes(of number: Int) -> [[PickleMachine.Item]] {
        guard case .cell(let state)? = machine.states[number] else { return [] }
        let cell = machine.heap[state]
        if cell.kind == .dictionary { return [cell.items] }
        guard cell.kind == .tuple, cell.items.count == 2 else { return [] }
        return cell.items.compactMap { item in
            guard case .cell(let part) = item, machine.heap[part].kind == .dictionary else { return nil }
            return machine.heap[part].items
        }
    }

    private mutating func members(
        _ items: [PickleMachine.Item], path: String, depth: Int, foreign: Bool
    ) throws(TensorFileError) -> [PickleValue.Member] {
        var members: [PickleValue.Member] = []
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            let key =
                switch items[index] {
                case .text(let range): try text(range)
                case .int(let value): String(value)
                case .bool(let value): value ? "True" : "False"
                case .float(let value): String(value)
                case .none: "None"
                case .hugeInt, .bytes, .cell: "#\(index / 2)"
                }
            let place = try join(path, key, to: items[index + 1])
            let value = try value(items[index + 1], path: place, depth: depth, foreign: foreign)
            members.append(PickleValue.Member(key: key, value: value))
        }
        return members
    }

    /// The path of an item; only what may hold tensors needs one.
    private mutating func join(
        _ path: String, _ key: String, to item: PickleMachine.Item
    ) throws(TensorFileError) -> String {
        guard case .cell = item else { return path }
        try charge(path.utf8.count + key.utf8.count)
        return path.isEmpty ? key : path + "." + key
    }

    private mutating func text(_ range: Range<Int>) throws(TensorFileError) -> String {
        try charge(range.count)
        return String(decoding: bytes[range], as: UTF8.self)
    }

    private mutating func charge(_ count: Int) throws(TensorFileError) {
        guard count <= budget else {
            throw TensorFileError(
                .damaged, file: file, "its pickle describes far more objects than its size warrants")
        }
        budget -= count
    }
}
