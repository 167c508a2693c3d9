import Tensors
import Testing

/// libtorch's exceptions arrive as `TensorError` with operation, shapes and message; nothing ends the program.
struct ErrorTests {
    struct Case {
        let operation: String
        let shapes: [[Int]]
        /// A part of the message.
        let words: String
        var kind = TensorError.Kind.operation
        let body: () throws -> Any
    }

    func check(_ cases: [Case]) {
        for one in cases {
            do {
                let value = try one.body()
                Issue.record("\(one.operation) \(one.shapes) gave \(value)")
            } catch let error as TensorError {
                #expect(error.operation == one.operation && error.kind == one.kind, "\(error)")
                #expect(error.shapes == one.shapes, "\(error)")
                #expect(error.message.contains(one.words), "\(error)")
                #expect(error.description.contains(one.operation) && error.description.contains(one.words))
            } catch {
                Issue.record("\(one.operation): \(error) is no TensorError")
            }
        }
    }

    @Test func operations() throws {
        let (a, b) = (try Tensor.zeros([2, 3]), try Tensor.zeros([4, 3]))
        let picture = try Tensor.zeros([1, 4, 2, 2])
        check([
            Case(operation: "add", shapes: [[2, 3], [4, 3]], words: "must match") { try a + b },
            Case(operation: "matmul", shapes: [[2, 3], [4, 3]], words: "cannot be multiplied") { try a.matmul(b) },
            Case(operation: "sum", shapes: [[2, 3]], words: "Dimension out of range") { try a.sum([5]) },
            Case(operation: "select", shapes: [[2, 3]], words: "out of range") { try a.at(2) },
            Case(operation: "narrow", shapes: [[2, 3]], words: "exceeds") { try a.narrow(1, start: 2, length: 2) },
            Case(operation: "narrow", shapes: [[2, 3]], words: "out of range") { try a.narrow(1, start: .max, length: .max) },
            Case(operation: "reshape", shapes: [[2, 3]], words: "invalid for input") { try a.reshape([4]) },
            Case(operation: "permute", shapes: [[2, 3]], words: "permute") { try a.permute([0, 0]) },
            Case(operation: "expand", shapes: [[2, 3]], words: "expanded") { try a.expand([2, 4]) },
            Case(operation: "size", shapes: [[2, 3]], words: "no dimension 2") { try a.size(2) },
            Case(operation: "chunk", shapes: [[2, 3]], words: "3 is not 2 equal parts") { try a.chunk(2, dim: 1) },
            Case(operation: "concatenate", shapes: [[2, 3], [4, 3]], words: "Sizes of tensors must match") {
                try Tensor.concatenate([a, b], dim: 1)
            },
            Case(operation: "concatenate", shapes: [], words: "non-empty") { try Tensor.concatenate([]) },
            Case(operation: "stack", shapes: [[2, 3], [4, 3]], words: "equal size") { try Tensor.stack([a, b]) },
            Case(operation: "indexSelect", shapes: [[2, 3], [1]], words: "out of range") { try a.indexSelect(0, Tensor([7])) },
            Case(operation: "embedding", shapes: [[2, 3], [1]], words: "out of range") { try a.embedding(Tensor([-1])) },
            Case(operation: "gather", shapes: [[2, 3], [1, 1]], words: "out of bounds") { try a.gather(0, Tensor([2], shape: [1, 1])) },
            Case(operation: "convolution", shapes: [[1, 4, 2, 2], [2, 3, 1, 1]], words: "to have 3 channels") {
                try picture.convolution(.zeros([2, 3, 1, 1]))
            },
            Case(operation: "convolution", shapes: [[1, 4, 2, 2], [2, 4, 1, 1]], words: "stride") {
                try picture.convolution(.zeros([2, 4, 1, 1]), stride: 0)
            },
            Case(operation: "groupNorm", shapes: [[1, 4, 2, 2]], words: "divisible") { try picture.groupNorm(groups: 3, weight: nil, bias: nil) },
            Case(operation: "groupNorm", shapes: [[1, 4, 2, 2]], words: "groups") { try picture.groupNorm(groups: 0, weight: nil, bias: nil) },
            Case(operation: "pixelShuffle", shapes: [[1, 4, 2, 2]], words: "factor") { try picture.pixelShuffle(1 << 32) },
            Case(operation: "averagePool", shapes: [[1, 4, 2, 2]], words: "") { try picture.averagePool(0) },
            Case(operation: "attention", shapes: [[1, 4, 2, 2], [1, 4, 2, 3], [1, 4, 2, 3]], words: "") {
                try Tensor.attention(picture, .zeros([1, 4, 2, 3]), .zeros([1, 4, 2, 3]))
            },
            Case(operation: "libtorchAttention", shapes: [[1, 4, 2, 2], [1, 4, 2, 3], [1, 4, 2, 3]], words: "") {
                try Tensor.libtorchAttention(picture, .zeros([1, 4, 2, 3]), .zeros([1, 4, 2, 3]))
            },
            Case(operation: "item", shapes: [[2, 3]], words: "Scalar") { try a.item() },
            Case(operation: "copyInPlace", shapes: [[2, 3], [4, 3]], words: "must match") { try a.copyInPlace(b) },
            Case(operation: "crossEntropy", shapes: [[2, 3], [2]], words: "out of bounds") { try a.crossEntropy(Tensor([0, 3])) },
            Case(operation: "dropout", shapes: [[2, 3]], words: "probability") {
                try a.dropout(1.5, generator: RandomGenerator(seed: 0))
            },
        ])
    }

    @Test func types() throws {
        let whole = try Tensor([1, 2, 3])
        check([
            Case(operation: "softmax", shapes: [[3]], words: "not implemented for") { try whole.softmax(dim: 0) },
            Case(operation: "mean", shapes: [[3]], words: "floating point") { try whole.mean() },
            Case(operation: "requiresGrad", shapes: [[3]], words: "floating point") { try whole.setRequiresGrad(true) },
            Case(operation: "matmul", shapes: [[3], [3]], words: "dtype") { try whole.matmul(.zeros([3])) },
            Case(operation: "embedding", shapes: [[1, 3], [1]], words: "Long") { try whole.unsqueeze(0).embedding(.zeros([1])) },
            Case(operation: "setGradient", shapes: [[2], [2]], words: "a gradient of shape [2] in Double") {
                try Tensor.zeros([2]).setGradient(.zeros([2], dtype: .float64))
            },
            Case(operation: "full", shapes: [], words: "overflow") { try Tensor.full([1], 1e300, dtype: .int64) },
        ])
    }

    @Test func sizesThatCannotBe() throws {
        let one = try Tensor.zeros([1])
        let generator = try RandomGenerator(seed: 0)
        check([
            Case(operation: "full", shapes: [[2, -1]], words: "no tensor") { try Tensor.zeros([2, -1]) },
            Case(operation: "full", shapes: [[.max, .max]], words: "no tensor") { try Tensor.zeros([.max, .max]) },
            Case(operation: "empty", shapes: [[1 << 62, 4]], words: "no tensor") { try Tensor.empty([1 << 62, 4]) },
            Case(operation: "full", shapes: [[1 << 62]], words: "no tensor") { try Tensor.zeros([1 << 62]) },
            Case(operation: "randn", shapes: [], words: "negative") { try Tensor.randn([-1], generator: generator) },
            Case(operation: "rand", shapes: [], words: "overflow") { try Tensor.rand([1 << 40, 1 << 40], generator: generator) },
            Case(operation: "repeated", shapes: [[1]], words: "") { try one.repeated([1 << 40, 1 << 40]) },
            Case(operation: "randint", shapes: [], words: "from") { try Tensor.randint(3..<3, [1], generator: generator) },
            Case(operation: "arange", shapes: [], words: "step") { try Tensor.arange(0, 1, step: 0) },
            Case(operation: "tensor", shapes: [], words: "12 bytes, not 8") { try Tensor([Float(1), 2], shape: [3]) },
            Case(operation: "generator state", shapes: [[3]], words: "state") { try generator.setState(.zeros([3], dtype: .uint8)) },
        ])
        // Bounded only by memory: 64 TiB, more than any address space gives.
        for body in [
            { try Tensor.zeros([1 << 44]) }, { try Tensor.empty([1 << 22, 1 << 22]) }, { try one.repeated([1 << 44]) },
            { try Tensor.randn([1 << 44], generator: generator) },
        ] {
            let error = try #require(throws: TensorError.self) { try body() }
            #expect(error.kind == .outOfMemory && error.description.hasPrefix("not enough memory for"), "\(error)")
        }
    }

    @Test func devicesThatAreNotThere() throws {
        let missing = Device.cuda(Device.cudaDeviceCount)
        check([
            Case(operation: "full", shapes: [], words: "no device \(missing)", kind: .device) { try Tensor.zeros([1], device: missing) },
            Case(operation: "to", shapes: [[1]], words: "no device cuda:1000", kind: .device) { try Tensor.zeros([1]).to(device: .cuda(1000)) },
            Case(operation: "full", shapes: [], words: "no device cuda:-1", kind: .device) { try Tensor.zeros([1], device: .cuda(-1)) },
            Case(operation: "generator", shapes: [], words: "no device", kind: .device) { try RandomGenerator(seed: 0, device: missing) },
            Case(operation: "synchronize", shapes: [], words: "no device", kind: .device) { try missing.synchronize() },
        ])
        try Device.cpu.synchronize()
        if !Device.isMPSAvailable {
            check([Case(operation: "full", shapes: [], words: "no device mps", kind: .device) { try Tensor.zeros([1], device: .mps) }])
            #expect(Device.best == (Device.cudaDeviceCount > 0 ? .cuda(0) : .cpu))
        }
        // And work goes on.
        #expect(try (Tensor.ones([2]) + 1).floats() == [2, 2])
    }

    @Test func listsOfDifferentLengths() throws {
        let one = try Tensor.zeros([1])
        check([
            Case(operation: "lerp", shapes: [], words: "1 averages of 0 values") { try TensorLists.lerp([one], to: [], weight: 1) },
            Case(operation: "adamW", shapes: [], words: "[1, 0, 1, 1, 1]") {
                try TensorLists.adamW(
                    parameters: [one], gradients: [], first: [one], second: [one], steps: [one], rate: 1,
                    betas: (0.9, 0.99), decay: 0, epsilon: 1e-8)
            },
        ])
    }
}
