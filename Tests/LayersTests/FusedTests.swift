import Foundation
import Layers
import Tensors
import Testing

/// Operations done in one pass give what the single steps give.
@Suite struct FusedTests {
    /// Shapes that are multiples of nothing, one pixel, one group, a group a channel, means far from zero.
    @Test(arguments: [
        ([2, 32, 16, 16], 8), ([1, 320, 33, 7], 32), ([3, 6, 1, 1], 2), ([1, 5, 9, 11], 5), ([2, 7, 130, 3], 1),
        ([1, 1280, 4, 4], 32), ([1, 8, 150, 150], 4),
    ], [0.0, 40.0]) func groupNormSiLU(shape: ([Int], Int), mean: Double) throws {
        let ((sizes, groups), channels) = (shape, shape.0[1])
        let x = try normal(sizes, 1, mean: mean).channelsLast()
        let (weight, bias) = (try normal([channels], 2), try normal([channels], 3))
        let added = [sizes[0], channels, 1, 1]
        let (offset, scale, shift) = (try normal(added, 4), try normal(added, 5), try normal(added, 6))
        for (o, s, h) in [(nil, nil, nil), (offset, nil, nil), (nil, scale, shift), (offset, scale, shift)] as [(Tensor?, Tensor?, Tensor?)] {
            let exact = try { () -> Tensor in
                var y = try x.to(.float64)
                if let o { y = try y + o.to(.float64) }
                y = try y.groupNorm(groups: groups, weight: weight.to(.float64), bias: bias.to(.float64), epsilon: 1e-5)
                if let s, let h { y = try y * (s.to(.float64) + 1) + h.to(.float64) }
                return try y.silu()
            }()
            let fused = try withoutGradients {
                try #require(try x.groupNormSiLU(
                    groups: groups, weight: weight, bias: bias, epsilon: 1e-5, offset: o, scale: s, shift: h))
            }
            #expect(fused.shape == sizes && fused.isChannelsLast)
            // float32 itself leaves 40 deviations from zero only so many digits.
            #expect(try distance(fused, exact) < (mean == 0 ? 2e-6 : 4e-5))
            let coarse = try withoutGradients {
                try #require(try x.to(.bfloat16).groupNormSiLU(
                    groups: groups, weight: weight, bias: bias, epsilon: 1e-5, offset: o, scale: s, shift: h))
            }
            #expect(coarse.dtype == .bfloat16)
            if mean == 0 { #expect(try distance(coarse, exact) < 0.02) }
        }
    }

    @Test(arguments: [1, 2, 3]) func threadsChangeNothing(threads: Int) throws {
        let before = Engine.threads
        defer { Engine.threads = before }
        let x = try normal([2, 48, 61, 37], 7).channelsLast()
        let (weight, bias) = (try normal([48], 2), try normal([48], 3))
        func made(_ threads: Int) throws -> [Float] {
            Engine.threads = threads
            return try withoutGradients {
                try #require(try x.groupNormSiLU(groups: 16, weight: weight, bias: bias, epsilon: 1e-6)).floats()
            }
        }
        #expect(try made(threads) == made(1))
    }

    /// The picture alone and among others.
    @Test func eachPictureByItself() throws {
        let x = try normal([3, 24, 19, 23], 8).channelsLast()
        let (weight, bias) = (try normal([24], 2), try normal([24], 3))
        try withoutGradients {
            let all = try #require(try x.groupNormSiLU(groups: 8, weight: weight, bias: bias, epsilon: 1e-5))
            let one = try #require(
                try x.rows(1..<2).channelsLast().groupNormSiLU(groups: 8, weight: weight, bias: bias, epsilon: 1e-5))
            #expect(try all.rows(1..<2).floats() == one.floats())
        }
    }

    @Test(arguments: [[1, 2], [3, 5, 26], [2, 77, 2560], [4, 6]]) func gatedGELU(shape: [Int]) throws {
        let x = try normal(shape, 1, deviation: 3)
        let parts = try x.to(.float64).chunk(2, dim: -1)
        let exact = try parts[0] * parts[1].gelu()
        let fused = try withoutGradients { try #require(try x.gatedGELU()) }
        #expect(fused.shape == exact.shape)
        #expect(try distance(fused, exact) < 1e-6)
        let coarse = try withoutGradients { try #require(try x.to(.bfloat16).gatedGELU()) }
        #expect(try distance(coarse, exact) < 0.02)
    }

    /// Values at which exponentials and error functions end.
    @Test func extremes() throws {
        let values: [Float] = [0, -0.0, 1e-30, 30, -30, 100, -100, 1e4, -1e4, 3e38, -3e38]
        let x = try Tensor(values, shape: [1, 1, 1, values.count]).channelsLast()
        try withoutGradients {
            let pairs = try Tensor.concatenate([Tensor.ones([values.count, 1]), x.reshape([values.count, 1])], dim: 1)
            let gated = try #require(try pairs.gatedGELU()).floats()
            for (value, found) in zip(values, gated) {
                #expect(abs(found - max(value, 0)) <= 1e-6 * abs(value) || abs(value) < 6)
            }
            let nothing = try Tensor(Array(repeating: Float.nan, count: 4), shape: [2, 2]).gatedGELU()?.floats()
            #expect(nothing?.allSatisfy(\.isNaN) == true)
            // A constant picture has no deviation to divide by.
            let flat = try Tensor.full([1, 4, 3, 3], 7).channelsLast()
            let (ones, zeros) = (try Tensor.ones([4]), try Tensor.zeros([4]))
            let made = try #require(try flat.groupNormSiLU(groups: 2, weight: ones, bias: zeros, epsilon: 1e-5))
            #expect(try made.abs().max().item() < 1e-3)
        }
    }

    @Test func stepByStepWhereItCannotBeDoneAtOnce() throws {
        let x = try normal([1, 8, 4, 4], 1).channelsLast()
        let (weight, bias) = (try Tensor.ones([8]), try Tensor.zeros([8]))
        #expect(try x.reshape([8, 16]).gatedGELU() == nil)
        try withoutGradients {
            for other in [try normal([1, 8, 4, 4], 1), try x.to(.float64)] {
                let fused = try other.groupNormSiLU(groups: 4, weight: weight, bias: bias, epsilon: 1e-5)
                #expect(fused == nil)
            }
            #expect(throws: TensorError.self) { try x.groupNormSiLU(groups: 3, weight: weight, bias: bias, epsilon: 1e-5) }
            #expect(throws: TensorError.self) {
                try x.groupNormSiLU(groups: 4, weight: weight, bias: bias, epsilon: 1e-5, offset: .zeros([7]))
            }
        }
    }
}
