public import Models
public import Tensors

/// The parts of a golden file that text and noised CLIP towers answer for: nothing is compared where the expected output
/// is not there, and an input that is not there is a `TensorFileError`.
public enum GoldenTowers {
    /// `text_encoder.input_ids` → `.last_hidden_state` (what the U-Net attends to), optional `.pooled` (projected where
    /// the tower projects, else at the end token).
    ///
    /// - Parameter prefix: `text_encoder.` or `text_encoder_2.`.
    /// - Returns: a comparison for each output that stands in the file.
    public static func compare(
        _ encoder: CLIPPromptEncoder, with golden: TensorArchive, prefix: String = "text_encoder."
    ) throws -> [Comparison] {
        guard ["last_hidden_state", "pooled"].contains(where: { golden[prefix + $0] != nil }) else { return [] }
        return try withoutGradients {
            let tokens = try golden.tensor(prefix + "input_ids").to(.int64, device: encoder.tower.device)
            let said = try encoder.tower(tokens)
            var found: [Comparison] = []
            for (name, output) in [
                ("last_hidden_state", try encoder.tower.states(encoder.choice, of: said)),
                ("pooled", said.projected ?? said.pooled),
            ] where golden[prefix + name] != nil {
                found.append(try Comparison(part: prefix + name, output, expected: golden.tensor(prefix + name)))
            }
            return found
        }
    }

    /// The same for latent diffusion's text transformer.
    public static func compare(
        _ transformer: BERTTextTransformer, device: Device, with golden: TensorArchive, prefix: String = "text_encoder."
    ) throws -> [Comparison] {
        guard golden[prefix + "last_hidden_state"] != nil else { return [] }
        let tokens = try golden.tensor(prefix + "input_ids").to(.int64, device: device)
        let output = try withoutGradients { try transformer(tokens) }
        return [
            try Comparison(
                part: prefix + "last_hidden_state", output, expected: golden.tensor(prefix + "last_hidden_state"))
        ]
    }

    /// `clip.image`, optional `clip.timesteps` → `clip.image_embedding`.
    public static func compare(
        _ tower: NoisedCLIPImageTower, device: Device, with golden: TensorArchive
    ) throws -> [Comparison] {
        guard golden["clip.image_embedding"] != nil else { return [] }
        let picture = try golden.tensor("clip.image").to(device: device)
        let steps = try golden["clip.timesteps"] == nil ? nil : golden.tensor("clip.timesteps").to(device: device)
        let output = try withoutGradients { try tower(picture, timesteps: steps) }
        return [try compare("clip.image_embedding", output, golden)]
    }

    /// `clip.tokens` → `clip.text_embedding`.
    public static func compare(
        _ tower: NoisedCLIPTextTower, device: Device, with golden: TensorArchive
    ) throws -> [Comparison] {
        guard golden["clip.text_embedding"] != nil else { return [] }
        let tokens = try golden.tensor("clip.tokens").to(.int64, device: device)
        let output = try withoutGradients { try tower(tokens) }
        return [try compare("clip.text_embedding", output, golden)]
    }

    /// `clip.image`, optional `clip.timesteps` → `clip.image_embedding`, of length 1.
    public static func compareImage(_ model: CLIPModel, with golden: TensorArchive) throws -> [Comparison] {
        guard golden["clip.image_embedding"] != nil else { return [] }
        let steps = try golden["clip.timesteps"] == nil ? nil : golden.tensor("clip.timesteps")
        let output = try withoutGradients {
            try model.embeddings(ofPictures: golden.tensor("clip.image").to(.float32), timesteps: steps)
        }
        return [try compare("clip.image_embedding", output, golden)]
    }

    /// `clip.tokens`, optional `clip.mask` (all tokens where it is not there) → `clip.text_embedding`, of length 1.
    public static func compareText(_ model: CLIPModel, with golden: TensorArchive) throws -> [Comparison] {
        guard golden["clip.text_embedding"] != nil else { return [] }
        let tokens = try golden.tensor("clip.tokens").to(.int64, device: model.device)
        let mask = try golden["clip.mask"] == nil ? .ones(tokens.shape) : golden.tensor("clip.mask")
        let output = try withoutGradients {
            try model.network.embeddings(ofTokens: tokens, mask: mask.to(.bool, device: model.device))
        }
        return [try compare("clip.text_embedding", output, golden)]
    }

    /// Golden embeddings come as the towers give them or brought to length 1; which, stands in their numbers.
    private static func compare(_ part: String, _ output: Tensor, _ golden: TensorArchive) throws -> Comparison {
        let expected = try golden.tensor(part)
        guard expected.rank == 2 else {
            return try Comparison(part: part, output, expected: expected)
        }
        let lengths = try expected.to(.float32, device: .cpu).norm([-1])
        let isUnit = try (lengths - 1).abs().max().item() < 1e-3
        return try Comparison(part: part, isUnit ? noisedCLIPUnit(output) : output, expected: expected)
    }
}
