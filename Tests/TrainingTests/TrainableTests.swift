import Layers
import Tensors
import Testing
import Training

@Suite struct TrainableTests {
    /// As a `.pt` file may hold them. The optimizer's moments are row-major, and its step walks through memory.
    @Test func weightsAreCopiedInRowMajorOrder() throws {
        let weight = try Tensor.randn([8, 6, 3, 3], generator: RandomGenerator(seed: 1)).channelsLast()
        let bias = try Tensor.zeros([8])
        let source = TensorDictionary([(name: "weight", value: weight), (name: "bias", value: bias)])
        let (layer, parameters) = try trainable(.tensors(source), device: .cpu) {
            try Convolution2D($0, in: 6, out: 8)
        }
        #expect(!weight.isContiguous && layer.weight.isContiguous)
        #expect(try layer.weight.floats() == weight.floats())
        for parameter in parameters { try parameter.value.setGradient(.ones(parameter.value.shape)) }
        try AdamW(parameters).step(rate: 0.1)
        #expect(try layer.weight.floats() != weight.floats())
    }
}
