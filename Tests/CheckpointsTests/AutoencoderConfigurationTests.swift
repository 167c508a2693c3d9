import Checkpoints
import Foundation
import Models
import Testing

/// diffusers' `vae/config.json`.
struct AutoencoderConfigurationTests {
    /// Stable Diffusion 1.5's, as published.
    static let stableDiffusion = """
        {
          "_class_name": "AutoencoderKL", "_diffusers_version": "0.6.0", "act_fn": "silu",
          "block_out_channels": [128, 256, 512, 512],
          "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
          "in_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32, "out_channels": 3,
          "sample_size": 512,
          "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]
        }
        """

    @Test func published() throws {
        #expect(try parsed(Self.stableDiffusion) == PublishedAutoencoder.klF8.configuration)
        let xl = Self.stableDiffusion.replacing(
            "\"sample_size\": 512",
            with: "\"sample_size\": 1024, \"scaling_factor\": 0.13025, \"force_upcast\": true")
        #expect(try parsed(xl) == PublishedAutoencoder.stableDiffusionXL.configuration)
    }

    /// Absent keys mean what they mean to diffusers.
    @Test func defaults() throws {
        let plain = try parsed("{}")
        #expect(
            plain
                == AutoencoderConfiguration(
                    kind: .kl, latentChannels: 4, levels: [.init(channels: 64)], residualBlocks: 1,
                    scalingFactor: 0.18215, overflowsFloat16: true, sampleSize: 32))
        let quantised = try parsed("{\"_class_name\": \"VQModel\"}")
        #expect(
            quantised
                == AutoencoderConfiguration(
                    kind: .vectorQuantised(codes: 256), latentChannels: 3, levels: [.init(channels: 64)],
                    residualBlocks: 1, scalingFactor: 0.18215, overflowsFloat16: false, sampleSize: 32))
        #expect(try parsed("{\"num_vq_embeddings\": 100, \"latent_channels\": 5}").kind == .vectorQuantised(codes: 100))
        let pairs = try parsed("{\"sample_size\": [96, 64], \"shift_factor\": null, \"latents_mean\": null}")
        #expect(pairs.sampleSize == 96 && pairs.shiftFactor == nil)
    }

    @Test func everythingSaid() throws {
        let found = try parsed(
            """
            {"_class_name": "AutoencoderKL", "block_out_channels": [32, 64], "norm_num_groups": 8, "latent_channels": 2,
             "down_block_types": ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
             "up_block_types": ["AttnUpDecoderBlock2D", "UpDecoderBlock2D"], "layers_per_block": 3,
             "in_channels": 1, "out_channels": 4, "act_fn": "swish", "use_quant_conv": false,
             "use_post_quant_conv": false, "mid_block_add_attention": false, "force_upcast": false,
             "scaling_factor": 0.5, "shift_factor": -0.1, "latents_mean": [1, 2], "latents_std": [3, 4.5]}
            """)
        #expect(
            found
                == AutoencoderConfiguration(
                    kind: .kl, inputChannels: 1, outputChannels: 4, latentChannels: 2,
                    levels: [.init(channels: 32), .init(channels: 64, attention: true)], residualBlocks: 3,
                    middleAttention: false, quantConvolution: false, postQuantConvolution: false, normGroups: 8,
                    scalingFactor: 0.5, shiftFactor: -0.1, latentMean: [1, 2], latentDeviation: [3, 4.5],
                    overflowsFloat16: false, sampleSize: 32))
    }

    @Test func whatDoesNotServeIsNamed() throws {
        for (json, words) in [
            ("{\"_class_name\": \"AutoencoderDC\"}", "_class_name is \"AutoencoderDC\""),
            ("{\"_class_name\": 3}", "_class_name is 3"),
            ("{\"act_fn\": \"relu\"}", "act_fn is \"relu\""),
            ("{\"_class_name\": \"VQModel\", \"norm_type\": \"spatial\"}", "norm_type is \"spatial\""),
            ("{\"block_out_channels\": [64, 1e300]}", "block_out_channels"),
            ("{\"block_out_channels\": []}", "down_block_types"),
            ("{\"block_out_channels\": [64, 64]}", "down_block_types is missing; expected 2 blocks"),
            ("{\"down_block_types\": [\"DownBlock2D\"]}", "not DownBlock2D"),
            ("{\"down_block_types\": [\"AttnDownEncoderBlock2D\"]}", "up_block_types"),
            ("{\"latent_channels\": 4.5}", "latent_channels is 4.5"),
            ("{\"layers_per_block\": 1000000}", "layers_per_block"),
            ("{\"norm_num_groups\": 48}", "64 channels do not divide into 48 groups"),
            ("{\"scaling_factor\": 0}", "scalingFactor"),
            ("{\"scaling_factor\": \"a\"}", "scaling_factor"),
            ("{\"latents_mean\": [0, 0, 0, 0]}", "go together"),
            ("{\"latents_mean\": [0], \"latents_std\": [1]}", "1 numbers for 4 channels"),
            ("{\"sample_size\": -1}", "sample_size"),
            ("{\"sample_size\": []}", "sample_size"),
            ("{\"use_quant_conv\": 1}", "use_quant_conv is 1"),
        ] {
            let error = #expect(throws: CheckpointError.self, "\(json)") { try parsed(json) }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
            #expect(error?.file.hasSuffix("config.json") == true)
        }
    }

    /// Whatever a byte is changed to: a configuration or an error, never a crash.
    @Test func damage() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/config.json"
        let bytes = Array(Self.stableDiffusion.utf8)
        var state: UInt64 = 5
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        var refused = 0
        for _ in 0..<1000 {
            var changed = bytes
            for _ in 0...draw(3) {
                switch draw(3) {
                case 0: changed[draw(changed.count)] = UInt8(draw(256))
                case 1: changed.remove(at: draw(changed.count))
                default: changed.insert(contentsOf: "9[{\"-e".utf8.shuffled().prefix(1), at: draw(changed.count))
                }
            }
            try Data(changed).write(to: URL(filePath: path))
            do { try AutoencoderConfiguration(diffusers: JSONObject(path: path)).validate() } catch {
                #expect("\(error)".contains(path))
                refused += 1
            }
        }
        #expect(refused > 100)
    }
}
