public import Models
public import Tensors
public import Tokenizers

/// Prompts as a U-Net reads them.
public struct EncodedPrompts {
    /// What the U-Net attends to: [N, chunks · context, width].
    public let states: Tensor
    /// The normalised state at the end of each prompt's first chunk: [N, width].
    public let pooled: Tensor
    /// That, in the space shared with pictures: [N, projection], where the tower projects. XL's added embedding.
    public let projected: Tensor?
    /// How many tokens of each prompt did not fit.
    public let cut: [Int]
}

/// A CLIP text tower with its tokenizer: prompts in, states out, weighted and in chunks as they are read.
///
/// ```swift
/// let encoder = CLIPPromptEncoder(tower, tokenizer: try CLIPTokenizer(padding: .endToken))
/// let texts = try encoder(["a (red:1.3) boat", ""])  // prompt and negative prompt
/// ```
public struct CLIPPromptEncoder {
    public let tower: CLIPTextTower
    public let tokenizer: CLIPTokenizer
    public let choice: CLIPStateChoice
    public let inversions: AddedTokens?

    /// - Parameters:
    ///   - choice: which states the U-Net attends to.
    ///   - inversions: textual inversions, laid out for this tower.
    public init(
        _ tower: CLIPTextTower, tokenizer: CLIPTokenizer, choice: CLIPStateChoice = .last,
        inversions: AddedTokens? = nil
    ) {
        self.tower = tower
        self.tokenizer = tokenizer
        self.choice = choice
        self.inversions = inversions
    }

    /// Cuts prompts into chunks for this tower.
    public func chunker(_ reading: PromptReading) -> PromptChunker {
        PromptChunker(
            tokenizer, context: tower.configuration.context, reading: reading, added: inversions?.words ?? [])
    }

    /// Encodes prompts together; all get as many chunks as the longest has.
    ///
    /// - Parameters:
    ///   - prompts: at least one.
    ///   - chunks: at least so many; where two towers read the same prompts, or a negative prompt is encoded apart.
    ///   - skip: layers to leave out at the end besides, diffusers' `clip_skip`.
    public func callAsFunction(
        _ prompts: [String], reading: PromptReading = .webUI, chunks: Int = 1, skip: Int = 0
    ) throws -> EncodedPrompts {
        let chunker = chunker(reading)
        var chunked = chunker.evened(prompts.map(chunker.chunks))
        let missing = chunks - (chunked.first?.chunks.count ?? 0)
        if missing > 0 {
            for index in chunked.indices {
                chunked[index].chunks += [PromptChunk](repeating: chunker.emptyChunk, count: missing)
            }
        }
        return try encode(chunked, choice: choice.skipping(skip))
    }

    /// Encodes prompts that are cut already, each into as many chunks.
    public func encode(_ prompts: [ChunkedPrompt], choice: CLIPStateChoice? = nil) throws -> EncodedPrompts {
        let count = prompts.first?.chunks.count ?? 0
        let all = prompts.flatMap(\.chunks)
        let length = all.first?.tokens.count ?? 0
        guard count > 0, prompts.allSatisfy({ $0.chunks.count == count }),
            all.allSatisfy({ $0.tokens.count == length && $0.weights.count == length })
        else {
            throw TensorError(
                operation: "encode prompts",
                message: "\(prompts.count) prompts in chunks that differ in number or length")
        }
        return try withoutGradients {
            let device = tower.device
            let shape = [all.count, length]
            let tokens = try Tensor(all.flatMap(\.tokens), shape: shape).to(device: device)
            let said = try tower(tokens, added: inversions?.rows.to(device: device))
            var states = try tower.states(choice ?? self.choice, of: said)  // [N · chunks, L, width]
            if all.contains(where: \.isWeighted) {
                states = try weighted(states, by: all.map(\.weights))
            }
            let width = try states.size(2)
            let firsts = try Tensor.arange(0, Double(all.count), step: Double(count), device: device)  // [N]
            return EncodedPrompts(
                states: try states.reshape([prompts.count, count * length, width]),
                pooled: try said.pooled.indexSelect(0, firsts),
                projected: try said.projected?.indexSelect(0, firsts), cut: prompts.map(\.cut))
        }
    }
}

/// Multiplies each token's state by its weight, then brings each chunk's mean back to what it was, as AUTOMATIC1111's
/// web UI does ("Original" emphasis). Chunks without weights stay as they are, to the bit.
///
/// - Parameters:
///   - states: [M, L, width].
///   - weights: M of L.
func weighted(_ states: Tensor, by weights: [[Double]]) throws -> Tensor {
    let shape = states.shape
    let rows = try weights.enumerated().map { index, weights in
        let chunk = try states.at(index)  // [L, width]
        guard weights.contains(where: { $0 != 1 }) else { return chunk }
        let plain = try chunk.to(.float32)
        let factors = try Tensor(weights, shape: [weights.count, 1]).to(.float32, device: states.device)
        let heavy = try plain * factors
        let (before, after) = try (plain.mean().item(), heavy.mean().item())
        let restored = before / after
        return try (restored.isFinite ? heavy * restored : heavy).to(states.dtype)
    }
    return try Tensor.stack(rows).reshape(shape)
}
