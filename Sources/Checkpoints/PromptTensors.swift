package import Tensors

extension PromptEncoder {
    /// Prompts as the text transformer reads them.
    /// - Returns: tokens, int64, and whether each is one of the prompt's, bool: [prompts, context].
    package func tensors(
        of prompts: some Sequence<String>, device: Device
    ) throws -> (tokens: Tensor, mask: Tensor) {
        let padded = prompts.map(padded)
        let shape = [padded.count, context]
        return (
            try Tensor(padded.flatMap(\.ids), shape: shape).to(device: device),
            try Tensor(padded.flatMap(\.mask), shape: shape).to(device: device)
        )
    }
}
