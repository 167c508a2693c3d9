import Tensors
import Testing

/// Operations against values worked out by hand, and against PyTorch's where hands do not reach.
struct OperationTests {
    struct Case {
        let name: String
        let shape: [Int]
        let values: [Double]
        let tensor: Tensor

        init(_ name: String, _ shape: [Int], _ values: [Double], _ tensor: Tensor) {
            self.name = name
            self.shape = shape
            self.values = values
            self.tensor = tensor
        }

        func check(within tolerance: Double = 1e-6) throws {
            #expect(tensor.shape == shape, "\(name)")
            let found = try tensor.doubles()
            let worst = zip(found, values).map { abs($0 - $1) }.max() ?? 0
            #expect(found.count == values.count && worst <= tolerance, "\(name): \(found), expected \(values)")
        }
    }

    let a: Tensor  // 1 2; 3 4
    let b: Tensor  // 10 −20
    let s: Tensor  // −1.5 −0.5 0.5 2.5

    init() throws {
        a = try tensor([1, 2, 3, 4], [2, 2])
        b = try tensor([10, -20], [2])
        s = try tensor([-1.5, -0.5, 0.5, 2.5], [4])
    }

    @Test func arithmeticBroadcasts() throws {
        let cases = try [
            Case("+", [2, 2], [11, -18, 13, -16], a + b), Case("-", [2, 2], [-9, 22, -7, 24], a - b),
            Case("*", [2, 2], [10, -40, 30, -80], a * b), Case("/", [2, 2], [0.1, -0.1, 0.3, -0.2], a / b),
            Case("+ number", [2], [10.5, -19.5], b + 0.5), Case("number +", [2], [10.5, -19.5], 0.5 + b),
            Case("- number", [2], [9, -21], b - 1), Case("number -", [2], [-9, 21], 1 - b),
            Case("* number", [2], [5, -10], b * 0.5), Case("number *", [2], [5, -10], 0.5 * b),
            Case("/ number", [2], [2.5, -5], b / 4), Case("negate", [2], [-10, 20], -b),
            Case("power", [2, 2], [1, 8, 27, 64], a.power(3)), Case("lerp", [2, 2], [1.9, -0.2, 3.7, 1.6], a.lerp(b, weight: 0.1)),
            Case("maximum", [2, 2], [10, 2, 10, 4], .maximum(a, b)), Case("minimum", [2, 2], [1, -20, 3, -20], .minimum(a, b)),
            Case("clamp", [4], [-1, -0.5, 0.5, 2], s.clamp(min: -1, max: 2)), Case("clamp below", [4], [0, 0, 0.5, 2.5], s.clamp(min: 0)),
            Case("clamp above", [4], [-1.5, -0.5, 0, 0], s.clamp(max: 0)),
        ]
        for one in cases { try one.check() }
    }

    @Test func elementwise() throws {
        let e = 2.718281828459045
        let cases = try [
            Case("exp", [2], [1, e], tensor([0, 1], [2]).exp()), Case("expm1", [2], [0, 1e-7], tensor([0, 1e-7], [2]).expm1()),
            Case("log", [2], [0, 1], tensor([1, e], [2]).log()), Case("sqrt", [2, 2], [1, 1.41421356, 1.73205081, 2], a.sqrt()),
            Case("rsqrt", [2], [0.5, 0.2], tensor([4, 25], [2]).rsqrt()), Case("reciprocal", [2], [0.1, -0.05], b.reciprocal()),
            Case("square", [2], [100, 400], b.square()), Case("abs", [4], [1.5, 0.5, 0.5, 2.5], s.abs()),
            Case("sin", [2], [0, 1], tensor([0, .pi / 2], [2]).sin()), Case("cos", [2], [1, -1], tensor([0, .pi], [2]).cos()),
            Case("tanh", [2], [0, 0.76159416], tensor([0, 1], [2]).tanh()), Case("sigmoid", [2], [0.5, 0.73105858], tensor([0, 1], [2]).sigmoid()),
            Case("relu", [4], [0, 0, 0.5, 2.5], s.relu()), Case("floor", [4], [-2, -1, 0, 2], s.floor()),
            Case("round", [4], [-2, 0, 0, 2], s.round()),
            Case("isFinite", [3], [1, 0, 0], tensor([1, .infinity, .nan], [3]).isFinite()),
        ]
        for one in cases { try one.check() }
    }

    @Test func comparisons() throws {
        let two = try Tensor(2.0)
        let expected: [(Tensor.Relation, [Bool])] = [
            (.equal, [false, true, false, false]), (.notEqual, [true, false, true, true]),
            (.less, [true, false, false, false]), (.lessOrEqual, [true, true, false, false]),
            (.greater, [false, false, true, true]), (.greaterOrEqual, [false, true, true, true]),
        ]
        for (relation, values) in expected {
            #expect(try a.compare(relation, 2).bools() == values, "\(relation)")
            #expect(try a.compare(relation, two).bools() == values, "\(relation)")
            #expect(try a.compare(relation, 2).logicalNot().bools() == values.map { !$0 }, "\(relation)")
        }
        #expect(try a.compare(.less, 3).dtype == .bool)
        #expect(try a.compare(.less, 3).choose(a, else: b).floats() == [1, 2, 10, -20])
    }

    @Test func reductions() throws {
        let v = try tensor([3, 1, 4, 1, 5, 9], [2, 3])
        let order = try tensor([2, 1, 2, 0], [4]).sorted(dim: 0, descending: true)
        let cases = try [
            Case("sum", [], [23], v.sum()), Case("sum 0", [3], [4, 6, 13], v.sum([0])), Case("sum kept", [2, 1], [8, 15], v.sum([-1], keepDims: true)),
            Case("mean", [2], [8.0 / 3, 5], v.mean([1])), Case("meanFlat", [2], [8.0 / 3, 5], v.meanFlat()),
            Case("meanFlat of a vector", [2], [10, -20], b.meanFlat()), Case("variance", [2], [7.0 / 3, 16], v.variance([1])),
            Case("biased", [2], [14.0 / 9, 32.0 / 3], v.variance([1], unbiased: false)), Case("max", [], [9], v.max()), Case("max 1", [2], [4, 9], v.max([1])),
            Case("min", [1, 3], [1, 1, 4], v.min([0], keepDims: true)), Case("norm", [], [5], tensor([3, 0, -4], [3]).norm()),
            Case("argmax", [2], [2, 2], v.argmax(dim: 1)), Case("quantile", [2], [3, 5], v.quantile(0.5, dim: 1)),
            Case("cumulativeSum", [2, 3], [3, 4, 8, 1, 6, 15], v.cumulativeSum(dim: 1)), Case("sorted", [4], [2, 2, 1, 0], order.values),
            Case("stable", [4], [0, 2, 1, 3], order.indices), Case("softmax", [2], [0.25, 0.75], tensor([0, 1.0986122887], [2]).softmax(dim: 0)),
            Case("logSumExp", [1], [1.3862943611], tensor([0, 1.0986122887], [2]).logSumExp(dim: 0, keepDim: true)),
            Case("item", [], [9], Tensor(v.max().item())),
        ]
        for one in cases { try one.check() }
        #expect(try v.to(.bfloat16).softmax(dim: 1, dtype: .float32).dtype == .float32)
    }

    @Test func shapes() throws {
        let v = try Tensor.arange(6).reshape([2, 3]).to(.float32)  // 0 1 2; 3 4 5
        let cases = try [
            Case("reshape", [3, 2], [0, 1, 2, 3, 4, 5], v.reshape([-1, 2])), Case("permute", [3, 2], [0, 3, 1, 4, 2, 5], v.permute([1, 0])),
            Case("transpose", [3, 2], [0, 3, 1, 4, 2, 5], v.transpose(0, -1)), Case("unsqueeze", [2, 1, 3], [0, 1, 2, 3, 4, 5], v.unsqueeze(1)),
            Case("squeeze", [2, 3], [0, 1, 2, 3, 4, 5], v.unsqueeze(0).squeeze(0)), Case("expand", [3, 2], [10, -20, 10, -20, 10, -20], b.expand([3, -1])),
            Case("repeated", [1, 4], [10, -20, 10, -20], b.repeated([1, 2])), Case("narrow", [2, 2], [1, 2, 4, 5], v.narrow(1, start: 1, length: 2)),
            Case("select", [2], [2, 5], v.select(1, -1)), Case("at", [3], [3, 4, 5], v.at(1)), Case("rows", [1, 3], [3, 4, 5], v.rows(1..<2)),
            Case("indexSelect", [2, 2], [2, 0, 5, 3], v.indexSelect(1, Tensor([2, 0]))),
            Case("gather", [2, 1], [1, 5], v.gather(1, Tensor([1, 2], shape: [2, 1]))), Case("flip", [2, 3], [5, 4, 3, 2, 1, 0], v.flip([0, 1])),
            Case("lower", [2, 3], [0, 0, 0, 3, 4, 0], v.lowerTriangle()), Case("upper", [2, 3], [0, 1, 2, 0, 0, 5], v.upperTriangle(diagonal: 1)),
            Case("chunk", [2, 1], [1, 4], v.chunk(3, dim: 1)[1]), Case("concatenate", [3, 2], [1, 2, 3, 4, 10, -20], .concatenate([a, b.unsqueeze(0)])),
            Case("stack", [2, 2], [10, 10, -20, -20], .stack([b, b], dim: 1)), Case("pad", [1, 5], [7, 10, -20, 7, 7], b.unsqueeze(0).pad([(1, 2)], value: 7)),
            Case("arange", [3], [1, 1.5, 2], .arange(1, 2.5, step: 0.5, dtype: .float32)), Case("full", [2], [0.5, 0.5], .full([2], 0.5)),
            Case("contiguous", [3, 2], [0, 3, 1, 4, 2, 5], v.permute([1, 0]).contiguous()), Case("nothing", [0, 3], [], .zeros([0, 3])),
        ]
        for one in cases { try one.check() }
        #expect(try v.size(-1) == 3 && v.rank == 2 && v.count == 6)
        #expect(try v.narrow(1, start: 1, length: 2).sharesMemory(with: v) && !v.clone().sharesMemory(with: v))
        #expect(try !v.permute([1, 0]).isContiguous && v.permute([1, 0]).contiguous().isContiguous)
        let picture = try Tensor.zeros([1, 3, 2, 2]).channelsLast()
        #expect(picture.isChannelsLast && !picture.isContiguous)
    }

    @Test func layers() throws {
        let x = try tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3])
        let kernel = try tensor([1, 0, 0, -1], [1, 1, 2, 2])
        let cases = try [
            Case("matmul", [2, 2], [7, 10, 15, 22], a.matmul(a)), Case("linear", [2, 2], [15, -9, 21, 5], a.linear(a, bias: b)),
            Case("embedding", [3, 2], [3, 4, 1, 2, 3, 4], a.embedding(Tensor([1, 0, 1]))),
            Case("convolution", [1, 1, 2, 2], [-3.5, -3.5, -3.5, -3.5], x.convolution(kernel, bias: tensor([0.5], [1]))),
            Case("strided", [1, 1, 2, 2], [-1, -3, -7, -4], x.convolution(kernel, stride: 2, padding: 1)),
            Case("grouped", [1, 2, 1, 1], [2, 6], tensor([1, 2], [1, 2, 1, 1]).convolution(tensor([2, 3], [2, 1, 1, 1]), groups: 2)),
            Case("averagePool", [1, 1, 1, 1], [3], x.averagePool()), Case("nearest", [1, 1, 2, 4], [1, 1, 2, 2, 3, 3, 4, 4], a.reshape([1, 1, 2, 2]).resize(height: 2, width: 4, .nearest)),
            Case("pixelShuffle", [1, 1, 2, 2], [1, 2, 3, 4], a.reshape([1, 4, 1, 1]).pixelShuffle(2)),
            Case("pixelUnshuffle", [1, 4, 1, 1], [1, 2, 3, 4], a.reshape([1, 1, 2, 2]).pixelUnshuffle(2)),
            Case("groupNorm", [1, 2, 2], [-1, 1, -1, 1], tensor([1, 3, 10, 20], [1, 2, 2]).groupNorm(groups: 2, weight: nil, bias: nil, epsilon: 0)),
            Case("layerNorm", [2, 2], [-1, 2, -1, 2], a.layerNorm(weight: tensor([2, 1], [2]), bias: tensor([1, 1], [2]), epsilon: 0)),
            Case("meanSquaredError", [], [0.5], b.meanSquaredError(tensor([11, -20], [2]))),
            Case("crossEntropy", [], [1.3862943611], tensor([0, 1.0986122887], [1, 2]).crossEntropy(Tensor([0]))),
        ]
        for one in cases { try one.check(within: 2e-6) }
    }

    @Test func agreesWithPyTorch() throws {
        let file = try golden("layers/layers")
        func at(_ name: String) throws -> Tensor { try file.tensor("op." + name) }
        let (x, q, k, v) = (try at("x"), try at("q"), try at("k"), try at("v"))
        let found: [(String, Tensor)] = try [
            ("transposed", x.transposedConvolution(at("weight"), stride: 2, padding: 1, outputPadding: 1)),
            ("conv1d", x.reshape([2, 3, 24]).convolution(at("weight1"), stride: 2, dilation: 2)),
            ("bilinear", x.resize(height: 7, width: 9, .bilinear)),
            ("bilinear_antialias", x.resize(height: 2, width: 3, .bilinear, antialias: true)),
            ("bicubic", x.resize(height: 7, width: 9, .bicubic)),
            ("bicubic_antialias", x.resize(height: 2, width: 3, .bicubic, antialias: true)),
            ("nearest", x.resize(height: 8, width: 12, .nearest)), ("attention", .attention(q, k, v)),
            ("attention_masked", .attention(q, k, v, mask: at("mask"))),
            ("attention_causal", .attention(q, q, q, causal: true, scale: 0.3)), ("gelu", x.gelu()),
            ("gelu_tanh", x.gelu(.tanh)), ("softplus", x.softplus()), ("erf", x.erf()), ("silu", x.silu()),
            ("quantile", x.reshape([2, -1]).quantile(0.9, dim: 1)), ("logsumexp", x.logSumExp(dim: -1)),
            ("log_softmax", x.logSoftmax(dim: 1)), ("variance", x.variance([1, 3])),
            ("pixel_unshuffle", x.pixelUnshuffle(2)), ("average", x.averagePool(2)),
        ]
        for (name, value) in found {
            let error = try distance(value, at(name))
            #expect(error < 2e-6, "\(name) is off by \(error)")
        }
    }

    @Test func convertsTypes() throws {
        let values = [-1.7, 0, 3]
        let expected: [DType: [Double]] = [
            .float32: [-1.7, 0, 3], .float64: [-1.7, 0, 3], .float16: [-1.7, 0, 3], .bfloat16: [-1.7, 0, 3],
            .int64: [-1, 0, 3], .int32: [-1, 0, 3], .int16: [-1, 0, 3], .int8: [-1, 0, 3], .bool: [1, 0, 1],
        ]
        for (dtype, wanted) in expected {
            let converted = try tensor(values, [3], dtype)
            #expect(converted.dtype == dtype)
            try Case("\(dtype)", [3], wanted, converted).check(within: 0.01)
            #expect(try rawBytes(converted).count == 3 * dtype.byteCount)
        }
        #expect(try tensor([0, 200, 255], [3], .uint8).bytes() == [0, 200, 255])
        #expect(try Tensor([1, 2]).to(.int64).sharesMemory(with: Tensor([1, 2])) == false)
        #expect(try Tensor([true, false]).bools() == [true, false])
        // A file may hold any byte.
        let bytes: [UInt8] = [0, 1, 2, 255]
        let flags = try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: [4], dtype: .bool) }
        #expect(try flags.bools() == [false, true, true, true])
        #expect(try Tensor([UInt8(3)]).ints() == [3])
        #expect(try Tensor([Float(1.5)], shape: [1, 1]).description == "Tensor[1, 1] float32 on cpu")
    }

    @Test func writesInPlace() throws {
        let x = try Tensor.zeros([2, 2])
        let row = try x.at(1)
        try row.copyInPlace(b)
        try x.addInPlace(a, factor: 2)
        try x.multiplyInPlace(0.5)
        #expect(try x.floats() == [1, 2, 8, -6])
        try row.fillInPlace(9)
        #expect(try x.floats() == [1, 2, 9, 9])
        let (p, q) = (try tensor([0, 10], [2]), try tensor([1], [1]))
        try TensorLists.lerp([p, q], to: [tensor([1, 20], [2]), tensor([3], [1])], weight: 0.25)
        #expect(try p.floats() == [0.25, 12.5] && q.floats() == [1.5])
        #expect(try TensorLists.totalNorm([tensor([3], [1]), tensor([0, -4], [2])]).item() == 5)
        #expect(try TensorLists.totalNorm([]).item() == 0)
        try TensorLists.multiply([p, q], by: 2)
        #expect(try p.floats() == [0.5, 25] && q.floats() == [3])
    }
}
