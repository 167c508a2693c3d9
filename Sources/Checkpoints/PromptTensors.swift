package import Tensors
package import Tokenizers

extension PromptEncoder {
    /// Prompts as the text transformer reads them.
    /// - Returns: tokens, int64, and whether each is one of the prompt's, bool: [prompts, context].
    package func tensors(
        of prompts: some Sequence<String>, device: Device
    ) throws -> (tokens: Tensor, mask: Tensor) {
        try tensors(ofPadded: prompts.map(padded), device: device)
    }

    /// The same of prompts as `padded` gives them.
    package func tensors(
        ofPadded prompts: some Collection<PaddedTokens>, device: Device
    ) throws -> (tokens: Tensor, mask: Tensor) {
        let shape = [prompts.count, context]
        return (
            try Tensor(prompts.flatMap(\.ids), shape: shape).to(device: device),
            try Tensor(prompts.flatMap(\.mask), shape: shape).to(device: device)
        )
    }
}
