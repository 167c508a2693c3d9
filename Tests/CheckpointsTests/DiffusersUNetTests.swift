import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// diffusers' `config.json`: what is not done here is refused by name, and no damage does more.
struct DiffusersUNetTests {
    private func read(_ json: String) throws -> UNetConfiguration {
        try UNetConfiguration(diffusers: Data(json.utf8), file: "unet/config.json")
    }

    /// An empty configuration is diffusers' default, which is latent diffusion's network.
    @Test func absentKeysAreDiffusersDefaults() throws {
        #expect(try read("{}") == UNetRecognitionTests.published("ldm"))
    }

    @Test func listsAndNumbers() throws {
        let base = #""down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "#
            + #""CrossAttnUpBlock2D"], "block_out_channels": [64, 128]"#
        let plain = try read("{\(base)}")
        #expect(plain.levels.map(\.residualBlocks) == [2, 2] && plain.heads == 8 && plain.levels.map(\.attention) == [true, false])
        #expect(try read("{\(base), \"layers_per_block\": [1, 3]}").levels.map(\.residualBlocks) == [1, 3])
        #expect(try read("{\(base), \"cross_attention_dim\": [77, 77]}").text == .cross(width: 77, linearProjections: false))
        let deep = try read("{\(base), \"transformer_layers_per_block\": [2, 3]}")
        #expect(deep.levels.map(\.transformerDepth) == [2, nil] && deep.middleDepth == 3)
        let wide = try read("{\(base), \"attention_head_dim\": [2, 4]}")
        #expect(wide.headWidth == 32 && wide.heads == nil)
        let few = try read("{\(base), \"attention_head_dim\": [4, 4]}")
        #expect(few.heads == 4)
        let odd = try read("{\(base), \"attention_head_dim\": [1, 4]}")
        #expect(odd.heads == nil && odd.levels.map(\.heads) == [1, 4])
        #expect(try read("{\(base), \"only_cross_attention\": [false, false]}") == plain)
    }

    @Test(arguments: [
        ("_class_name", "\"UNet2DModel\""), ("center_input_sample", "true"), ("flip_sin_to_cos", "false"),
        ("freq_shift", "1"), ("mid_block_type", "null"), ("mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\""),
        ("only_cross_attention", "true"), ("only_cross_attention", "[true, true, true, false]"),
        ("downsample_padding", "0"), ("mid_block_scale_factor", "2"), ("act_fn", "\"gelu\""), ("norm_eps", "1e-6"),
        ("reverse_transformer_layers_per_block", "[[1], [1]]"), ("encoder_hid_dim", "1024"),
        ("encoder_hid_dim_type", "\"text_proj\""), ("num_attention_heads", "8"), ("dual_cross_attention", "true"),
        ("class_embed_type", "\"projection\""), ("addition_embed_type", "\"text\""), ("num_class_embeds", "1000"),
        ("resnet_time_scale_shift", "\"ada\""), ("resnet_skip_time_act", "true"), ("resnet_out_scale_factor", "1.5"),
        ("time_embedding_type", "\"fourier\""), ("time_embedding_dim", "512"), ("time_embedding_act_fn", "\"silu\""),
        ("timestep_post_act", "\"silu\""), ("time_cond_proj_dim", "256"), ("conv_in_kernel", "1"),
        ("conv_out_kernel", "1"), ("attention_type", "\"gated\""), ("class_embeddings_concat", "true"),
        ("mid_block_only_cross_attention", "true"), ("cross_attention_norm", "\"layer_norm\""),
        ("addition_embed_type", "\"text_time\""), ("norm_num_groups", "null"), ("norm_num_groups", "7"),
        ("transformer_layers_per_block", "[[1, 2], 1, 1, 1]"), ("transformer_layers_per_block", "[1, 2]"),
        ("layers_per_block", "[2]"), ("layers_per_block", "\"2\""), ("attention_head_dim", "[8, 8]"),
        ("cross_attention_dim", "[768, 768, 1024, 768]"), ("block_out_channels", "[]"), ("block_out_channels", "320"),
        ("down_block_types", "[]"), ("down_block_types", "[\"AttnDownBlock2D\", \"a\", \"b\", \"c\"]"),
        ("up_block_types", "[\"UpBlock2D\", \"UpBlock2D\", \"UpBlock2D\", \"UpBlock2D\"]"),
    ])
    func refusedByName(key: String, value: String) throws {
        let error = try #require(throws: CheckpointError.self) { try read("{\"\(key)\": \(value)}") }
        #expect(error.file == "unet/config.json")
        // What a later check finds is said in our own words.
        let words = ["norm_num_groups": "groups", "block_out_channels": "block_out_channels"][key] ?? key
        #expect(error.description.contains(words), "\(error)")
    }

    @Test(arguments: ["", "[", "[]", "null", "7", "{\"in_channels\": 1e400}", String(repeating: "[", count: 100_000)])
    func noConfigurationAtAll(json: String) throws {
        let error = try #require(throws: CheckpointError.self) { try read(json) }
        #expect(error.file == "unet/config.json")
    }

    /// Each of 1,000 damaged configurations is an error that names the file, or one whose names and whose missing
    /// parameters can be told at once.
    @Test func damagedConfigurations() throws {
        let json = try #require(UNetRecognitionTests.published.first { $0.family == "xl" }).json
        let values = json.ranges(of: /-?[0-9]+(\.[0-9]+)?|"[A-Za-z0-9_]+"|true|false|null/)
        var random = SplitMix64(seed: 3)
        var counts = (sound: 0, refused: 0)
        for index in 0..<1000 {
            let damaged = index % 2 == 0 ? damage(json, &random) : change(json, values, &random)
            do {
                let configuration = try read(damaged)
                counts.sound += 1
                // The larger ones take a while.
                guard counts.sound % 8 == 0 else { continue }
                let shapes = try ShapeSource(of: configuration).shapes
                #expect(Set(try UNetNames.diffusers(configuration).keys) == Set(shapes.keys), "\(damaged)")
            } catch let error as CheckpointError {
                counts.refused += 1
                #expect(error.file == "unet/config.json" && !error.problem.isEmpty, "\(damaged)")
            } catch {
                Issue.record("\(error) of \(damaged)")
            }
        }
        #expect(counts.sound > 10 && counts.refused > 300, "\(counts)")
    }
}
