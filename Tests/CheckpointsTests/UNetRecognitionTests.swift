import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Cross-attending U-Nets are known by their keys and shapes, and by diffusers' configurations; both say the same.
struct UNetRecognitionTests {
    /// The `config.json` of the published folders, less what has no bearing on the network.
    static let published: [(file: String, family: String, json: String)] = [
        ("sd", "sd1", """
            {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu",
            "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false,
            "cross_attention_dim": 768, "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D", "DownBlock2D"], "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0,
            "in_channels": 4, "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-05,
            "norm_num_groups": 32, "out_channels": 4, "sample_size": 64, "up_block_types": ["UpBlock2D",
            "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]}
            """),
        ("sd", "sd2", """
            {"_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": [5, 10, 20, 20],
            "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false, "class_embed_type": null,
            "cross_attention_dim": 1024, "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D", "DownBlock2D"], "dual_cross_attention": false, "in_channels": 4,
            "layers_per_block": 2, "mid_block_type": "UNetMidBlock2DCrossAttn", "num_class_embeds": null,
            "only_cross_attention": false, "out_channels": 4, "sample_size": 96, "up_block_types": ["UpBlock2D",
            "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"], "upcast_attention": true,
            "use_linear_projection": true}
            """),
        ("sd", "ldm", """
            {"_class_name": "UNet2DConditionModel", "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280],
            "in_channels": 4, "out_channels": 4, "sample_size": 32}
            """),
        ("xl", "xl", """
            {"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time",
            "addition_embed_type_num_heads": 64, "addition_time_embed_dim": 256, "attention_head_dim": [5, 10, 20],
            "block_out_channels": [320, 640, 1280], "conv_in_kernel": 3, "cross_attention_dim": 2048,
            "cross_attention_norm": null, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D"], "encoder_hid_dim": null, "layers_per_block": 2,
            "mid_block_only_cross_attention": null, "num_attention_heads": null,
            "projection_class_embeddings_input_dim": 2816, "resnet_out_scale_factor": 1.0,
            "resnet_time_scale_shift": "default", "sample_size": 128, "time_embedding_type": "positional",
            "transformer_layers_per_block": [1, 2, 10], "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
            "UpBlock2D"], "upcast_attention": null, "use_linear_projection": true}
            """),
        ("refiner", "refiner", """
            {"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
            "attention_head_dim": [6, 12, 24, 24], "block_out_channels": [384, 768, 1536, 1536],
            "cross_attention_dim": 1280, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D", "DownBlock2D"], "projection_class_embeddings_input_dim": 2560,
            "transformer_layers_per_block": 4, "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D",
            "CrossAttnUpBlock2D", "UpBlock2D"], "use_linear_projection": true}
            """),
    ]

    static func published(_ family: String) throws -> UNetConfiguration {
        let json = try #require(published.first { $0.family == family }?.json)
        return try UNetConfiguration(diffusers: Data(json.utf8), file: "config.json")
    }

    @Test(arguments: published)
    func publishedNetworks(file: String, family: String, json: String) throws {
        let names = try PublishedNames(file, family)
        let configuration = try Self.published(family)
        #expect(try UNetNames.diffusers(configuration) == names.diffusers)
        #expect(try ShapeSource(of: configuration).shapes == names.shapes)
        #expect(try UNetLayout.recognise(ShapeSource(shapes: names.shapes)) == configuration)
    }

    @Test func publishedHeads() throws {
        #expect(try Self.published("sd1").heads == 8)
        #expect(try Self.published("ldm").heads == 8)
        for family in ["sd2", "xl", "refiner"] {
            let configuration = try Self.published(family)
            #expect(configuration.heads == nil && configuration.headWidth == 64)
        }
        #expect(try Self.published("xl").levels.map(\.transformerDepth) == [nil, 2, 10])
        #expect(try Self.published("xl").middleDepth == 10)
        #expect(try Self.published("refiner").middleDepth == 4)
        #expect(try Self.published("xl").sizeCount(pooledWidth: 1280) == 6)
        #expect(try Self.published("refiner").sizeCount(pooledWidth: 1280) == 5)
        #expect(try Self.published("xl").sizeCount(pooledWidth: 1279) == nil)
        #expect(try Self.published("xl").sizeCount(pooledWidth: .max) == nil)
    }

    @Test func inpaintingHasNineChannels() throws {
        var names = try PublishedNames("sd", "sd1")
        names.shapes["input_blocks.0.0.weight"] = [320, 9, 3, 3]
        var expected = try Self.published("sd1")
        expected.inputChannels = 9
        #expect(try UNetLayout.recognise(ShapeSource(shapes: names.shapes)) == expected)
    }

    /// The same weights in the authors' form: what cannot be seen in them is set aside.
    @Test(arguments: UNetFixture.diffusers)
    func smallNetworks(name: String) throws {
        let fixture = try UNetFixture(name)
        let groups = fixture.configuration.normGroups
        var found = try #require(try UNetLayout.recognise(fixture.weights, heads: .count(1), normGroups: groups))
        found.heads = fixture.configuration.heads
        found.headWidth = fixture.configuration.headWidth
        found.sizeSinusoidWidth = fixture.configuration.sizeSinusoidWidth
        for (index, level) in fixture.configuration.levels.enumerated() { found.levels[index].heads = level.heads }
        #expect(found == fixture.configuration)
        let difference = try fixture.output(build(fixture.weights, found)) - fixture.output(fixture.network())
        #expect(try difference.abs().max().item() == 0)
    }

    @Test func configurationsSurviveJSON() throws {
        for name in UNetFixture.diffusers {
            let configuration = try UNetFixture(name).configuration
            let json = try JSONEncoder().encode(configuration)
            #expect(try JSONDecoder().decode(UNetConfiguration.self, from: json) == configuration)
        }
    }

    @Test func othersAreNot() throws {
        #expect(try UNetLayout.recognise(ShapeSource(of: GLIDEConfiguration.base())) == nil)
        #expect(try UNetLayout.recognise(ShapeSource(shapes: [:])) == nil)
        #expect(try GLIDELayout.recognise(ShapeSource(of: Self.published("xl"))) == nil)
        #expect(throws: ConfigurationError.self) { try UNetNames.diffusers(GLIDEConfiguration.base().unet) }
    }

    /// Networks of the kind that contradict themselves, with sizes that would overflow among them.
    @Test func contradictions() throws {
        let sound = try ShapeSource(of: Self.published("xl")).shapes
        let huge = Int.max
        let changes: [(String, (inout [String: [Int]]) -> Void)] = [
            ("input_blocks.5", { $0["input_blocks.5.1.transformer_blocks.1.attn1.to_q.weight"] = nil }),
            ("input_blocks.2", { $0["input_blocks.2.0.out_layers.3.weight"] = [321, 1, 3, 3] }),
            ("input_blocks.1", { $0["input_blocks.1.0.out_layers.3.weight"] = nil; $0["input_blocks.1.0.op.weight"] = [1] }),
            ("output_blocks.0", { $0["output_blocks.0.0.out_layers.3.weight"] = nil }),
            ("output_blocks.3", { $0["output_blocks.3.1.transformer_blocks.1.attn1.to_q.weight"] = nil }),
            ("label_emb", { $0["label_emb.0.0.weight"] = [1280] }), ("classes", { $0["label_emb.weight"] = [1000, 1280] }),
            ("modelChannels", { $0["time_embed.0.weight"] = [0, huge] }),
            ("inputChannels", { $0["input_blocks.0.0.weight"] = [0, huge, 3, 3] }),
            ("outputChannels", { $0["out.2.weight"] = [huge, 0, 3, 3] }),
            ("the text's width", { $0["middle_block.1.transformer_blocks.0.attn2.to_k.weight"] = [0, huge] }),
            ("addedWidth", { $0["label_emb.0.0.weight"] = [0, huge] }),
            ("a level", { shapes in
                for name in shapes.keys where name.hasSuffix(".0.out_layers.3.weight") { shapes[name] = [huge, 0, 3, 3] }
            }),
        ]
        for (words, change) in changes {
            var shapes = sound
            change(&shapes)
            let error = #expect(throws: CheckpointError.self, "\(words)") {
                try UNetLayout.recognise(ShapeSource(shapes: shapes))
            }
            #expect(error?.description.contains(words) == true, "\(words) in \(String(describing: error))")
        }
        // A scale and shift with sizes at the limit of what an integer holds.
        var shapes = sound
        shapes["input_blocks.1.0.emb_layers.1.weight"] = [huge, 0]
        #expect(try UNetLayout.recognise(ShapeSource(shapes: shapes))?.scaleShiftNorm == true)
    }
}
