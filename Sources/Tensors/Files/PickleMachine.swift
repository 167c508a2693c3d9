/// Python's pickle machine, protocols 2 to 5, that calls nothing.
///
/// A pickle is a program that builds objects with a stack and a memo. Here its objects are inert `Cell`s in one heap,
/// referred to by number: a class is its name, a call is the name of what would be called and its arguments. Lists and
/// the like refer to one another freely, cycles included, so nothing recurses before someone walks them.
///
/// Source: CPython's `Lib/pickle.py` and `Lib/pickletools.py`. Memory stays below about 100 bytes a byte of pickle.
struct PickleMachine {
    /// A value: small ones themselves, the others by their number in the heap, texts by their place in the file.
    enum Item {
        case none
        case bool(Bool)
        case int(Int)
        case float(Double)
        /// An integer beyond 64 bits; nothing here needs its value.
        case hugeInt
        case text(Range<Int>)
        case bytes(Range<Int>)
        case cell(Int)
    }

    struct Cell {
        enum Kind {
            case list, tuple, set
            /// Keys and values in turn.
            case dictionary
            /// A class or function, by `name`.
            case global
            /// An instance of the class `name`, or what a function of that name would return; keys and values in turn.
            case foreign
            /// A call of one of torch's tensor builders, `name`; the items are its arguments.
            case tensor
            /// torch's reference to a storage; the items are its parts.
            case persistent
        }

        var kind: Kind
        var name = ""
        var items: [Item] = []
    }

    private static let largestStack = 1 << 20
    private static let largestHeap = 1 << 22

    private(set) var heap: [Cell] = []
    /// The states given to foreign objects, by their number.
    private(set) var states: [Int: Item] = [:]
    private var stack: [Item] = []
    private var marks: [Int] = []
    private var memo: [UInt32: Item] = [:]
    private var reader: ByteReader
    /// The items that may yet be copied, so that a memoised list cannot be multiplied.
    private var copies: Int

    /// - Parameter range: the part of the file that holds the pickle, and perhaps more after it.
    init(file: String, bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        reader = ByteReader(file: file, bytes: bytes, range: range)
        copies = 1024 + 4 * reader.remaining
    }

    /// Runs one pickle and gives its object; the next one, if any, starts at `position`.
    mutating func run() throws(TensorFileError) -> Item {
        stack = []
        marks = []
        memo = [:]
        while true {
            let start = reader.position
            let code = try reader.number(UInt8.self)
            if code == UInt8(ascii: ".") { return try pop() }
            var known = try load(code)
            if !known { known = try build(code) }
            if !known { known = try remember(code) }
            guard known else {
                throw TensorFileError(
                    .damaged, file: reader.file, at: start, "its pickle has the unknown instruction \(code)",
                    expected: "pickle protocols 2 to 5")
            }
            guard stack.count <= Self.largestStack, max(heap.count, memo.count) <= Self.largestHeap else {
                throw fault("its pickle makes too many objects")
            }
        }
    }

    var position: Int { reader.position }

    /// Instructions that push a constant.
    private mutating func load(_ code: UInt8) throws(TensorFileError) -> Bool {
        switch code {
        case 0x80:
            let version = try reader.number(UInt8.self)
            guard 2...5 ~= version else {
                throw TensorFileError(
                    .unsupported, file: reader.file, at: reader.position - 1, "its pickle has protocol \(version)",
                    expected: "2 to 5")
            }
        case 0x95: _ = try reader.number(UInt64.self)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "J"): stack.append(.int(Int(try reader.number(Int32.self))))
        case UInt8(ascii: "K"): stack.append(.int(Int(try reader.number(UInt8.self))))
        case UInt8(ascii: "M"): stack.append(.int(Int(try reader.number(UInt16.self))))
        case 0x8A: stack.append(try integer(reader.length(UInt8.self)))
        case 0x8B: stack.append(try integer(reader.length(UInt32.self)))
        case UInt8(ascii: "G"):
            stack.append(.float(Double(bitPattern: try reader.number(UInt64.self).byteSwapped)))
        case UInt8(ascii: "X"), UInt8(ascii: "T"): stack.append(.text(try reader.take(reader.length(UInt32.self))))
        case 0x8C, UInt8(ascii: "U"): stack.append(.text(try reader.take(reader.length(UInt8.self))))
        case 0x8D: stack.append(.text(try reader.take(reader.length(UInt64.self))))
        case UInt8(ascii: "B"): stack.append(.bytes(try reader.take(reader.length(UInt32.self))))
        case UInt8(ascii: "C"): stack.append(.bytes(try reader.take(reader.length(UInt8.self))))
        case 0x8E, 0x96: stack.append(.bytes(try reader.take(reader.length(UInt64.self))))
        case UInt8(ascii: "c"):
            let module = reader.text(try reader.line())
            push(Cell(kind: .global, name: module + "." + reader.text(try reader.line())))
        case 0x93:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw fault("its pickle names a class without text")
            }
            try charge(module.count + name.count)
            push(Cell(kind: .global, name: reader.text(module) + "." + reader.text(name)))
        case 0x82: push(Cell(kind: .global, name: "extension \(try reader.number(UInt8.self))"))
        case 0x83: push(Cell(kind: .global, name: "extension \(try reader.number(UInt16.self))"))
        case 0x84: push(Cell(kind: .global, name: "extension \(try reader.number(UInt32.self))"))
        default: return false
        }
        return true
    }

    /// Instructions that make and fill containers and objects.
    private mutating func build(_ code: UInt8) throws(TensorFileError) -> Bool {
        switch code {
        case UInt8(ascii: "]"): push(Cell(kind: .list))
        case UInt8(ascii: ")"): push(Cell(kind: .tuple))
        case UInt8(ascii: "}"): push(Cell(kind: .dictionary))
        case 0x8F: push(Cell(kind: .set))
        case UInt8(ascii: "l"): push(Cell(kind: .list, items: try popToMark()))
        case UInt8(ascii: "t"): push(Cell(kind: .tuple, items: try popToMark()))
        case 0x91: push(Cell(kind: .set, items: try popToMark()))
        case UInt8(ascii: "d"): push(Cell(kind: .dictionary, items: try pairs(popToMark())))
        case 0x85...0x87: push(Cell(kind: .tuple, items: try pop(count: Int(code) - 0x84)))
        case UInt8(ascii: "a"): try extend([pop()])
        case UInt8(ascii: "e"), 0x90: try extend(popToMark())
        case UInt8(ascii: "s"): try set(pop(count: 2))
        case UInt8(ascii: "u"): try set(pairs(popToMark()))
        case UInt8(ascii: "R"), 0x81:
            let arguments = try pop()
            try call(pop(), arguments)
        case 0x92:
            _ = try pop()
            let arguments = try pop()
            try call(pop(), arguments)
        case UInt8(ascii: "o"):
            var items = try popToMark()
            guard !items.isEmpty else { throw fault("its pickle makes an object of no class") }
            let kind = items.removeFirst()
            heap.append(Cell(kind: .tuple, items: items))
            try call(kind, .cell(heap.count - 1))
        case UInt8(ascii: "b"):
            let state = try pop()
            guard let object = stack.last else { throw fault("its pickle's stack is empty") }
            // The state of an OrderedDict is its attributes, which are not among its entries.
            if case .cell(let number) = object, heap[number].kind == .foreign { states[number] = state }
        case UInt8(ascii: "Q"):
            guard case .cell(let number) = try pop(), heap[number].kind == .tuple else {
                throw fault("its pickle refers to a storage without a tuple")
            }
            push(Cell(kind: .persistent, items: heap[number].items))
        default: return false
        }
        return true
    }

    /// Instructions that move items between the stack and the memo.
    private mutating func remember(_ code: UInt8) throws(TensorFileError) -> Bool {
        switch code {
        case UInt8(ascii: "("):
            marks.append(stack.count)
            guard marks.count <= Self.largestStack else { throw fault("its pickle makes too many marks") }
        case UInt8(ascii: "0"):
            // Where nothing stands above the last mark, POP takes the mark.
            if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())
        case UInt8(ascii: "q"): memo[UInt32(try reader.number(UInt8.self))] = try top()
        case UInt8(ascii: "r"): memo[try reader.number(UInt32.self)] = try top()
        case 0x94: memo[UInt32(memo.count)] = try top()
        case UInt8(ascii: "h"): try recall(UInt32(reader.number(UInt8.self)))
        case UInt8(ascii: "j"): try recall(reader.number(UInt32.self))
        default: return false
        }
        return true
    }

    private mutating func recall(_ number: UInt32) throws(TensorFileError) {
        guard let item = memo[number] else { throw fault("its pickle recalls \(number), which it never stored") }
        stack.append(item)
    }

    // MARK: Objects

    private mutating func push(_ cell: Cell) {
        heap.append(cell)
        stack.append(.cell(heap.count - 1))
    }

    private mutating func extend(_ items: [Item]) throws(TensorFileError) {
        guard case .cell(let number) = try top() else { throw fault("its pickle appends to what is no list") }
        switch heap[number].kind {
        case .list, .set: heap[number].items += items
        case .foreign:
            for item in items { heap[number].items += [.int(heap[number].items.count / 2), item] }
        default: throw fault("its pickle appends to what is no list")
        }
    }

    private mutating func set(_ pairs: [Item]) throws(TensorFileError) {
        guard case .cell(let number) = try top(), [.dictionary, .foreign].contains(heap[number].kind) else {
            throw fault("its pickle sets an entry of what is no dictionary")
        }
        heap[number].items += pairs
    }

    /// What a call of `function` stands for: nothing is called.
    private mutating func call(_ function: Item, _ arguments: Item) throws(TensorFileError) {
        guard case .cell(let list) = arguments, heap[list].kind == .tuple else {
            throw fault("its pickle calls without a tuple of arguments")
        }
        guard case .cell(let number) = function, heap[number].kind == .global else {
            return push(Cell(kind: .foreign, name: "an unnamed function"))
        }
        var name = heap[number].name
        var items = heap[list].items
        // A tensor subclass: (function, type, arguments, state).
        if name == "torch._tensor._rebuild_from_type_v2", items.count >= 3, case .cell(let function) = items[0],
            case .cell(let inner) = items[2], heap[function].kind == .global, heap[inner].kind == .tuple
        {
            name = heap[function].name
            items = heap[inner].items
        }
        switch name {
        case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
            push(Cell(kind: .tensor, name: name, items: items))
        case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
            stack.append(items.first ?? .none)
        case "collections.OrderedDict", "builtins.dict", "__builtin__.dict":
            push(Cell(kind: .dictionary, items: try entries(of: items.first)))
        case "torch.Size", "builtins.tuple", "builtins.list", "builtins.set", "__builtin__.set":
            guard case .cell(let elements)? = items.first, isSequence(elements) else { fallthrough }
            try charge(heap[elements].items.count)
            push(Cell(kind: name.hasSuffix("set") ? .set : .tuple, items: heap[elements].items))
        default:
            if name.hasPrefix("copy"), name.contains("reg."), case .cell(let type)? = items.first {
                name = heap[type].kind == .global ? heap[type].name : name
            }
            push(Cell(kind: .foreign, name: name))
        }
    }

    /// The keys and values of a dictionary built from a list of pairs, as Python 2 pickled an OrderedDict.
    private mutating func entries(of argument: Item?) throws(TensorFileError) -> [Item] {
        guard case .cell(let number)? = argument else { return [] }
        try charge(2 * heap[number].items.count)
        if heap[number].kind == .dictionary { return heap[number].items }
        var entries: [Item] = []
        for item in heap[number].items {
            guard case .cell(let pair) = item, isSequence(pair), heap[pair].items.count == 2 else {
                throw fault("its pickle makes a dictionary of what are no pairs")
            }
            entries += heap[pair].items
        }
        return entries
    }

    private func isSequence(_ number: Int) -> Bool { [.list, .tuple].contains(heap[number].kind) }

    // MARK: The stack

    private func top() throws(TensorFileError) -> Item {
        guard let item = stack.last, stack.count > marks.last ?? 0 else { throw fault("its pickle's stack is empty") }
        return item
    }

    private mutating func pop() throws(TensorFileError) -> Item {
        let item = try top()
        stack.removeLast()
        return item
    }

    private mutating func pop(count: Int) throws(TensorFileError) -> [Item] {
        guard stack.count - (marks.last ?? 0) >= count else { throw fault("its pickle's stack is empty") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(TensorFileError) -> [Item] {
        guard let mark = marks.popLast() else { throw fault("its pickle lacks a mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func pairs(_ items: [Item]) throws(TensorFileError) -> [Item] {
        guard items.count.isMultiple(of: 2) else { throw fault("its pickle has a key without a value") }
        return items
    }

    /// A little-endian integer in two's complement.
    private mutating func integer(_ count: Int) throws(TensorFileError) -> Item {
        let range = try reader.take(count)
        guard count <= 8 else { return .hugeInt }
        var value = 0
        for index in range.reversed() { value = value << 8 | Int(reader.bytes[index]) }
        if let last = range.last, count < 8, reader.bytes[last] & 0x80 != 0 { value -= 1 << (8 * count) }
        return .int(value)
    }

    private mutating func charge(_ count: Int) throws(TensorFileError) {
        guard count <= copies else { throw fault("its pickle copies too much") }
        copies -= count
    }

    private func fault(_ problem: String) -> TensorFileError { reader.damaged(problem) }
}
