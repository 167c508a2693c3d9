import Foundation
import Tensors
import Testing

/// Pickles made by hand to mislead or exhaust the reader, in torch's zip form.
@Suite struct FilesPickleTests {
    private typealias Pickle = [UInt8]

    @Test func readsAHandmadeTensor() throws {
        let archive = try open(tensor(offset: 1, shape: [2], strides: [3]))
        #expect(try archive.elements("x") == [1, 4 as Float])
    }

    @Test(arguments: [
        (0, [9], [1], 8), (1, [8], [1], 8), (0, [2], [8], 8), (8, [], [], 8), (-1, [1], [1], 8), (0, [-1], [1], 8),
        (0, [2], [-1], 8), (0, [2], [Int.max], 8), (0, [Int.max, 4], [0, 1], 8), (Int.max, [2], [1], 8),
        (0, [1], [1], 9),
        (0, [1], [1], -1), (0, [2], [], 8), (0, [Int.max, Int.max], [0, 0], 8), (0, [3, 3], [Int.max, Int.max], 8),
    ])
    func refusesTensorsOutsideTheirStorage(offset: Int, shape: [Int], strides: [Int], count: Int) throws {
        let error = #expect(throws: TensorFileError.self) {
            try open(tensor(offset: offset, shape: shape, strides: strides, count: count))
        }
        #expect(error?.tensor == "x")
        #expect(error?.kind == .damaged)
    }

    /// Offsets without an element, steps from an only entry.
    @Test(arguments: [
        (1 << 62, [0], [1]), (Int.max, [3, 0], [Int.max, Int.max]), (1, [1, 2], [Int.max, 3]),
        (1, [2, 1, 1], [3, Int.max, Int.max]),
    ] as [(Int, [Int], [Int])])
    func numbersThatNoElementNeedsDoNotMatter(offset: Int, shape: [Int], strides: [Int]) throws {
        let archive = try open(tensor(offset: offset, shape: shape, strides: strides))
        let expected: [Float] = shape.contains(0) ? [] : [1, 4]
        #expect(try archive.elements("x") == expected)
        let found = try archive.tensor("x")
        #expect(found.shape == shape)
        #expect(try found.floats() == expected)
    }

    @Test func refusesForeignByteOrder() throws {
        let error = #expect(throws: TensorFileError.self) {
            try open(tensor(offset: 0, shape: [1], strides: [1]), order: "big")
        }
        #expect(error?.problem.contains("byte order \"big\"") == true)
    }

    @Test func refusesToExpandBeyondTheFile() throws {
        let archive = try open(tensor(offset: 0, shape: [1 << 40], strides: [0]))
        #expect(try archive.entry("x").byteCount == 1 << 42)
        let error = #expect(throws: TensorFileError.self) { try archive.elements("x", as: Float.self) }
        #expect(error?.problem.contains("expanded") == true)
    }

    /// In a process of its own, so that its memory can be watched.
    @Test func boundsHostilePickles() async {
        await #expect(processExitsWith: .success) {
            let before = try peakMemory()
            try FilesPickleTests().refuseHostilePickles()
            let grown = try peakMemory() - before
            #expect(grown < 512 << 20, "\(grown) bytes")
        }
    }

    /// Each of these costs Python, or a careless reader, gigabytes, the stack, or for ever.
    private func refuseHostilePickles() throws {
        let many = 200_000
        func bytes(_ text: String) -> Pickle { Array(text.utf8) }
        func repeated(_ instruction: String, _ count: Int) -> Pickle {
            Pickle(repeating: Array(instruction.utf8)[0], count: count)
        }
        // Each list holds the one before it ten times: 10^40 elements.
        let laughs = bytes("]") + (0..<40).flatMap { _ in bytes("q\0](h\0h\0h\0h\0h\0h\0h\0h\0h\0h\0e") }
        let doublings = bytes("]") + (0..<40).flatMap { _ in bytes("2") + [0x86] }
        // One long text as the key of a thousand entries.
        let keys = text(String(repeating: "k", count: 60_000)) + bytes("q\u{0}0}(")
            + (0..<1000).flatMap { _ in bytes("h\0N") } + bytes("u")
        let tooLarge = "far more objects than its size warrants"
        let pickles: [(Pickle, String)] = [
            (repeated("]", many) + repeated("a", many - 1), "nest deeper"),
            (bytes(")") + Pickle(repeating: 0x85, count: many), "nest deeper"),
            (laughs, tooLarge), (doublings, tooLarge), (keys, tooLarge),
            ([0x8B, 0xFF, 0xFF, 0xFF, 0x7F], "a length of 2147483647"),
            ([0x8B, 0xFF, 0xFF, 0xFF, 0xFF], "a length of 4294967295"),
            ([0x8D] + [UInt8](repeating: 0xFF, count: 8), "a length of 18446744073709551615"),
            ([0x8E, 0, 0, 0, 0, 0, 0, 0, 0x80], "a length of 9223372036854775808"),
            (bytes("X") + [0xFF, 0xFF, 0xFF, 0xFF], "a length of 4294967295"),
            (repeated("(", 2 << 20), "too many marks"), (repeated("N", 2 << 20), "too many objects"),
            (bytes("]") + [0x93], "names a class"), (bytes("NNR"), "tuple of arguments"), (bytes("(o"), "no class"),
            (bytes("NNa"), "no list"), (bytes("NNNs"), "no dictionary"), (bytes("]NNs"), "no dictionary"),
            (bytes("(Nd"), "without a value"), (bytes("e"), "lacks a mark"), (bytes("NQ"), "without a tuple"),
            (bytes("0"), "stack is empty"), (bytes("(0N0"), "stack is empty"), (bytes("h\u{7}"), "recalls 7"),
            (bytes("cos"), "within a line"), ([0x80, 1], "protocol 1"),
            ([0xFF], "unknown instruction 255"),
        ]
        for (pickle, problem) in pickles {
            let error = #expect(throws: TensorFileError.self) { try open([0x80, 2] + pickle + bytes(".")) }
            #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
        }
        let cut = #expect(throws: TensorFileError.self) { try open([0x80, 2]) }
        #expect(cut?.problem == "ends too early")
    }

    /// Cycles end: a list in itself, an object in its own state.
    @Test func endsCycles() throws {
        let archive = try open([0x80, 2] + Array("]q\0h\0a.".utf8))
        guard case .object(className: "cycle", _)? = archive.root?[0] else {
            Issue.record("\(String(describing: archive.root))")
            return
        }
        #expect(archive.entries.isEmpty)
    }

    /// Bytes, sets, objects made by every way there is, Python 2's ordered dictionary and its strings.
    @Test func readsTheRarerInstructions() throws {
        var pickle: Pickle = [0x80, 4] + Array("(C\u{2}ab".utf8)
        pickle += [0x8F] + Array("(K\u{1}K\u{2}".utf8) + [0x90]
        pickle += [0x8C, 1] + Array("m".utf8) + [0x8C, 1] + Array("K".utf8) + [0x93] + Array(")".utf8) + [0x81]
        pickle += Array("}U\u{1}kM\u{1}\u{2}sb".utf8)
        pickle += Array("ccollections\nOrderedDict\n(](U\u{1}pJ".utf8) + [0xFE, 0xFF, 0xFF, 0xFF]
        pickle += Array("latR".utf8)
        pickle += Array("}U\u{1}qNsb".utf8)
        pickle += Array("ccopyreg\n_reconstructor\n(cm\nOld\nNNtR".utf8)
        pickle += Array("G".utf8) + [0x3F, 0xF8, 0, 0, 0, 0, 0, 0] + [0x8A, 1, 0xFF, 0x8A, 0, 0x82, 7]
        pickle += Array("cm\nF\n)}".utf8) + [0x92] + Array("(cm\nO\nK\u{1}o".utf8)
        pickle += Array("l.".utf8)
        guard case .list(let values)? = try open(pickle).root, values.count == 11,
            case .bytes([0x61, 0x62]) = values[0],
            case .int(2)? = values[1][1], case .object("m.K", _) = values[2], case .int(513)? = values[2]["k"],
            case .dictionary(let ordered) = values[3], ordered.count == 1, case .int(-2)? = values[3]["p"],
            case .object("m.Old", _) = values[4], case .float(1.5) = values[5], case .int(-1) = values[6],
            case .int(0) = values[7], case .object("extension 7", _) = values[8], case .object("m.F", _) = values[9],
            case .object("m.O", _) = values[10]
        else {
            Issue.record("the values are not the pickle's")
            return
        }
    }

    /// A legacy file whose tensor lies in a part of a storage, as PyTorch before 0.4 could write.
    @Test func readsLegacyViews() throws {
        let folder = try TemporaryFolder()
        let magic: Pickle = [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        func legacy(view: (Int, Int), little: UInt8 = 0x88, version: UInt8 = 0xE9) -> Pickle {
            let system = [0x80, 2] + Array("}".utf8) + text("little_endian") + [little] + Array("s.".utf8)
            let part = Array("(".utf8) + text("v") + integer(view.0) + integer(view.1) + Array("t".utf8)
            let keys = [0x80, 2] + Array("](".utf8) + text("0") + Array("e.".utf8)
            return magic + [0x80, 2] + Array("M".utf8) + [version, 3] + Array(".".utf8) + system
                + tensor(offset: 1, shape: [2], strides: [1], view: part) + keys
                + [8, 0, 0, 0, 0, 0, 0, 0] + storage
        }
        #expect(try TensorArchive.open(folder.write(legacy(view: (3, 4)))).elements("x") == [4, 5 as Float])
        for (bytes, problem) in [
            (legacy(view: (6, 3)), "outside its storage"), (legacy(view: (-1, 3)), "outside its storage"),
            (legacy(view: (3, 2)), "outside its storage"), (legacy(view: (3, 4), little: 0x89), "little-endian"),
            (legacy(view: (3, 4), version: 0xEA), "unknown version"),
            (legacy(view: (3, 4)).dropLast(), "claims 8 elements"),
        ] {
            let error = #expect(throws: TensorFileError.self) { try TensorArchive.open(folder.write(bytes)) }
            #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
        }
    }

    @Test func refusesTwoTensorsOnOnePath() throws {
        // {"a.b": x, "a": {"b": x}}
        let whole = tensor(offset: 0, shape: [1], strides: [1])
        let value = Array(whole[(2 + 1 + 1 + text("x").count)..<(whole.count - 2)])
        let pickle = [0x80, 2] + Array("}(".utf8) + text("a.b") + value + Array("q\0".utf8) + text("a")
            + Array("}".utf8) + text("b") + Array("h\0su.".utf8)
        let error = #expect(throws: TensorFileError.self) { try open(pickle) }
        #expect(error?.problem == "two tensors have this path")
        #expect(error?.tensor == "a.b")
    }

    // MARK: Making pickles

    /// {"x": a float32 tensor over storage "0"}
    private func tensor(offset: Int, shape: [Int], strides: [Int], count: Int = 8, view: Pickle = []) -> Pickle {
        var pickle: Pickle = [0x80, 2] + Array("}(".utf8) + text("x")
        pickle += Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
        pickle += Array("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu") + integer(count) + view + Array("tQ".utf8)
        pickle += integer(offset)
        for numbers in [shape, strides] {
            pickle += Array("(".utf8) + numbers.flatMap(integer) + Array("t".utf8)
        }
        return pickle + [0x89] + Array("NtRu.".utf8)
    }

    private func text(_ text: String) -> Pickle {
        [UInt8(ascii: "X")] + withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
    }

    private func integer(_ value: Int) -> Pickle {
        [0x8A, 8] + withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// 0, 1, … 7 in float32.
    private let storage = (0..<8).flatMap { withUnsafeBytes(of: Float($0).bitPattern.littleEndian) { Array($0) } }

    private func open(_ pickle: Pickle, order: String = "little") throws -> TensorArchive {
        let folder = try TemporaryFolder()
        return try TensorArchive.open(
            folder.write(zip([("t/data.pkl", pickle), ("t/byteorder", Array(order.utf8)), ("t/data/0", storage)])))
    }
}

/// A zip archive of stored records.
func zip(_ records: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    func number<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in records {
        let sizes = number(UInt32(0)) + number(UInt32(bytes.count)) + number(UInt32(bytes.count))
        let common = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + sizes + number(UInt16(name.utf8.count)) + [0, 0]
        directory += Array("PK\u{1}\u{2}".utf8) + [20, 0] + common + [UInt8](repeating: 0, count: 10)
        directory += number(UInt32(file.count)) + Array(name.utf8)
        file += Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8) + bytes
    }
    let count = number(UInt16(records.count))
    return file + directory + Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0] + count + count
        + number(UInt32(directory.count)) + number(UInt32(file.count)) + [0, 0]
}
