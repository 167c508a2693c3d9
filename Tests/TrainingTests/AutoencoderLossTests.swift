import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing
import Training

/// A training step of an autoencoder and its discriminator against PyTorch's autograd; see
/// `Fixtures/autoencoder/README.md`.
@Suite struct AutoencoderLossTests {
    private struct Golden {
        let file: TensorArchive
        let step: AutoencoderStep
        let autoencoder: [(name: String, value: Tensor)]
        let discriminator: [(name: String, value: Tensor)]
        /// Our names → diffusers'.
        let names: [String: Origin]

        init(_ kind: String, _ shape: TrainingConfiguration.AutoencoderShape) throws {
            let file = try TensorArchive.open(fixtures + "/autoencoder/losses-\(kind).safetensors")
            self.file = file
            let json = try #require(file.metadata["config"])
            let configuration = try withTemporaryFolder { folder in
                try Data(json.utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
                return try AutoencoderConfiguration(diffusers: JSONObject(path: folder + "/config.json"))
            }
            names = AutoencoderNames.diffusers(configuration)
            let source = AutoencoderNames.source(
                PrefixedSource(file, prefix: "weights.autoencoder."), configuration: configuration)
            let (network, own) = try trainable(.tensors(source), device: .cpu) {
                try Autoencoder($0, configuration: configuration)
            }
            let (judge, its) = try trainable(
                .tensors(PrefixedSource(file, prefix: "weights.discriminator.")), device: .cpu
            ) {
                try PatchDiscriminator($0, channels: 8, layers: 2, normGroups: 4)
            }
            (autoencoder, discriminator) = (own, its)
            let folder = fixtures + "/autoencoder/"
            step = AutoencoderStep(
                shape, network: network, discriminator: judge,
                perceptual: try PerceptualFile.open(
                    network: folder + "vgg.safetensors", weights: folder + "lpips.safetensors"))
        }

        func run(playing: Bool = true) throws -> AutoencoderStep.Result {
            try step(
                file.tensor("x"), noise: file.tensor("noise"), playing: playing, autoencoder: autoencoder.map(\.value),
                discriminator: discriminator.map(\.value))
        }

        func value(_ name: String) throws -> Double { try file.tensor("value." + name).mean().item() }

        func check(_ found: [Tensor?], _ parameters: [(name: String, value: Tensor)], _ theirs: (String) -> String?) throws {
            for (parameter, gradient) in zip(parameters, found) {
                let name = try #require(theirs(parameter.name), "\(parameter.name)")
                let wanted = try file.tensor("gradient." + name).reshape(parameter.value.shape)
                let found = try #require(gradient, "\(name)")
                // A key's bias moves all of a softmax's entries alike.
                if try wanted.abs().max().item() < 1e-9 {
                    #expect(try found.abs().max().item() < 1e-6, "\(name)")
                } else {
                    let error = try relativeError(found, wanted)
                    #expect(error < 1e-4, "\(name): \(error)")
                }
            }
        }

        func checkAll(_ result: AutoencoderStep.Result) throws {
            try check(result.autoencoder, autoencoder) { names[$0].map { "autoencoder." + $0.name } }
            try check(result.discriminator, discriminator) { "discriminator." + $0 }
        }

        func expect(_ result: AutoencoderStep.Result, _ measure: String, _ wanted: Double) {
            let found = result.measures[measure]
            #expect(abs((found ?? .nan) - wanted) < 1e-4 * max(abs(wanted), 0.1), "\(measure) is \(found ?? .nan), not \(wanted)")
        }
    }

    /// Theirs are sums over a picture's 768 numbers where ours are means.
    @Test func theGaussianOnesStepIsLatentDiffusions() throws {
        let shape = TrainingConfiguration.AutoencoderShape(
            klWeight: 1e-3, perceptual: .init(weight: 0.7), adversarial: .init(weight: 0.5))
        let golden = try Golden("kl", shape)
        let result = try golden.run()
        for name in ["divergence", "perceptual", "deceiving", "judging"] {
            try golden.expect(result, name, golden.value(name))
        }
        try golden.expect(result, "L1", golden.value("pixels"))
        try golden.expect(result, "adversarial weight", golden.value("weight") / 768)
        let mean = result.losses.reduce(0, +) / 2
        let wanted = try (golden.value("total") - golden.value("weight") * golden.value("deceiving")) / 768
        #expect(abs(mean - wanted) < 1e-5 * wanted)
        try golden.checkAll(result)
        let (x, made) = try (golden.file.tensor("x"), golden.file.tensor("value.made"))
        let errors = try (x - made).square().meanFlat().doubles()
        golden.expect(result, "PSNR", errors.reduce(0) { $0 + 10 * log10(4 / $1) } / 2)
    }

    @Test func theQuantisedOnesStepIsLatentDiffusions() throws {
        let shape = TrainingConfiguration.AutoencoderShape(
            codes: 12, pixelLoss: .l2, commitmentWeight: 1, codebookWeight: 0.25, adversarial: .init(weight: 0.3))
        let golden = try Golden("vq", shape)
        let result = try golden.run()
        for name in ["commitment", "deceiving", "judging"] { try golden.expect(result, name, golden.value(name)) }
        try golden.expect(result, "L2", golden.value("pixels"))
        try golden.expect(result, "adversarial weight", golden.value("weight"))
        #expect(result.codes.count == 2 * 8 * 8 && result.codes.allSatisfy((0..<12).contains))
        let wanted = try golden.value("total") - golden.value("weight") * golden.value("deceiving")
        #expect(abs(result.losses.reduce(0, +) / 2 - wanted) < 1e-5 * wanted)
        try golden.checkAll(result)
    }

    /// Until it plays, the discriminator neither learns nor is heard.
    @Test func aDiscriminatorWaitsForItsTurn() throws {
        let shape = TrainingConfiguration.AutoencoderShape(adversarial: .init(weight: 0.5))
        let golden = try Golden("kl", shape)
        let (waiting, playing) = (try golden.run(playing: false), try golden.run())
        #expect(waiting.discriminator.allSatisfy { $0 == nil } && waiting.measures["judging"] == nil)
        #expect(waiting.losses == playing.losses)
        let gradients = try zip(waiting.autoencoder, playing.autoencoder).map { try relativeError(#require($0), #require($1)) }
        #expect(gradients.contains { $0 > 0.05 })
    }

    /// Without channel weights it is the mean squared difference of unit vectors: 0 for the same picture, and symmetric.
    @Test func perceptualDistances() throws {
        let distance = try PerceptualFile.open(network: fixtures + "/autoencoder/vgg.safetensors")
        let pictures = try Tensor.rand([2, 3, 20, 17], generator: RandomGenerator(seed: 3)) * 2 - 1
        let others = try Tensor.rand([2, 3, 20, 17], generator: RandomGenerator(seed: 4)) * 2 - 1
        #expect(try distance(pictures, pictures).doubles() == [0, 0])
        let (there, back) = (try distance(pictures, others).doubles(), try distance(others, pictures).doubles())
        #expect(there.allSatisfy { $0 > 0.01 && $0 < 5 } && there == back)
        // Flat black has no length anywhere behind some rectifiers; its gradient is finite all the same.
        let flat = try Tensor.full([1, 3, 16, 16], -1)
        try flat.setRequiresGrad(true)
        let gradient = try #require(
            try distance(flat, pictures.narrow(0, start: 0, length: 1).narrow(2, start: 0, length: 16)
                .narrow(3, start: 0, length: 16)).sum().gradients(of: [flat])[0])
        #expect(try gradient.isFinite().to(.float32).min().item() == 1)
        #expect(throws: TensorError.self) { try distance(.zeros([1, 3, 15, 16]), .zeros([1, 3, 15, 16])) }
    }

    @Test(arguments: ["scenes-clip", "scenes-judge"]) func embeddedCLIPsTellPicturesApart(name: String) throws {
        let distance = try PerceptualFile.open(network: name)
        let pictures = try Tensor.rand([2, 3, 48, 40], generator: RandomGenerator(seed: 3)) * 2 - 1
        let noise = try Tensor.randn([2, 3, 48, 40], generator: RandomGenerator(seed: 4))
        #expect(try distance(pictures, pictures).doubles() == [0, 0])
        let near = try distance(pictures, pictures + noise * 0.05).doubles()
        let far = try distance(pictures, pictures + noise).doubles()
        #expect(zip(near, far).allSatisfy { 0 < $0 && $0 < $1 }, "\(near), \(far)")
    }

    @Test func filesThatAreNoNetworkAreNamed() throws {
        let folder = fixtures + "/autoencoder/"
        var error = #expect(throws: CheckpointError.self) { try PerceptualFile.open(network: folder + "lpips.safetensors") }
        #expect(error?.description.contains("lpips.safetensors: features.0.weight is missing") == true)
        #expect(error?.description.contains("a CLIP that moonlit train wrote") == true)
        for (network, problem) in [
            ("scenes-256", "scenes-256.safetensors: features.0.weight is missing"), ("scenes-latent", "is a folder"),
            ("scenes-nothing", "scenes-nothing: is no file"),
        ] {
            error = #expect(throws: CheckpointError.self) { try PerceptualFile.open(network: network) }
            #expect(error?.description.contains(problem) == true)
            #expect(error?.description.contains("such as scenes-clip") == true)
        }
        error = #expect(throws: CheckpointError.self) {
            try PerceptualFile.open(network: "scenes-clip", weights: folder + "lpips.safetensors")
        }
        #expect(error?.description.contains("lpips.safetensors: weighs the channels of VGG-16, and scenes-clip") == true)
        error = #expect(throws: CheckpointError.self) {
            try PerceptualFile.open(network: folder + "vgg.safetensors", weights: folder + "vgg.safetensors")
        }
        #expect(error?.description.contains("lin0.model.1.weight is missing") == true)
        #expect(throws: (any Error).self) { try PerceptualFile.open(network: folder + "none.safetensors") }
    }

    @Test func theDiscriminatorsPatches() throws {
        for (side, layers) in [(16, 2), (64, 3), (64, 2), (23, 2), (12, 1)] {
            let store = WeightStore(.initial(try RandomGenerator(seed: 1)))
            let judge = try PatchDiscriminator(Weights(store), channels: 8, layers: layers, normGroups: 4)
            let patches = PatchDiscriminator.side(of: side, layers: layers)
            #expect(try judge(.zeros([2, 3, side, side])).shape == [2, 1, patches, patches])
        }
        #expect(PatchDiscriminator.side(of: 16, layers: 3) == 0)
    }
}
