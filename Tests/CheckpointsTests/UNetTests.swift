import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Cross-attending U-Nets, element by element against diffusers and CompVis' own code (see Tests/Fixtures/unet/README.md).
struct UNetTests {
    @Test(arguments: UNetFixture.diffusers)
    func agreesWithDiffusers(name: String) throws {
        let fixture = try UNetFixture(name)
        let expected = try fixture.archive.tensor("output")
        let output = try fixture.output(fixture.network())
        let error = try relativeError(output, expected)
        #expect(error <= 1e-5, "relative L2 error \(error)")
        let largest = try (output - expected).abs().max().item()
        #expect(largest <= 1e-5, "largest difference \(largest)")
    }

    /// Norms in float32, all else in bfloat16, which has eight bits.
    @Test(arguments: UNetFixture.diffusers)
    func bfloat16IsNear(name: String) throws {
        let fixture = try UNetFixture(name)
        let output = try fixture.output(fixture.network(dtype: .bfloat16))
        #expect(output.dtype == .float32)
        let error = try relativeError(output, fixture.archive.tensor("output"))
        #expect(error <= 3e-2 && error > 1e-5, "relative L2 error \(error)")
    }

    /// What is computed once a prompt is what is computed at every step.
    @Test(arguments: ["sd1", "xl"], [DType.float32, .bfloat16])
    func preparedContextsAreTheSame(name: String, dtype: DType) throws {
        let fixture = try UNetFixture(name)
        let network = try fixture.network(dtype: dtype)
        let difference = try fixture.output(network) - fixture.output(network, isPrepared: true)
        #expect(try difference.abs().max().item() == 0)
    }

    /// Another text is not answered from what was kept of the first.
    @Test func aPreparedContextForgetsItsTextWithIt() throws {
        let fixture = try UNetFixture("sd1")
        let network = try fixture.network()
        try withoutGradients {
            let (x, t) = (try fixture.archive.tensor("x"), try fixture.archive.tensor("timesteps"))
            var context = try network.prepared(UNetContext(text: fixture.archive.tensor("text")))
            let other = try fixture.archive.tensor("text").flip([1]) * 2
            context.text = other
            let difference = try network(x, timesteps: t, context: context)
                - network(x, timesteps: t, context: UNetContext(text: other))
            #expect(try difference.abs().max().item() == 0)
        }
    }

    /// Against PyTorch's FLOP counter on diffusers' networks.
    @Test(arguments: UNetFixture.diffusers)
    func countsOperationsAsPyTorchDoes(name: String) throws {
        let fixture = try UNetFixture(name)
        let x = try #require(fixture.archive["x"]?.shape)
        let tokens = try #require(fixture.archive["text"]?.shape[1])
        let expected = try #require(fixture.archive.metadata["operations"].flatMap { Double($0) })
        #expect(fixture.configuration.operations(height: x[2], width: x[3], tokens: tokens) == expected)
    }

    /// CompVis' network under its own names, known by keys and shapes; its heads are said, as the text is 24 wide.
    @Test func agreesWithLatentDiffusion() throws {
        let archive = try TensorArchive.open(UNetFixture.path("ldm.safetensors"))
        let source = PrefixedSource(archive, prefix: "weights.")
        let configuration = try #require(try UNetLayout.recognise(source, heads: .count(8)))
        #expect(configuration.text == .cross(width: 24, linearProjections: false))
        let network = try build(source, configuration)
        let output = try withoutGradients {
            try network(
                archive.tensor("x"), timesteps: archive.tensor("timesteps"),
                context: UNetContext(text: archive.tensor("text")))
        }
        let error = try relativeError(output, archive.tensor("output"))
        #expect(error <= 1e-5, "relative L2 error \(error)")
    }
}
