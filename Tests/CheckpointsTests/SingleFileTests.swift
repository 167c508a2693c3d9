import Checkpoints
import Diffusion
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Small random models in one file that no folder of diffusers stands around: what its keys and marks tell, and a yaml file.
struct SingleFileTests {
    private typealias Contents = [(name: String, value: Tensor)]

    /// The U-Net and the autoencoder.
    private static func networks(textWidth: Int, addedWidth: Int? = nil) throws -> Contents {
        let unet = UNetConfiguration(
            inputChannels: 4, outputChannels: 4, modelChannels: 64,
            levels: [
                .init(channels: 64, residualBlocks: 1, attention: true),
                .init(channels: 128, residualBlocks: 1, attention: true),
            ], residualResampling: false, scaleShiftNorm: false, text: .cross(width: textWidth, linearProjections: true),
            addedWidth: addedWidth)
        let autoencoder = AutoencoderConfiguration(
            kind: .kl, latentChannels: 4, levels: [.init(channels: 32), .init(channels: 32)], residualBlocks: 1,
            scalingFactor: 0.18215)
        let generator = try RandomGenerator(seed: 4)
        let (first, second) = (WeightStore(.initial(generator)), WeightStore(.initial(generator)))
        _ = try UNet(Weights(first), configuration: unet)
        _ = try Autoencoder(Weights(second), configuration: autoencoder)
        return first.parameters.map { (name: "model.diffusion_model." + $0.name, value: $0.value) }
            + second.parameters.map { (name: "first_stage_model." + $0.name, value: $0.value) }
    }

    private static func tower(_ fixture: String, _ prefix: String, under path: String) throws -> Contents {
        let part = try TextFixtures.renamed(TextFixtures.open(fixture), prefix) { path + $0 }
        return try part.tensorNames.map { (name: $0, value: try part.tensor($0)) }
    }

    private static func latents(_ path: String) throws -> LatentFile {
        guard case .latents(let file) = try PublishedModel(path) else { throw CheckpointError(path, "draws pixels") }
        try file.check()
        return file
    }

    /// Marks that others put into XL models which predict v.
    @Test func marksTellWhatXLPredicts() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/xl.safetensors"
        let tensors =
            try Self.networks(textWidth: 96, addedWidth: 48 + 6 * 256)
            + Self.tower("clip", "openai.weights.", under: "conditioner.embedders.0.transformer.")
            + Self.tower("openclip", "weights.", under: "conditioner.embedders.1.model.")
        for (marks, prediction, stretches) in [
            ([], .noise, false), (["v_pred"], .velocity, false), (["v_pred", "ztsnr"], .velocity, true),
        ] as [([String], Prediction, Bool)] {
            let marked = try marks.map { (name: $0, value: try Tensor.zeros([0])) }
            try Safetensors.write(tensors + marked, to: path)
            let configuration = try Self.latents(path).configuration
            #expect(configuration.family == .stableDiffusionXL && configuration.diffusion.prediction == prediction)
            #expect((configuration.diffusion.zeroTerminalSNR ?? false) == stretches)
            #expect(configuration.sampling.sampler == .euler)
            let plan = try configuration.diffusion.plan(.euler, steps: 4)
            let first = plan.trajectory.steps[0].from
            #expect((first.timestep == 999) == stretches && (first.sigma > 1000) == stretches, "\(first)")
        }
        withExtendedLifetime(folder) {}
    }

    /// A yaml file beside tells what Stable Diffusion 2 predicts, and so does `--prediction`; the pictures' side follows.
    @Test func theSideFollowsWhatIsPredicted() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        try Safetensors.write(
            Self.networks(textWidth: 64) + Self.tower("openclip", "weights.", under: "cond_stage_model.model."), to: path)
        #expect(try Self.latents(path).configuration.family == .stableDiffusion2)
        let model = try PublishedModel(path)
        #expect(model.configuration.diffusion.prediction == .velocity && model.configuration.imageSize == 768)
        let other = model.predicting(.noise)
        #expect(other.configuration.diffusion.prediction == .noise && other.configuration.imageSize == 512)
        #expect(other.predicting(.velocity).configuration.imageSize == 768)
        #expect(other.predicting(.sample).configuration.imageSize == 512)
        for (value, prediction) in [
            ("v", .velocity), ("\"v\"", .velocity), ("'v'", .velocity), ("'v' # as in: v2-inference-v.yaml", .velocity),
            ("eps", .noise), ("'eps'  # not: v", .noise), ("eps # \"v\"", .noise),
        ] as [(String, Prediction)] {
            try "model:\n  params:\n    # parameterization: x\n    parameterization: \(value)\n    timesteps: 1000\n"
                .write(toFile: folder.path + "/model.yaml", atomically: true, encoding: .utf8)
            let found = try PublishedModel(path).configuration
            #expect(found.diffusion.prediction == prediction, "\(value)")
            #expect(found.imageSize == (prediction == .velocity ? 768 : 512), "\(value)")
        }
        // Where a folder of diffusers says it, it stays.
        let told = try PublishedModel(PublishedModelTests.folder + "/sd2/single.safetensors")
        #expect(told.predicting(.noise).configuration.imageSize == told.configuration.imageSize)
        withExtendedLifetime(folder) {}
    }
}
