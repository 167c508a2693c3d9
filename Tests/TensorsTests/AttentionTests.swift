import Tensors
import Testing

/// The kernel that attends where no graph is recorded gives what its definition gives, computed in float64.
@Suite struct AttentionTests {
    private struct Shape: CustomTestStringConvertible {
        let batch, heads, queries, keys, width: Int
        var testDescription: String { "\(batch)×\(heads) heads, \(queries) of \(keys), \(width) wide" }
    }

    /// Widths of published models and of none, lengths about the kernel's blocks of 24 and 256 and drawn ones.
    private static let shapes: [Shape] = {
        var random = Draws(state: 7)
        let chosen = [
            (2, 8, 100, 256, 40), (1, 3, 24, 257, 64), (2, 2, 25, 255, 80), (1, 2, 7, 77, 160), (1, 1, 50, 300, 512),
            (1, 1, 1, 1, 1), (3, 1, 23, 513, 96), (1, 2, 48, 32, 37), (2, 1, 5, 31, 128), (1, 1, 9, 33, 200),
        ].map { Shape(batch: $0.0, heads: $0.1, queries: $0.2, keys: $0.3, width: $0.4) }
        return chosen + (0..<20).map { _ in
            Shape(
                batch: random.next(1...3), heads: random.next(1...4), queries: random.next(1...90),
                keys: random.next(1...600), width: random.next(1...180))
        }
    }()

    private func exact(_ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Double) throws -> Tensor {
        let (q, k, v) = (try q.to(.float64), try k.to(.float64), try v.to(.float64))
        return try (q.matmul(k.transpose(2, 3)) * scale).softmax(dim: -1).matmul(v)
    }

    private func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
        let (a, b) = (try a.to(.float64), try b.to(.float64))
        return try (a - b).square().sum().sqrt().item() / max(1e-30, b.square().sum().sqrt().item())
    }

    @Test(arguments: shapes, [DType.float32, .bfloat16]) private func agrees(_ s: Shape, dtype: DType) throws {
        let generator = try RandomGenerator(seed: UInt64(s.queries * 1000 + s.keys))
        // As a network has them: heads side by side in a row.
        func drawn(_ length: Int) throws -> Tensor {
            try (Tensor.randn([s.batch, length, s.heads * s.width], generator: generator) * 1.5).to(dtype)
                .reshape([s.batch, length, s.heads, s.width]).transpose(1, 2)
        }
        let (q, k, v) = (try drawn(s.queries), try drawn(s.keys), try drawn(s.keys))
        for scale in [1 / Double(s.width).squareRoot(), 0.05] {
            let made = try withoutGradients { try Tensor.attention(q, k, v, scale: scale) }
            #expect(made.shape == [s.batch, s.heads, s.queries, s.width] && made.dtype == dtype)
            // bfloat16 has eight digits: weights and sums are rounded to them, once each.
            let wanted = try exact(q, k, v, scale: scale)
            #expect(try distance(made, wanted) < (dtype == .float32 ? 5e-6 : 4e-3))
        }
    }

    /// One likeness far above the others, in the first block of keys or the last; all of them far below zero.
    @Test(arguments: [DType.float32, .bfloat16]) func extremes(_ dtype: DType) throws {
        let generator = try RandomGenerator(seed: 3)
        let (q, v) = (try Tensor.ones([1, 1, 30, 16]).to(dtype), try Tensor.randn([1, 1, 600, 16], generator: generator).to(dtype))
        for loud in [0, 599] {
            let k = try Tensor.concatenate(
                [.full([1, 1, loud, 16], -20), .full([1, 1, 1, 16], 30), .full([1, 1, 599 - loud, 16], -20)], dim: 2).to(dtype)
            let made = try withoutGradients { try Tensor.attention(q, k, v) }
            let heard = try v.narrow(2, start: loud, length: 1).expand([1, 1, 30, 16])
            #expect(try distance(made, heard) < 1e-5)
        }
        let low = try Tensor.full([1, 1, 600, 16], -500).to(dtype)
        let mean = try withoutGradients { try Tensor.attention(q, low, v) }
        let wanted = try exact(q, low, v, scale: 0.25)
        #expect(try distance(mean, wanted) < (dtype == .float32 ? 5e-6 : 4e-3))
    }

    /// What is not a number must be seen, not averaged away.
    @Test(arguments: [DType.float32, .bfloat16]) func notANumber(_ dtype: DType) throws {
        let ones = try Tensor.ones([1, 2, 40, 16]).to(dtype)
        let bad = try ones * Double.nan
        try withoutGradients {
            for (q, k, v) in [(bad, ones, ones), (ones, bad, ones), (ones, ones, bad)] {
                let made = try Tensor.attention(q, k, v)
                #expect(try made.isFinite().to(.float32).sum().item() == 0)
            }
        }
    }

    /// With a graph, and without, the same to rounding.
    @Test func asWithAGraph() throws {
        let x = try Tensor.randn([2, 4, 50, 24], generator: RandomGenerator(seed: 1))
        let recorded = try Tensor.attention(x, x, x)
        let plain = try withoutGradients { try Tensor.attention(x, x, x) }
        #expect(try distance(plain, recorded) < 2e-6)
    }

    private enum Hiding: CaseIterable { case nothing, later, some }

    /// Gradients of bfloat16 are float64's to its eight digits; what comes out is bfloat16, under autocast too.
    @Test(arguments: Hiding.allCases, [false, true])
    private func gradientsInHalfPrecision(hiding: Hiding, autocast: Bool) throws {
        let generator = try RandomGenerator(seed: 11)
        let drawn = try [48, 32, 32].map { length in
            try Tensor.randn([3, 4, hiding == .later ? 32 : length, 16], generator: generator)
        }
        let mask = try Tensor.full([1, 1, 48, 32], 0) + Tensor.randn([1, 1, 1, 32], generator: generator) * 3
        func made(_ dtype: DType, autocast: DType? = nil) throws -> (result: Tensor, gradients: [Tensor]) {
            // As autocast has them: drawn in float32, or halves already.
            let parts = try drawn.map { try $0.to(.bfloat16).to(dtype) }
            for part in parts { try part.setRequiresGrad(true) }
            let result = try withAutocast(autocast, device: .cpu) {
                try Tensor.attention(
                    parts[0], parts[1], parts[2], mask: hiding == .some ? mask.to(.bfloat16).to(dtype) : nil,
                    causal: hiding == .later)
            }
            return (result, try (result.to(.float64).square()).sum().gradients(of: parts).map { try #require($0) })
        }
        let exact = try made(.float64)
        let rounded = try autocast ? made(.float32, autocast: .bfloat16) : made(.bfloat16)
        #expect(rounded.result.dtype == .bfloat16)
        #expect(try distance(rounded.result, exact.result) < 4e-3)
        for (gradient, wanted) in zip(rounded.gradients, exact.gradients) {
            #expect(gradient.dtype == (autocast ? .float32 : .bfloat16))
            #expect(try distance(gradient, wanted) < 1e-2)
        }
    }

    /// libtorch's own, in halves there and back, is near float64's, and in other bits than ours.
    @Test func libtorchsOwn() throws {
        let generator = try RandomGenerator(seed: 12)
        let drawn = try (0..<3).map { _ in try Tensor.randn([3, 4, 40, 16], generator: generator).to(.bfloat16) }
        func made(_ dtype: DType, by attention: (Tensor, Tensor, Tensor) throws -> Tensor) throws -> [Tensor] {
            let parts = try drawn.map { try $0.to(dtype).detach() }
            for part in parts { try part.setRequiresGrad(true) }
            let result = try attention(parts[0], parts[1], parts[2])
            let gradients = try result.to(.float64).square().sum().gradients(of: parts).map { try #require($0) }
            return [result] + gradients
        }
        let ours = try made(.bfloat16) { try Tensor.attention($0, $1, $2) }
        let own = try made(.bfloat16, by: Tensor.libtorchAttention)
        let wanted = try made(.float64) { try Tensor.attention($0, $1, $2) }
        for part in 0..<4 {
            #expect(own[part].dtype == .bfloat16)
            #expect(try distance(own[part], wanted[part]) < 2e-2)
            #expect(try distance(own[part], ours[part]) > 0)
        }
    }
}

/// Small numbers drawn at will, the same every time.
private struct Draws {
    var state: UInt64
    mutating func next(_ range: ClosedRange<Int>) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + Int(state >> 33) % range.count
    }
}
