import Tensors
import Testing

struct PackedLinearTests {
    /// Packed rows are whole words, so that some widths have packed weights of one size.
    @Test(arguments: [(.float32, false), (.bfloat16, false), (.bfloat16, true)] as [(DType, Bool)])
    func rowsOfAnotherWidthAreRefused(dtype: DType, isQuantized: Bool) throws {
        let weight = try Tensor.randn([64, 64], generator: RandomGenerator(seed: 1)).to(dtype)
        // Not every processor has each of these products.
        guard let packed = try PackedLinear(weight, quantized: isQuantized) else { return }
        try withoutGradients {
            let fitting = try packed(Tensor.zeros([5, 64], dtype: dtype), bias: nil)
            #expect(fitting.shape == [5, 64])
            for shape in [[5, 63], [5, 65], []] as [[Int]] {
                let x = try Tensor.zeros(shape, dtype: dtype)
                let error = #expect(throws: TensorError.self) { try packed(x, bias: nil) }
                #expect(error?.operation == "linear" && error?.shapes == [shape])
                #expect(error?.message.contains("rows of 64 numbers") == true)
            }
        }
    }
}
