import Tensors
import Testing

struct GradientTests {
    func leaf(_ values: [Double]) throws -> Tensor {
        let x = try tensor(values, [values.count])
        try x.setRequiresGrad(true)
        return x
    }

    @Test func backwardAccumulates() throws {
        let x = try leaf([1, 2, 3])
        #expect(x.gradient == nil && x.requiresGrad)
        try (x * x).sum().backward()
        #expect(try x.gradient?.floats() == [2, 4, 6])
        try (x * 10).backward(seed: tensor([1, 0, 2], [3]))
        #expect(try x.gradient?.floats() == [12, 4, 26])
        try x.setGradient(tensor([7, 7, 7], [3]))
        #expect(try x.gradient?.floats() == [7, 7, 7])
        x.clearGradient()
        #expect(x.gradient == nil)
        #expect(throws: TensorError.self) { try (x * 2).backward() }
        #expect(throws: TensorError.self) { try Tensor.zeros([]).backward() }
        #expect(throws: TensorError.self) { try x.setGradient(tensor([1], [1])) }
    }

    @Test func gradientsOfLeaveLeavesAlone() throws {
        let (x, y, unused) = (try leaf([2, 3]), try leaf([5, 7]), try leaf([1]))
        let gradients = try (x * y).sum().gradients(of: [y, unused, x])
        #expect(try gradients[0]?.floats() == [2, 3])
        #expect(gradients[1] == nil)
        #expect(try gradients[2]?.floats() == [5, 7])
        #expect(x.gradient == nil && y.gradient == nil)
        let seeded = try (x * x).gradients(of: [x], seed: tensor([1, -1], [2]))
        #expect(try seeded[0]?.floats() == [4, -6])
    }

    @Test func scopesNest() throws {
        let x = try leaf([1])
        let outside: Tensor = try withoutGradients {
            let inner = try withGradients { try x * 2 }
            #expect(inner.requiresGrad)
            let silent = try x * 2
            #expect(!silent.requiresGrad)
            return silent
        }
        #expect(!outside.requiresGrad)
        #expect(try (x * 2).requiresGrad && !x.detach().requiresGrad)
        struct Stop: Error {}
        #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
        #expect(try (x * 2).requiresGrad)
        try withoutGradients {
            #expect(throws: TensorError.self) { try withGradients { try x.matmul(.zeros([5, 5])) } }
            let after = try x * 2
            #expect(!after.requiresGrad)
        }
    }

    @Test func autocastRestores() throws {
        let (a, w) = (try Tensor.ones([2, 3]), try Tensor.ones([4, 3]))
        try withAutocast(.bfloat16, device: .cpu) {
            #expect(try a.linear(w).dtype == .bfloat16)
            #expect(try (a + a).dtype == .float32)
            let types = try [nil, DType.float16].map { dtype in
                try withAutocast(dtype, device: .cpu) { try a.linear(w).dtype }
            }
            #expect(types == [.bfloat16, .float16])
            #expect(try a.linear(w).dtype == .bfloat16)
        }
        #expect(try a.linear(w).dtype == .float32)
        #expect(throws: TensorError.self) {
            try withAutocast(.bfloat16, device: .cpu) { try a.linear(.zeros([4, 5])) }
        }
        #expect(try a.linear(w).dtype == .float32)
    }

    /// The cache of converted weights ends with the scope: a weight changed between two scopes is seen.
    @Test func autocastSeesNewWeights() throws {
        let (x, w) = (try Tensor.ones([1, 2]), try leaf([1, 2]).reshape([1, 2]).detach())
        try w.setRequiresGrad(true)
        func value() throws -> Double {
            try withAutocast(.bfloat16, device: .cpu) { try x.linear(w).item() }
        }
        #expect(try value() == 3)
        try withoutGradients { try w.multiplyInPlace(2) }
        #expect(try value() == 6)
    }

    @Test func autocastGradientsReachFloat32Weights() throws {
        let w = try Tensor.ones([4, 3])
        try w.setRequiresGrad(true)
        try withAutocast(.bfloat16, device: .cpu) { try Tensor.ones([2, 3]).linear(w).sum() }.backward()
        let gradient = try #require(w.gradient)
        #expect(try gradient.dtype == .float32 && gradient.floats() == Array(repeating: 2, count: 12))
    }
}
