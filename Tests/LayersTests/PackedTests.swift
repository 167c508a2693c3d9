import Foundation
import Layers
import Tensors
import Testing

/// Layers whose weights are kept as the kernels read them give what the plain ones give.
@Suite struct PackedTests {
    private func convolution(
        in channels: Int, out: Int, kernel: Int, stride: Int, padding: Int?, dtype: DType, onlyDraws: Bool
    ) throws -> Convolution2D {
        let weights = TensorDictionary(
            [
                (name: "weight", value: try normal([out, channels, kernel, kernel], 1, deviation: 0.05)),
                (name: "bias", value: try normal([out], 2)),
            ], name: "drawn")
        let store = WeightStore(.tensors(weights), dtype: dtype, onlyDraws: onlyDraws)
        return try Convolution2D(Weights(store), in: channels, out: out, kernel: kernel, stride: stride, padding: padding)
    }

    @Test(arguments: [
        (64, 64, 3, 1, nil), (48, 130, 3, 2, nil), (33, 65, 3, 1, 0), (320, 64, 1, 1, nil), (4, 520, 3, 1, nil),
        (128, 256, 3, 2, 0),
    ] as [(Int, Int, Int, Int, Int?)]) func packedConvolutions(_ sizes: (Int, Int, Int, Int, Int?)) throws {
        let (channels, out, kernel, stride, padding) = sizes
        for dtype in [DType.float32, .bfloat16] {
            let plain = try convolution(
                in: channels, out: out, kernel: kernel, stride: stride, padding: padding, dtype: dtype, onlyDraws: false)
            let packed = try convolution(
                in: channels, out: out, kernel: kernel, stride: stride, padding: padding, dtype: dtype, onlyDraws: true)
            try withoutGradients {
                // The first call decides how the weight is kept; other shapes are as welcome.
                for shape in [[2, channels, 16, 16], [1, channels, 7, 13], [3, channels, 16, 16]] {
                    let x = try normal(shape, 4).to(dtype).channelsLast()
                    let (a, b) = (try packed(x), try plain(x))
                    #expect(a.shape == b.shape && a.dtype == dtype && a.isChannelsLast)
                    #expect(try distance(a, b) < (dtype == .float32 ? 2e-6 : 0.01))
                }
                let apart = try normal([1, channels, 8, 8], 5).to(dtype)
                let (a, b) = (try packed(apart), try plain(apart))
                #expect(try distance(a, b) < (dtype == .float32 ? 2e-6 : 0.01))
            }
        }
    }

    /// Guidance asks for a gradient of a network that draws.
    @Test func gradientsGoThroughPackedConvolutions() throws {
        let plain = try convolution(in: 64, out: 64, kernel: 3, stride: 1, padding: nil, dtype: .float32, onlyDraws: false)
        let packed = try convolution(in: 64, out: 64, kernel: 3, stride: 1, padding: nil, dtype: .float32, onlyDraws: true)
        _ = try withoutGradients { try packed(normal([1, 64, 8, 8], 3).channelsLast()) }
        func gradient(_ convolution: Convolution2D) throws -> Tensor {
            let x = try normal([1, 64, 8, 8], 3).channelsLast().detach()
            try x.setRequiresGrad(true)
            return try #require(try convolution(x).silu().sum().gradients(of: [x])[0])
        }
        let (a, b) = (try gradient(packed), try gradient(plain))
        #expect(try distance(a, b) < 1e-6)
    }

    @Test func aWrongShapeIsAnError() throws {
        let packed = try convolution(in: 64, out: 64, kernel: 3, stride: 1, padding: nil, dtype: .float32, onlyDraws: true)
        try withoutGradients {
            _ = try packed(normal([1, 64, 8, 8], 3).channelsLast())
            #expect(throws: TensorError.self) { try packed(normal([1, 32, 8, 8], 3).channelsLast()) }
        }
    }

    /// 3×3 with stride 1 and padding 1, channels in 32s, or with AVX2 in 16s: Winograd's minimal filtering. Odd sides, single pixels, as many
    /// channels as need several blocks and chunks, more squares than stay in the cache.
    @Test(arguments: [
        (1, 32, 32, 1, 1), (1, 32, 64, 2, 1), (3, 64, 96, 7, 5), (2, 96, 32, 16, 9), (1, 320, 64, 33, 31),
        (2, 1280, 1280, 3, 2), (1, 32, 32, 130, 70), (1, 1024, 1024, 12, 12), (2, 48, 80, 9, 8),
    ] as [(Int, Int, Int, Int, Int)], [0.0, 10.0]) func winograd(_ sizes: (Int, Int, Int, Int, Int), mean: Double) throws {
        let (pictures, channels, out, height, width) = sizes
        for dtype in [DType.float32, .bfloat16] {
            let packed = try convolution(
                in: channels, out: out, kernel: 3, stride: 1, padding: nil, dtype: dtype, onlyDraws: true)
            let x = try normal([pictures, channels, height, width], 4, mean: mean).to(dtype).channelsLast()
            let exact = try x.to(.float64).convolution(
                packed.weight.to(.float64), bias: packed.bias?.to(.float64), stride: 1, padding: 1)
            let made = try withoutGradients { try packed(x) }
            #expect(made.shape == exact.shape && made.dtype == dtype && made.isChannelsLast)
            // Squares and weights are rounded once more than by a plain convolution.
            #expect(try distance(made, exact) < (dtype == .float32 ? 1e-5 : 0.02))
        }
    }

    @Test(arguments: [(1, 128, 200), (2, 320, 2560), (154, 768, 320), (1000, 130, 131)]) func linear(
        _ sizes: (Int, Int, Int)
    ) throws {
        let (rows, width, out) = sizes
        let drawn = try drawnLinear(in: width, out: out)
        for dtype in [DType.float32, .bfloat16] {
            for bias in [true, false] {
                let store = WeightStore(.tensors(drawn), dtype: dtype, onlyDraws: true)
                let layer = try Linear(Weights(store), in: width, out: out, bias: bias)
                try withoutGradients {
                    for shape in [[rows, width], [2, rows, width], [width]] {
                        let x = try normal(shape, 3).to(dtype)
                        let (a, b) = (try layer(x), try x.linear(layer.weight, bias: layer.bias))
                        #expect(a.shape == b.shape && a.dtype == dtype)
                        #expect(try distance(a, b) < (dtype == .float32 ? 2e-6 : 0.01))
                        // Rows that are not side by side in memory.
                        let turned = try normal([width, rows], 5).to(dtype).transpose(0, 1)
                        let (c, d) = (try layer(turned), try turned.linear(layer.weight, bias: layer.bias))
                        #expect(try distance(c, d) < (dtype == .float32 ? 2e-6 : 0.01))
                    }
                }
            }
        }
    }

    /// The gate of a perceptron taken along with the product, and products of whole numbers of 8 bits.
    @Test(arguments: [(1, 128, 512), (77, 320, 2560), (250, 1280, 640), (600, 132, 1030), (33, 514, 1028)]) func products(
        _ sizes: (Int, Int, Int)
    ) throws {
        let (rows, width, out) = sizes
        let drawn = try drawnLinear(in: width, out: out)
        for (dtype, bias) in [(DType.bfloat16, true), (.int8, true), (.int8, false)] {
            let store = WeightStore(.tensors(drawn), dtype: dtype, onlyDraws: true, isQuantized: { _ in true })
            let plain = try Linear(Weights(store), in: width, out: out, bias: bias)
            let gating = WeightStore(.tensors(drawn), dtype: dtype, onlyDraws: true, isQuantized: { _ in true })
            let gated = try Linear(Weights(gating), in: width, out: out, bias: bias)
            #expect(plain.weight.dtype == .bfloat16)
            try withoutGradients {
                for shape in [[rows, width], [2, rows, width]] {
                    let x = try normal(shape, 3).to(.bfloat16)
                    let exact = try x.to(.float64).linear(plain.weight.to(.float64), bias: plain.bias?.to(.float64))
                    let halves = try exact.chunk(2, dim: -1)
                    let wanted = try halves[0] * halves[1].gelu()
                    let (a, b) = (try plain(x), try gated.gatedGELU(x))
                    #expect(a.shape == exact.shape && a.dtype == .bfloat16 && b.shape == wanted.shape && b.dtype == .bfloat16)
                    // Whole numbers up to 127: a two-hundredth of the largest number of a row and of a column.
                    #expect(try distance(a, exact) < (dtype == .int8 ? 0.03 : 0.01))
                    #expect(try distance(b, wanted) < (dtype == .int8 ? 0.04 : 0.01))
                }
                // What is not a number must be seen.
                let bad = try plain(Tensor.concatenate([.ones([1, width]), .full([1, width], .nan)]).to(.bfloat16)).isFinite()
                #expect(try bad.to(.float32).sum([1]).floats() == [Float(out), 0])
                // A row of zeros has no scale.
                let nothing = try plain(Tensor.zeros([20, width]).to(.bfloat16))
                let offset = try Tensor.zeros([20, out]) + (plain.bias ?? .zeros([out]))
                #expect(try (nothing.to(.float32) - offset.to(.float32)).abs().max().item() < 1e-6)
            }
        }
    }

    /// Where gradients are asked for, and where the same layer is asked for its plain product.
    @Test func aGatedLayerIsStillALayer() throws {
        let drawn = try drawnLinear(in: 128, out: 256, deviation: 0.1)
        let store = WeightStore(.tensors(drawn), dtype: .bfloat16, onlyDraws: true)
        let layer = try Linear(Weights(store), in: 128, out: 256)
        let x = try normal([20, 128], 3).to(.bfloat16)
        let gated = try withoutGradients { try layer.gatedGELU(x) }
        let (plain, wanted) = (try withoutGradients { try layer(x) }, try x.linear(layer.weight, bias: layer.bias))
        #expect(try distance(plain, wanted) < 0.01)
        let recorded = try layer.gatedGELU(x)
        #expect(try distance(gated, recorded) < 0.02)
    }

    /// A picture is what it is, to the bit, whatever others are computed beside it.
    @Test(arguments: [DType.float32, .bfloat16]) func othersDoNotMatter(_ dtype: DType) throws {
        let convolutions = [(64, 64, 1, 3), (64, 64, 2, 3), (64, 96, 1, 1), (96, 520, 1, 3)]
        try withoutGradients {
            for (channels, out, stride, kernel) in convolutions {
                let layer = try convolution(
                    in: channels, out: out, kernel: kernel, stride: stride, padding: nil, dtype: dtype, onlyDraws: true)
                let x = try normal([7, channels, 9, 8], 4).to(dtype).channelsLast()
                let all = try layer(x)
                for first in [0, 3, 6] {
                    let alone = try layer(x.narrow(0, start: first, length: 1).channelsLast())
                    #expect(try distance(alone, all.narrow(0, start: first, length: 1)) == 0, "\(channels) \(out) \(stride) \(kernel)")
                }
            }
            for (rows, width, out) in [(16, 128, 256), (5, 1024, 70), (1, 2304, 160)] {
                let drawn = try drawnLinear(in: width, out: out)
                let layer = try Linear(Weights(WeightStore(.tensors(drawn), dtype: dtype, onlyDraws: true)), in: width, out: out)
                let x = try normal([7, rows, width], 3).to(dtype)
                let all = try layer(x)
                for first in [0, 3, 6] {
                    let alone = try layer(x.narrow(0, start: first, length: 1))
                    #expect(try distance(alone, all.narrow(0, start: first, length: 1)) == 0, "\(rows) \(width) \(out)")
                }
            }
            let q = try normal([7, 4, 16, 32], 5).to(dtype)
            let all = try Tensor.attention(q, q, q)
            for first in [0, 3, 6] {
                let one = try q.narrow(0, start: first, length: 1)
                let alone = try Tensor.attention(one, one, one)
                #expect(try distance(alone, all.narrow(0, start: first, length: 1)) == 0)
            }
        }
    }
}
