import Foundation
import Tensors
import Testing

struct MemoryTests {
    /// Counts its ends.
    final class Owner {
        let memory: UnsafeMutableBufferPointer<Float>
        let ends: Counter

        init(_ values: [Float], _ ends: Counter) {
            memory = .allocate(capacity: values.count)
            _ = memory.initialize(from: values)
            self.ends = ends
        }

        deinit {
            memory.deallocate()
            ends.value += 1
        }
    }

    final class Counter { var value = 0 }

    @Test func borrowedMemoryLivesAsLongAsTheLastTensor() throws {
        let ends = Counter()
        var view: Tensor? = try {
            let owner = Owner([1, 2, 3, 4, 5, 6], ends)
            let address = try #require(UnsafeRawPointer(owner.memory.baseAddress))
            let whole = try Tensor(borrowing: address, owner: owner, shape: [2, 3], dtype: .float32)
            #expect(try whole.floats() == [1, 2, 3, 4, 5, 6])
            let columns = try Tensor(
                borrowing: address, owner: owner, shape: [3, 2], strides: [1, 3], dtype: .float32)
            #expect(try columns.floats() == [1, 4, 2, 5, 3, 6])
            return try whole.at(1)
        }()
        #expect(ends.value == 0)
        #expect(try view?.floats() == [4, 5, 6])
        view = nil
        #expect(ends.value == 1)
    }

    @Test func memoryThatIsRefusedIsNotHeld() throws {
        let ends = Counter()
        let cases: [(shape: [Int], strides: [Int]?)] = [
            ([-1], nil), ([1 << 62, 4], nil), ([1 << 61], nil), ([1], []), ([1], [-1]),
            // libtorch ends the process over these.
            ([2], [Int.max]), ([2], [Int.max / 8]), ([3, 2], [1 << 61, 1 << 61]),
        ]
        for (shape, strides) in cases {
            let owner = Owner([1], ends)
            let address = try #require(UnsafeRawPointer(owner.memory.baseAddress))
            #expect(throws: TensorError.self) {
                try Tensor(borrowing: address, owner: owner, shape: shape, strides: strides, dtype: .float64)
            }
        }
        #expect(ends.value == cases.count)
    }

    /// In a process of its own, as the counter is the whole process's.
    @Test func handlesReturnToTheBaseline() async {
        await #expect(processExitsWith: .success) {
            let baseline = Engine.liveTensors
            try {
                let generator = try RandomGenerator(seed: 1)
                let weight = try Tensor.randn([8, 8], generator: generator)
                try weight.setRequiresGrad(true)
                var x = try Tensor.randn([4, 8], generator: generator)
                for round in 0..<1000 {
                    x = try (x.linear(weight).tanh() + 0.1).softmax(dim: 1)
                    if round % 100 == 0 {
                        if round % 200 == 0 { try x.sum().backward() } else { _ = try x.sum().gradients(of: [weight]) }
                        _ = try x.sorted(dim: 1)
                        x = try x.detach()
                        weight.clearGradient()
                    }
                    #expect(throws: TensorError.self) { try x.matmul(.zeros([9, 9])) }
                    #expect(throws: TensorError.self) { try Tensor.zeros([1 << 44]) }
                }
                #expect(Engine.liveTensors == baseline + 2)
            }()
            #expect(Engine.liveTensors == baseline)
        }
    }

    /// The numbers of a strided `.pt` file, over its mapped memory.
    @Test(arguments: ["strided.pt", "strided-legacy.pt"])
    func stridedTensorsOfFiles(name: String) throws {
        let archive = try TensorArchive.open(fixture(name))
        for entry in archive.entries {
            let tensor = try archive.tensor(entry.name)
            #expect(tensor.shape == entry.shape && tensor.dtype == entry.dtype)
            #expect(try rawBytes(tensor) == archive.withUnsafeBytes(of: entry.name) { Array($0) }, "\(entry.name)")
        }
        let base = try Tensor.arange(24).reshape([4, 6]).to(.float32)
        #expect(try archive.tensor("transposed").floats() == base.transpose(0, 1).floats())
        #expect(try archive.tensor("row").floats() == [12, 13, 14, 15, 16, 17])
        #expect(try archive.tensor("expanded").floats() == Array(repeating: 7, count: 6))
    }

    @Test func tensorsOutliveTheirArchive() throws {
        let tensor = try golden("layers/layers").tensor("op.x")
        #expect(tensor.shape == [2, 3, 4, 6])
        #expect(try tensor.isFinite().to(.float32).sum().item() == 144)
    }

    @Test func writtenTensorsComeBack() throws {
        let folder = try TemporaryFolder()
        let generator = try RandomGenerator(seed: 3)
        let base = try Tensor.randn([4, 6], generator: generator)
        let tensors: [(name: String, value: Tensor)] = try [
            ("transposed", base.transpose(0, 1)), ("columns", base.narrow(1, start: 1, length: 3)),
            ("expanded", base.at(0).unsqueeze(0).expand([3, 6])), ("bfloat16", base.to(.bfloat16)),
            ("half", base.to(.float16).permute([1, 0])), ("whole", Tensor([1, -2])), ("flags", Tensor([true, false])),
            ("scalar", Tensor(2.5)), ("nothing", .zeros([0, 3])), ("channels last", base.reshape([1, 2, 3, 4]).channelsLast()),
        ]
        let path = folder.path + "/a.safetensors"
        try Safetensors.write(tensors, metadata: ["kind": "test"], to: path)
        let archive = try TensorArchive.open(path)
        #expect(archive.metadata == ["kind": "test"] && archive.names.count == tensors.count)
        for (name, value) in tensors {
            let found = try archive.tensor(name)
            #expect(found.dtype == value.dtype && found.shape == value.shape, "\(name)")
            #expect(try rawBytes(found) == rawBytes(value), "\(name)")
        }
        try Safetensors.write(tensors, dtype: .bfloat16, to: path)
        let small = try TensorArchive.open(path)
        #expect(try rawBytes(small.tensor("transposed")) == rawBytes(base.transpose(0, 1).to(.bfloat16)))
        #expect(small["whole"]?.dtype == .int64 && small["flags"]?.dtype == .bool && small["half"]?.dtype == .bfloat16)
    }
}
