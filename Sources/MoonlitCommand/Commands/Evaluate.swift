import ArgumentParser

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures models on real scenes: those that draw, CLIP, and autoencoders.",
        discussion: """
            Examples:
              moonlit evaluate --model scenes-64 --judge judge.safetensors --count 500 -o evaluation
              moonlit evaluate clip judge.safetensors -o judge
              moonlit evaluate autoencoder f4.safetensors

            Without a subcommand it is "drawing"; see moonlit evaluate drawing --help.
            """,
        subcommands: [EvaluateDrawing.self, EvaluateCLIP.self, EvaluateAutoencoder.self],
        defaultSubcommand: EvaluateDrawing.self)
}
