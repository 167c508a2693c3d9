import Layers
import Tensors
import Testing

/// Gradients of the operations done in one pass are those of the single steps, computed in float64.
@Suite struct FusedGradientTests {
    private func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
        let (a, b) = (try a.to(.float64), try b.to(.float64))
        return try (a - b).square().sum().sqrt().item() / max(1e-12, b.square().sum().sqrt().item())
    }

    /// Gradients of a made-up sum of `body`'s result by all that goes in.
    private func gradients(
        _ inputs: [Tensor], dtype: DType, _ body: ([Tensor]) throws -> Tensor
    ) throws -> [Tensor] {
        let leaves = try inputs.map { try $0.to(dtype).detach() }
        for leaf in leaves { try leaf.setRequiresGrad(true) }
        let result = try body(leaves)
        let direction = try normal(result.shape, 99).to(result.dtype)
        return try (result * direction).sum().gradients(of: leaves).map { try #require($0) }
    }

    @Test(arguments: [
        ([2, 32, 16, 16], 8), ([1, 320, 9, 7], 32), ([3, 6, 1, 2], 2), ([1, 5, 9, 11], 5), ([2, 7, 130, 3], 1), ([1, 8, 150, 150], 4),
    ], [0.0, 10.0]) func groupNorm(shape: ([Int], Int), mean: Double) throws {
        let ((sizes, groups), channels) = (shape, shape.0[1])
        let x = try normal(sizes, 1, mean: mean)
        let parameters = [x, try normal([channels], 2), try normal([channels], 3)]
        let modulation = [try normal([sizes[0], channels, 1, 1], 4), try normal([sizes[0], channels, 1, 1], 5)]
        for (isActive, isModulated, isMoved) in [(true, true, false), (true, false, true), (true, false, false), (false, false, false)] {
            let inputs = parameters + (isModulated ? modulation : isMoved ? [modulation[0]] : [])
            let exact = try gradients(inputs, dtype: .float64) { t in
                var y = isMoved ? try t[0] + t[3] : t[0]
                y = try y.groupNorm(groups: groups, weight: t[1], bias: t[2], epsilon: 1e-5)
                if isModulated { y = try y * (t[3] + 1) + t[4] }
                return isActive ? try y.silu() : y
            }
            let made = try gradients(inputs, dtype: .float32) { t in
                let last = try t[0].channelsLast()
                guard isActive else { return try last.groupNorm(groups: groups, weight: t[1], bias: t[2], epsilon: 1e-5) }
                return try #require(
                    try last.groupNormSiLU(
                        groups: groups, weight: t[1], bias: t[2], epsilon: 1e-5, offset: isMoved ? t[3] : nil,
                        scale: isModulated ? t[3] : nil, shift: isModulated ? t[4] : nil))
            }
            for (a, b) in zip(made, exact) {
                #expect(a.shape == b.shape)
                // A group of one channel does not feel an offset: that gradient is zero.
                if try b.abs().max().item() < 1e-9 {
                    #expect(try a.abs().max().item() < 1e-3)
                } else {
                    #expect(try distance(a, b) < (mean == 0 ? 1e-5 : 1e-4))
                }
            }
        }
    }

    /// An odd number of squares, squares beyond the edge, several times as many as are summed at once; few of many channels.
    @Test(arguments: [
        (2, 32, 64, 32, 16), (1, 96, 32, 33, 35), (4, 64, 64, 16, 17), (1, 32, 32, 64, 64), (3, 32, 32, 13, 13), (16, 256, 64, 4, 4),
        (3, 48, 80, 12, 11),
    ], [false, true]) func convolution(_ sizes: (Int, Int, Int, Int, Int), weightsInnermost: Bool) throws {
        let (pictures, channels, out, height, width) = sizes
        let inputs = [
            try normal([pictures, channels, height, width], 1), try normal([out, channels, 3, 3], 2, deviation: 0.1), try normal([out], 3),
        ]
        for hasBias in [true, false] {
            let given = hasBias ? inputs : Array(inputs.prefix(2))
            func convolved(_ t: [Tensor]) throws -> Tensor {
                let weight = weightsInnermost ? try t[1].channelsLast() : t[1]
                return try t[0].channelsLast().convolution(weight, bias: hasBias ? t[2] : nil, stride: 1, padding: 1)
            }
            let exact = try gradients(given, dtype: .float64, convolved)
            let made = try gradients(given, dtype: .float32, convolved)
            for (a, b) in zip(made, exact) { #expect(try distance(a, b) < 1e-5) }
            let half = try gradients(given, dtype: .bfloat16, convolved)
            for (a, b) in zip(half, exact) { #expect(try distance(a, b) < 1e-2) }
            let cast = try withAutocast(.bfloat16, device: .cpu) { try gradients(given, dtype: .float32, convolved) }
            for (a, b) in zip(cast, exact) {
                #expect(a.dtype == .float32)
                #expect(try distance(a, b) < 1e-2)
            }
        }
    }

    /// A frozen weight, or a picture that is no parameter.
    @Test func gradientsOfSome() throws {
        let x = try normal([2, 32, 32, 32], 1).channelsLast(), weight = try normal([32, 32, 3, 3], 2)
        let all = try gradients([x, weight], dtype: .float32) { try $0[0].channelsLast().convolution($0[1], padding: 1) }
        let byX = try gradients([x], dtype: .float32) { try $0[0].channelsLast().convolution(weight, padding: 1) }
        let byWeight = try gradients([weight], dtype: .float32) { try x.convolution($0[0], padding: 1) }
        #expect(try distance(byX[0], all[0]) == 0)
        #expect(try distance(byWeight[0], all[1]) == 0)
    }
}
