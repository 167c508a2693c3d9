import Checkpoints
import Foundation
import Layers
import Models
import Tensors
import Testing

/// Low-rank changes: what says how strongly they count, and which are refused.
struct LoRATests {
    private static let ours = "middle_block.1.transformer_blocks.0.attn1.to_q.weight"
    private static let module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"

    private func model() throws -> LatentFile {
        let path = PublishedModelTests.folder + "/sd1"
        guard case .latents(let file) = try PublishedModel(path) else { throw CheckpointError(path, "draws pixels") }
        return file
    }

    /// How many times a change of ones, of rank 2, is added to a weight.
    ///
    /// - Parameters:
    ///   - settings: of diffusers, in the file's metadata.
    ///   - beside: PEFT's, in a file of its own.
    private func strength(of module: String, settings: String? = nil, beside: String? = nil) throws -> Double {
        let folder = try TemporaryFolder()
        let path = folder.path + "/adapter_model.safetensors"
        try beside?.write(toFile: folder.path + "/adapter_config.json", atomically: true, encoding: .utf8)
        let source = try model().source(.unet)
        let shape = try #require(source.shape(of: Self.ours))
        try Safetensors.write(
            [
                (name: module + ".lora_A.weight", value: .ones([2, shape[1]])),
                (name: module + ".lora_B.weight", value: .ones([shape[0], 2])),
            ], metadata: settings.map { ["format": "pt", "lora_adapter_metadata": $0] } ?? [:], to: path)
        let merged = try withExtendedLifetime(folder) { try model().merging([LoRAChoice(path: path)]) }
        let (after, before) = try (merged.source(.unet).tensor(Self.ours), source.tensor(Self.ours))
        return try (after.to(.float32) - before.to(.float32)).mean().item() / 2
    }

    @Test(arguments: [
        (#"{"unet.r": 2, "unet.lora_alpha": 4}"#, 2), (#"{"text_encoder.r": 2, "text_encoder.lora_alpha": 4}"#, 1),
        (#"{"unet.r": 2, "unet.lora_alpha": 4, "unet.alpha_pattern": {"attn1.to_q": 1}}"#, 0.5),
        (#"{"unet.r": 2, "unet.lora_alpha": 4, "unet.alpha_pattern": {"1.to_q": 1, "^attn1.to_q": 1, "to_k": 1}}"#, 2),
        (
            #"""
            {"unet.alpha_pattern": {"^mid_block.attentions.0.transformer_blocks.0.attn1.to_q": 3}, "unet.lora_alpha": 4,
            "unet.use_rslora": false, "unet.use_dora": false, "unet.target_modules": ["to_q"], "unet.bias": null}
            """#, 1.5
        ),
        (#"{"unet.r": 2}"#, 4), ("{}", 1), (nil, 1),
    ] as [(String?, Double)])
    func diffusersSettingsHold(settings: String?, expected: Double) throws {
        let found = try strength(of: "unet." + Self.module, settings: settings)
        #expect(abs(found - expected) < 1e-4, "\(found)")
    }

    @Test func aNetworksOwnFileHasItsOwnSettings() throws {
        let found = try strength(of: Self.module, settings: #"{"r": 2, "lora_alpha": 6, "peft_type": "LORA"}"#)
        #expect(abs(found - 3) < 1e-4, "\(found)")
    }

    @Test func peftsSettingsHoldForItsOwnNames() throws {
        let beside = #"{"peft_type": "LORA", "r": 2, "lora_alpha": 5, "alpha_pattern": {}, "use_rslora": false}"#
        for (module, beside, expected) in [
            ("base_model.model." + Self.module, beside, 2.5), ("base_model.model.unet." + Self.module, beside, 2.5),
            ("base_model.model." + Self.module, nil, 1), ("unet." + Self.module, beside, 1),
        ] as [(String, String?, Double)] {
            let found = try strength(of: module, beside: beside)
            #expect(abs(found - expected) < 1e-4, "\(module): \(found)")
        }
    }

    @Test(arguments: [
        (#"{"unet.use_rslora": true}"#, "use_rslora"), (#"{"unet.use_dora": true, "unet.r": 2}"#, "use_dora"),
        (#"{"unet.lora_alpha": "4"}"#, "lora_alpha"), (#"{"unet.alpha_pattern": {".*to_q": 4}}"#, "alpha_pattern"),
        (#"{"unet.alpha_pattern": {"to_q": null}}"#, "to_q"), ("[]", "lora_adapter_metadata"), ("{", "lora_adapter_metadata"),
    ])
    func otherKindsAreRefused(settings: String, key: String) throws {
        let error = try #require(throws: CheckpointError.self) {
            try strength(of: "unet." + Self.module, settings: settings)
        }
        #expect(error.file.hasSuffix("adapter_model.safetensors") && error.description.contains(key), "\(error)")
        let kinds = ["use_rslora", "use_dora"]
        guard kinds.contains(key) else { return }
        let beside = try #require(throws: CheckpointError.self) {
            try strength(of: "base_model.model." + Self.module, beside: "{\"\(key)\": true}")
        }
        #expect(beside.file.hasSuffix("adapter_config.json") && beside.description.contains(key), "\(beside)")
    }

    /// A file of a few bytes whose ranks are beyond what can be counted.
    @Test func hugeRanksAreRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/hostile.safetensors"
        let shape = try #require(try model().source(.unet).shape(of: Self.ours))
        func item(_ half: String, _ shape: [Int]) -> Safetensors.Item {
            Safetensors.Item(name: "unet.\(Self.module).\(half).weight", dtype: .uint8, shape: shape) { _ in }
        }
        try Safetensors.write([item("lora_down", [1 << 60, 0]), item("lora_up", [shape[0], 0])], to: path)
        let merged = try model().merging([LoRAChoice(path: path)])
        let source = try merged.source(.unet)
        let error = try #require(throws: CheckpointError.self) { try source.tensor(Self.ours) }
        #expect(error.file == path && error.description.contains(Self.module))
        withExtendedLifetime(folder) {}
    }
}
