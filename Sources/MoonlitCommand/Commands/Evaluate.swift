import ArgumentParser

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures models on real scenes: those that draw, enlarge or fill in, CLIP, and autoencoders.",
        discussion: """
            Examples:
              moonlit evaluate --model scenes-latent --judge judge.safetensors --count 500 -o evaluation
              moonlit evaluate clip judge.safetensors -o judge
              moonlit evaluate upsampler upsampler.safetensors --judge judge.safetensors
              moonlit evaluate inpainting inpainting.safetensors --judge judge.safetensors
              moonlit evaluate autoencoder runs/f4/model
              moonlit evaluate text scenes-latent -o text

            Without a subcommand it is "drawing"; see moonlit evaluate drawing --help.
            """,
        subcommands: [
            EvaluateDrawing.self, EvaluateText.self, EvaluateUpsampler.self, EvaluateInpainting.self, EvaluateCLIP.self,
            EvaluateAutoencoder.self,
        ],
        defaultSubcommand: EvaluateDrawing.self)
}
