import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing

/// A whole training step against PyTorch's autograd; see `Fixtures/gradients/README.md`.
@Suite struct GradientTests {
    private func archive(_ name: String) throws -> TensorArchive {
        try TensorArchive.open(fixtures + "/gradients/\(name).safetensors")
    }

    private func step(
        _ variance: Diffusion.Variance
    ) throws -> (loss: Double, store: WeightStore, gradients: [Tensor?]) {
        let batch = try archive("batch")
        let store = WeightStore(.tensors(PrefixedSource(batch, prefix: "weights.")))
        let configuration = GLIDEConfiguration(
            input: .text,
            unet: UNetConfiguration(
                inputChannels: 3, outputChannels: 6, modelChannels: 8,
                levels: [
                    .init(channels: 32, residualBlocks: 1, attention: false),
                    .init(channels: 32, residualBlocks: 1, attention: true),
                ], headWidth: 16, text: .joint(width: 16)),
            text: TextTransformerConfiguration(vocabulary: 32, context: 6, width: 16, layers: 1, heads: 2))
        let network = try GLIDE(Weights(store), configuration: configuration)
        try store.finish()
        for parameter in store.parameters { try parameter.value.setRequiresGrad(true) }
        let noised = try NoiseSchedule(.squaredCosine()).noised(
            batch.tensor("batch.x0").to(.float32), at: batch.tensor("batch.timesteps").ints(),
            noise: batch.tensor("batch.noise").to(.float32))
        let text = try network.text(
            tokens: batch.tensor("batch.tokens").to(.int64), mask: batch.tensor("batch.mask").to(.bool))
        var output = try network(noised.xt, timesteps: noised.timesteps(), text: text)
        if variance != .learnedRange { output = try output.narrow(1, start: 0, length: 3) }
        let terms = try DiffusionLoss(.noise, variance: variance)(output, noised)
        return (try terms.total.item(), store, try terms.total.gradients(of: store.parameters.map(\.value)))
    }

    @Test(arguments: [("mse", Diffusion.Variance.fixedSmall), ("learned_variance", .learnedRange)])
    func everyParametersGradientIsPyTorchs(name: String, variance: Diffusion.Variance) throws {
        let (first, second) = (try archive("\(name)-1"), try archive("\(name)-2"))
        let golden = JoinedSource([first, second])
        let zero = try JSONDecoder().decode(
            [String].self, from: Data(#require(first.metadata["zero_gradients"]).utf8))
        let (loss, store, gradients) = try step(variance)
        let expected = try golden.tensor("value.loss").item()
        #expect(abs(loss - expected) < 1e-5 * expected)
        for (parameter, gradient) in zip(store.parameters, gradients) {
            let wanted = try golden.tensor("gradient." + parameter.name)
            if zero.contains(parameter.name) {
                #expect(try gradient?.abs().max().item() ?? 0 < 1e-6, "\(parameter.name)")
            } else if let gradient {
                #expect(try relativeError(gradient, wanted) < 1e-5, "\(parameter.name)")
            } else {
                // The text's last rows may not matter to a parameter at all.
                #expect(try wanted.abs().max().item() == 0, "\(parameter.name)")
            }
        }
    }

    @Test func theStepAfterItIsPyTorchs() throws {
        let golden = JoinedSource([try archive("learned_variance-1"), try archive("learned_variance-2")])
        let stepped = JoinedSource(
            [try archive("learned_variance.stepped-1"), try archive("learned_variance.stepped-2")])
        let batch = try archive("batch")
        let parameters = try batch.names.filter { $0.hasPrefix("weights.") }.map { name in
            (name: String(name.dropFirst(8)), value: try batch.tensor(name).to(.float32).clone())
        }
        for parameter in parameters {
            try parameter.value.setRequiresGrad(true)
            try parameter.value.setGradient(golden.tensor("gradient." + parameter.name).clone())
        }
        let optimizer = try AdamW(parameters, options: .init(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05))
        try optimizer.step(rate: 1e-3)
        for parameter in parameters {
            let wanted = try stepped.tensor("stepped." + parameter.name)
            #expect(try (parameter.value.detach() - wanted).abs().max().item() < 1e-6, "\(parameter.name)")
        }
    }
}
