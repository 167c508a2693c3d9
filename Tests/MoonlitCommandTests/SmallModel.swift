import Checkpoints
import Diffusion
import Foundation
import Models
import Tensors

/// The reference's small networks (Tests/Fixtures/glide) as model files: 16×16 pictures, half a million weights.
enum SmallModel {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/glide")
    static let golden = fixtures.appending(path: "base.safetensors").path
    static let trajectory = fixtures.appending(path: "base.trajectory.safetensors").path

    /// - Parameter input: an upsampler draws 64×64.
    static func write(to path: String, input: GLIDEInput = .text) throws {
        let network = GLIDEConfiguration(
            input: input,
            unet: UNetConfiguration(
                inputChannels: input.channels, outputChannels: 6, modelChannels: 32,
                levels: [
                    .init(channels: 32, residualBlocks: 1, attention: false),
                    .init(channels: 64, residualBlocks: 1, attention: true),
                ], headWidth: 16, dropout: 0.1, text: .joint(width: 32)),
            text: TextTransformerConfiguration(vocabulary: 64, context: 8, width: 32, layers: 2, heads: 2))
        let configuration = ModelConfiguration(
            name: "small", network: network, diffusion: DiffusionConfiguration(),
            // The first 63 tokens of GPT-2's are single characters, digits among them.
            text: TextConfiguration(vocabulary: .gpt2, context: 8, kept: Array(0..<63)),
            imageSize: input.seesLowResolution ? 64 : 16,
            sampling: SamplingDefaults(sampler: .ddim, steps: 4, guidanceScale: 2))
        let variant =
            switch input {
            case .text: "base"
            case .lowResolution: "upsample"
            case .masked: "base_inpaint"
            case .maskedLowResolution: "upsample_inpaint"
            }
        var weights: [(name: String, value: Tensor)] = []
        for file in ["trunk-1", "trunk-2", variant] {
            let archive = try TensorArchive.open(fixtures.appending(path: "\(file).safetensors").path)
            for (name, value) in try archive.tensors() where name.hasPrefix("weights.") {
                weights.append((String(name.dropFirst("weights.".count)), try value.to(.float32)))
            }
        }
        try ModelFile.write(weights, configuration: configuration, to: path)
    }
}

/// Writes a golden file with another expected output.
func perturb(_ golden: String, to path: String) throws {
    let archive = try TensorArchive.open(golden)
    let tensors = try archive.tensors().filter { $0.name.hasPrefix("glide.") }.map { name, value in
        (name: name, value: name == "glide.output" ? try value * 1.001 : value)
    }
    try Safetensors.write(tensors, metadata: archive.metadata, to: path)
}
