import Tensors
import Testing

struct LinearAlgebraTests {
    private func symmetric(_ n: Int, seed: UInt64) throws -> Tensor {
        let x = try Tensor.randn([n, n], dtype: .float64, generator: RandomGenerator(seed: seed))
        return try x + x.transpose(0, 1)
    }

    private func distance(_ a: Tensor, _ b: Tensor) throws -> Double { try (a - b).abs().max().item() }

    @Test func eigenvectorsGiveTheMatrixBack() throws {
        let a = try symmetric(12, seed: 1)
        let (values, vectors) = try a.symmetricEigen()
        #expect(values.shape == [12] && vectors.shape == [12, 12])
        #expect(try distance((vectors * values).matmul(vectors.transpose(0, 1)), a) < 1e-12)
        let product = try vectors.transpose(0, 1).matmul(vectors).doubles()
        for (index, value) in product.enumerated() { #expect(abs(value - (index % 13 == 0 ? 1 : 0)) < 1e-12) }
        let numbers = try values.doubles()
        #expect(numbers == numbers.sorted())
        // By hand: 2 1; 1 2 has 1 and 3.
        let small = try Tensor([2, 1, 1, 2] as [Double], shape: [2, 2]).symmetricEigen().values.doubles()
        #expect(abs(small[0] - 1) < 1e-12 && abs(small[1] - 3) < 1e-12)
    }

    @Test func rootsSquareBack() throws {
        let x = try Tensor.randn([9, 4], dtype: .float64, generator: RandomGenerator(seed: 2))
        // Of rank four only.
        let a = try x.matmul(x.transpose(0, 1))
        let root = try a.symmetricSquareRoot()
        #expect(try distance(root.matmul(root), a) < 1e-11)
        #expect(try distance(root, root.transpose(0, 1)) < 1e-11)
    }

    @Test func whatHasNoEigenvaluesIsRefused() throws {
        let wide = try Tensor.zeros([2, 3], dtype: .float64)
        let error = #expect(throws: TensorError.self) { try wide.symmetricEigen() }
        #expect(error?.description.contains("symmetricEigen") == true)
        let nothing = try Tensor.full([3, 3], .nan, dtype: .float64)
        #expect(throws: TensorError.self) { try nothing.symmetricEigen() }
    }
}
