import Layers
import Tensors
import Testing

/// Layers against PyTorch's (see Tests/Fixtures/layers/README.md).
struct LayersTests {
    /// A layer with the fixture's weights, called with the fixture's input.
    func output(
        _ name: String, _ dtype: DType, _ build: (Weights) throws -> (Tensor) throws -> Tensor
    ) throws -> (found: Tensor, expected: Tensor) {
        let file = try golden("layers/layers")
        let weights = file.names.filter { $0.hasPrefix("\(name).weights.") }
        let source = TensorDictionary(try weights.map { ($0, try file.tensor($0)) })
        let store = WeightStore(.tensors(PrefixedSource(source, prefix: "\(name).weights.")), dtype: dtype)
        let layer = try build(Weights(store))
        try store.finish()
        return (try layer(file.tensor("\(name).input").to(dtype)), try file.tensor("\(name).output"))
    }

    @Test(arguments: [DType.float32, .bfloat16, .float64])
    func agreeWithPyTorch(dtype: DType) throws {
        let context = try golden("layers/layers").tensor("cross_attention.context").to(dtype)
        let layers: [(String, (Weights) throws -> (Tensor) throws -> Tensor)] = [
            ("linear", { try Linear($0, in: 6, out: 5).callAsFunction }),
            ("convolution", { try Convolution2D($0, in: 4, out: 6).callAsFunction }),
            ("strided", { try Convolution2D($0, in: 4, out: 6, stride: 2, bias: false).callAsFunction }),
            ("group_norm", { try GroupNorm($0, channels: 8, groups: 4).callAsFunction }),
            ("layer_norm", { try LayerNorm($0, width: 10).callAsFunction }),
            ("self_attention", { weights in
                let layer = try CrossAttention(weights, width: 8, heads: 3, headWidth: 4)
                return { try layer($0) }
            }),
            ("cross_attention", { weights in
                let layer = try CrossAttention(weights, width: 8, context: 6, heads: 3, headWidth: 4)
                return { try layer($0, context: context) }
            }),
        ]
        for (name, build) in layers {
            let (found, expected) = try output(name, dtype, build)
            #expect(found.dtype == dtype, "\(name)")
            let error = try relativeError(found, expected)
            #expect(error < (dtype == .bfloat16 ? 2e-2 : 1e-6), "\(name) is off by \(error)")
        }
    }

    /// Kernel 1 over a sequence is the linear layer with the same weight.
    @Test func pointwiseConvolution() throws {
        let generator = try RandomGenerator(seed: 1)
        let (weight, bias) = (try Tensor.randn([5, 3, 1], generator: generator), try Tensor.randn([5], generator: generator))
        let x = try Tensor.randn([2, 4, 3], generator: generator)
        let store = WeightStore(.tensors(TensorDictionary([("weight", weight), ("bias", bias)])))
        let layer = try PointwiseConvolution1D(Weights(store), in: 3, out: 5)
        try store.finish()
        let reference = try x.transpose(1, 2).convolution(weight, bias: bias).transpose(1, 2)
        #expect(try relativeError(layer(x), reference) < 1e-6)
    }

    @Test func embeddingPicksRows() throws {
        let store = WeightStore(.tensors(TensorDictionary([("weight", try Tensor.arange(6).reshape([3, 2]).to(.float32))])))
        let embedding = try Embedding(Weights(store), count: 3, width: 2)
        #expect(try embedding(Tensor([2, 0], shape: [1, 2])).floats() == [4, 5, 0, 1])
    }

    /// The file's layout: for each head its queries, then its keys, then its values.
    @Test func interleavedHeads() throws {
        let x = try Tensor.arange(12).reshape([1, 1, 12])  // 2 heads, 3 parts, width 2
        let parts = try Heads.splitInterleaved(x, heads: 2, parts: 3)
        #expect(parts.map(\.shape) == Array(repeating: [1, 2, 1, 2], count: 3))
        #expect(try parts.map { try $0.ints() } == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]])
        let plain = try Heads.split(Tensor.arange(12).reshape([1, 2, 6]), heads: 3)
        #expect(try plain.shape == [1, 3, 2, 2] && plain.ints() == [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11])
        #expect(try Heads.join(plain).ints() == Array(0..<12))
        for (heads, parts) in [(0, 3), (5, 1), (2, 0), (-2, 3)] {
            #expect(throws: TensorError.self) { try Heads.splitInterleaved(x, heads: heads, parts: parts) }
        }
        #expect(throws: TensorError.self) { try Heads.split(x, heads: 5) }
        #expect(throws: TensorError.self) { try Heads.join(x) }
    }

    @Test func timesteps() throws {
        let file = try golden("glide/base")
        let found = try timestepEmbedding(file.tensor("glide.timesteps"), width: 32)
        let expected = try file.tensor("intermediate.timestep_embedding")
        // At step 999 another rounding of the float32 frequencies moves a cosine by 5e-5.
        #expect(try (found - expected).abs().max().item() < 1e-4)
        #expect(try (found.at(0) - expected.at(0)).abs().max().item() < 1e-6)
        let exact = try timestepEmbedding(Tensor([0.5]), width: 5, maximumPeriod: 100).doubles()
        let wanted = [0.8775825618903728, 0.9987502603949663, 0.479425538604203, 0.04997916927067833, 0]
        #expect(zip(exact, wanted).allSatisfy { abs($0 - $1) < 1e-12 } && exact.count == 5)
        #expect(throws: TensorError.self) { try timestepEmbedding(Tensor(1), width: 4) }
    }
}
