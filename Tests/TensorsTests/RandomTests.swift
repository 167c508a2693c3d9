import Foundation
import Tensors
import Testing

/// `RandomGenerator` draws what PyTorch draws (see Tests/Fixtures/random/README.md).
struct RandomTests {
    static let draws = Result { try golden("random/draws") }

    /// The fixture is of a processor with AVX2. Elsewhere PyTorch itself rounds normal numbers, drawn 16 and more at
    /// once, a little otherwise.
    static let isExact = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.contains(" avx2 ") ?? false

    /// PyTorch drew numbers in half precision otherwise before the fixture's version; Moonlit itself draws noise in
    /// float32 and rounds it.
    static let knowsHalf = (try? draws.get().metadata["torch"])?.hasPrefix(
        Engine.version.split(separator: ".").prefix(2).joined(separator: ".")) ?? false

    func check(_ found: Tensor, _ name: String, in file: TensorArchive, isBlockwiseNormal: Bool) throws {
        let expected = try file.tensor(name)
        #expect(found.dtype == expected.dtype && found.shape == expected.shape, "\(name)")
        if !Self.knowsHalf, found.dtype.byteCount == 2 { return }
        if isBlockwiseNormal, !Self.isExact, found.dtype == .float32 || found.dtype == .float16 {
            let tolerance = try (expected.abs() * (found.dtype == .float16 ? 0x1p-10 : 0) + 2e-6).to(.float64)
            let difference = try (found.to(.float64) - expected.to(.float64)).abs()
            #expect(try (difference - tolerance).max().item() <= 0, "\(name)")
        } else {
            #expect(try rawBytes(found) == rawBytes(expected), "\(name)")
        }
    }

    @Test func everyDrawIsPyTorchs() throws {
        let file = try Self.draws.get()
        #expect(file.names.count == 564)
        for name in file.names {
            let parts = name.split(separator: ".").map(String.init)
            let found: Tensor
            var isNormal = false
            switch parts[0] {
            case "randint":
                let generator = try RandomGenerator(seed: #require(UInt64(parts[1])))
                found = try .randint(#require(Int(parts[2]))..<#require(Int(parts[3])), [20], generator: generator)
            case "randperm":
                let generator = try RandomGenerator(seed: #require(UInt64(parts[1])))
                found = try .randperm(#require(Int(parts[2])), generator: generator)
            default:
                let dtype = try #require(DType(rawValue: parts[1]))
                let generator = try RandomGenerator(seed: #require(UInt64(parts[2])))
                let shape = parts[3].split(separator: "x").compactMap { Int($0) }
                isNormal = parts[0] == "randn" && shape.reduce(1, *) >= 16
                found =
                    try parts[0] == "randn"
                    ? .randn(shape, dtype: dtype, generator: generator) : .rand(shape, dtype: dtype, generator: generator)
            }
            try check(found, name, in: file, isBlockwiseNormal: isNormal)
        }
    }

    @Test func sequencesArePyTorchs() throws {
        let file = try golden("random/sequences")
        for plan in ["pictures", "odd", "mixed"] {
            let generator = try RandomGenerator(seed: 42)
            let names = file.names.filter { $0.hasPrefix(plan + ".") }
                .sorted { $0.split(separator: ".")[1] < $1.split(separator: ".")[1] }
            #expect(names.count >= 3)
            for name in names {
                let shape = try #require(file[name]).shape
                let kind = name.split(separator: ".")[2]
                let found: Tensor =
                    switch kind {
                    case "randn": try .randn(shape, generator: generator)
                    case "rand": try .rand(shape, generator: generator)
                    case "randint": try .randint(0..<1000, shape, generator: generator)
                    default: try .randperm(shape[0], generator: generator)
                    }
                try check(
                    found, name, in: file, isBlockwiseNormal: kind == "randn" && shape.reduce(1, *) >= 16)
            }
        }
    }

    @Test func stateComesBack() throws {
        let file = try golden("random/sequences")
        let generator = try RandomGenerator(seed: 42)
        _ = try Tensor.randn([3], generator: generator)
        _ = try Tensor.rand([5], generator: generator)
        let saved = try generator.state()
        #expect(try rawBytes(saved) == rawBytes(file.tensor("state")))
        let other = try RandomGenerator(seed: 1)
        for generator in [generator, other, other] {
            try generator.setState(saved)
            #expect(try rawBytes(.randn([3], generator: generator)) == rawBytes(file.tensor("state.next.randn")))
            #expect(try rawBytes(.rand([3], generator: generator)) == rawBytes(file.tensor("state.next.rand")))
        }
    }

    @Test func dropoutKeepsTheMean() throws {
        let x = try Tensor.ones([10_000])
        let dropped = try x.dropout(0.25, generator: RandomGenerator(seed: 1))
        let zeros = try dropped.compare(.equal, 0).to(.float64).sum().item()
        #expect(abs(zeros - 2500) < 200)  // 4.6 standard deviations
        #expect(try dropped.max().item() == Double(Float(1) / 0.75))
        #expect(try rawBytes(dropped) == rawBytes(x.dropout(0.25, generator: RandomGenerator(seed: 1))))
        #expect(try x.dropout(0, generator: RandomGenerator(seed: 1)).sharesMemory(with: x))
    }
}
