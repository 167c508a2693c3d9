import ArgumentParser
import Datasets

/// What is to be drawn: one prompt, or those of a file.
struct PromptOptions: ParsableArguments {
    @Argument(help: "What to draw; \"\" draws whatever the model likes.")
    var prompt: String?

    @Option(
        help: """
            A text file with a prompt a line, instead of one prompt: each is drawn as it would be alone, from the same seed.
            """)
    var prompts: String?

    func validate() throws {
        switch (prompt, prompts) {
        case (nil, nil): throw ValidationError("expected a prompt, or a file of them with --prompts.")
        case (.some, .some): throw ValidationError("give either a prompt or --prompts.")
        default: break
        }
    }

    /// At least one.
    /// - Throws: `DatasetError`, naming the file.
    func texts() throws -> [String] {
        try prompts.map { try PromptFile.read($0) } ?? [prompt ?? ""]
    }
}
