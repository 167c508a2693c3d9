import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing
import Training

/// The residual block that joins unfolded blocks of pixels.
@Suite struct PixelRefinementTests {
    private func folded(_ pixelChannels: Int) -> TrainingConfiguration {
        var configuration = small()
        configuration.network.patchSize = 2
        configuration.network.pixelChannels = pixelChannels
        return configuration
    }

    private func answer(_ network: GLIDE) throws -> Tensor {
        let text = try network.text(tokens: .zeros([2, 12], dtype: .int64), mask: .ones([2, 12], dtype: .bool))
        let x = try Tensor.randn([2, 3, 8, 8], generator: RandomGenerator(seed: 3))
        return try network(x, timesteps: Tensor([Float(10), 900], shape: [2]), text: text)
    }

    @Test func itBeginsByChangingNothing() throws {
        let store = WeightStore(.initial(try RandomGenerator(seed: 4)))
        let plain = try GLIDE(Weights(store), configuration: folded(0).model(kept: [1, 2, 3]).network)
        let larger = try folded(16).model(kept: [1, 2, 3]).network
        let drawn = WeightStore(.initial(try RandomGenerator(seed: 5)))
        _ = try GLIDE(Weights(drawn), configuration: larger)
        let file = TensorDictionary(store.parameters)
        let source = try #require(GrownSource(file, by: drawn.parameters, in: ["pixels."]))
        let grownStore = WeightStore(.tensors(source))
        let grown = try GLIDE(Weights(grownStore), configuration: larger)
        try grownStore.finish()
        #expect(grownStore.parameters.count == store.parameters.count + 12)
        #expect(try relativeError(answer(grown), answer(plain)) < 1e-6)
        #expect(GrownSource(source, by: drawn.parameters, in: ["pixels."]) == nil)
        // What else is missing stays missing.
        let cut = TensorDictionary(Array(store.parameters.dropFirst()))
        let cutStore = WeightStore(.tensors(try #require(GrownSource(cut, by: drawn.parameters, in: ["pixels."]))))
        _ = try GLIDE(Weights(cutStore), configuration: larger)
        #expect(throws: WeightError.self) { try cutStore.finish() }
    }

    /// A block's pixels hear of the next block's. (Normalisations carry a little of everything everywhere.)
    @Test func itSeesAcrossEdges() throws {
        var configuration = try folded(16).model(kept: [1, 2, 3]).network.unet
        configuration.text = .none
        let store = WeightStore(.initial(try RandomGenerator(seed: 6)))
        let network = try UNet(Weights(store), configuration: configuration)
        // All that the folded network answers is zero, as its last convolution begins with zeros.
        let last = try #require(store.parameters.first { $0.name == "pixels.conv_out.weight" }).value
        try last.copyInPlace(.randn(last.shape, generator: RandomGenerator(seed: 7)))
        let time = try Tensor([Float(5)], shape: [1])
        let x = try Tensor.randn([1, 3, 8, 8], generator: RandomGenerator(seed: 8))
        var numbers = [Float](repeating: 0, count: 3 * 64)
        numbers[3 * 8 + 3] = 1
        let change = try (network(x + Tensor(numbers, shape: [1, 3, 8, 8]), timesteps: time) - network(x, timesteps: time)).abs().floats()
        let (beyondTheEdge, farAway) = (change[4 * 8 + 4], change[7 * 8 + 7])
        #expect(beyondTheEdge > 5 * farAway && farAway < 0.1, "\(beyondTheEdge), \(farAway)")
    }

    @Test func runsBeginWithAnOlderModel() throws {
        try withTemporaryFolder { folder in
            var first = folded(0)
            first.steps = 2
            let older = try TrainingRun(configuration: first, folder: folder + "/older", data: ColouredSet())
            _ = try older.run()
            let configuration = folded(8)
            let whole = try TrainingRun(
                configuration: configuration, folder: folder + "/c", initialModel: older.modelPath, data: ColouredSet())
            #expect(try whole.run() == .finished(step: 6))
            #expect(try ModelFile(whole.modelPath).configuration.network.unet.pixelChannels == 8)
            // And a model that has the block goes on with it.
            let next = try TrainingRun(
                configuration: configuration, folder: folder + "/d", initialModel: whole.modelPath, data: ColouredSet())
            #expect(try next.run() == .finished(step: 6))
            try expectResumedEqualsWhole(configuration, in: folder, files: ["model.safetensors"])
        }
    }
}
