import ArgumentParser
import Checkpoints
import Diffusion
import Models
import Moonlit
import Tensors

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what a model is: configuration, parameters by part, tensors.",
        discussion: """
            Example:
              moonlit inspect base.pt --tensors
            """)

    @Argument(help: "An embedded model's name, a model's folder, or a file: .safetensors, .ckpt or .pt.")
    var model: String

    @Flag(help: "List every tensor with its shape and type.")
    var tensors = false

    @Flag(help: "Print one JSON object, tensors included.")
    var json = false

    func run() throws {
        let path = try ModelSource(model).path()
        if let clip = try CLIPFile(recognising: path) { return try show(CLIPSummary(clip)) }
        if let autoencoder = try AutoencoderFile(recognising: path) { return try show(AutoencoderSummary(autoencoder)) }
        switch try PublishedModel(path) {
        case .pixels(let file): try show(ModelSummary(file))
        case .latents(let file):
            try show(LatentSummary(file))
            // Said last, so that what is there is seen.
            try file.check()
        }
    }

    private func show(_ summary: AutoencoderSummary) throws {
        if json { return try Console.print(json: summary) }
        let configuration = summary.configuration
        let kind =
            switch configuration.kind {
            case .kl: "Gaussian latents"
            case .vectorQuantised(let codes): "\(grouped(codes)) codes"
            }
        var lines = [
            ("model", "autoencoder, \(kind)"),
            ("file", summary.path),
            (
                "latents",
                "\(configuration.latentChannels) channels, \(configuration.factor) pixels a side each, scaled by "
                    + "\(configuration.scalingFactor)"
            ),
            ("levels", configuration.levels.map { "\($0.channels)\($0.attention ? " attention" : "")" }.joined(separator: ", ")),
        ]
        if let side = configuration.sampleSize { lines.append(("pictures", "\(side)×\(side)")) }
        lines += [("parameters", grouped(summary.total)), ("tensors", grouped(summary.tensors.count))]
        if tensors {
            lines += summary.tensors.map { ("  " + $0.name, "\($0.dtype?.rawValue ?? "") \($0.shape)") }
        }
        try show(lines)
    }

    private func show(_ summary: CLIPSummary) throws {
        if json { return try Console.print(json: summary) }
        let (network, text) = (summary.configuration.network, summary.configuration.network.text)
        let tower =
            switch network.picture {
            case .transformer(let patch, let width, let layers, let heads):
                "\(layers) layers of \(width), \(heads) heads, patches of \(patch) pixels"
            case .convolutional(let widths, let blocks, let layers, _):
                "convolutions " + widths.map { "\($0)×\(blocks)" }.joined(separator: ", ")
                    + ", \(layers) layers of attention"
            }
        var lines = [
            ("model", "\(summary.configuration.name), pictures and texts in one space of \(network.embedding)"),
            ("file", summary.path),
            ("pictures", "\(network.side)×\(network.side), \(network.timesteps == nil ? "clean" : "noisy")"),
            ("tower", tower),
            (
                "text",
                "\(text.layers) layers of \(text.width), \(text.heads) heads, \(text.context) tokens of \(text.vocabulary)"
            ),
        ]
        if let diffusion = summary.configuration.diffusion {
            lines.append(("noise", "\(diffusion.schedule.rawValue), \(diffusion.steps) steps"))
        }
        lines += [
            ("parameters", grouped(summary.parameters.total)),
            ("  pictures", grouped(summary.parameters.picture)),
            ("  text", grouped(summary.parameters.text)),
            ("tensors", grouped(summary.tensors.count)),
        ]
        if tensors {
            lines += summary.tensors.map { ("  " + $0.name, "\($0.dtype.rawValue) \($0.shape)") }
        }
        try show(lines)
    }

    private func show(_ summary: LatentSummary) throws {
        if json { return try Console.print(json: summary) }
        let configuration = summary.configuration
        let unet = configuration.unet
        var lines = [
            ("model", "\(configuration.name), \(configuration.family.rawValue)"),
            ("file", "\(summary.path) (\(summary.format == .diffusers ? "diffusers' folder" : "a single file"))"),
            (
                "pictures",
                "\(configuration.imageSize)×\(configuration.imageSize) through \(configuration.latentChannels) latent channels, "
                    + "\(configuration.latentFactor) pixels a side each"
                    + (configuration.sees.seesMask ? ", sees a picture with a hole" : "")
            ),
            (
                "U-Net",
                unet.levels.map {
                    "\($0.channels)×\($0.residualBlocks)"
                        + ($0.attention ? " attention" + (($0.transformerDepth ?? 1) > 1 ? "×\($0.transformerDepth ?? 1)" : "") : "")
                }.joined(separator: ", ")
                    + (unet.heads.map { ", \($0) heads" } ?? ", heads of \(unet.headWidth)")
            ),
        ]
        for (index, tower) in configuration.towers.enumerated() {
            lines.append(
                (
                    configuration.towers.count > 1 ? "text \(index + 1)" : "text",
                    "\(tower.layers) layers of \(tower.width), \(tower.context) tokens"
                ))
        }
        let diffusion = configuration.diffusion
        lines += [
            (
                "diffusion",
                "\(diffusion.schedule.rawValue), \(diffusion.steps) steps, predicts \(diffusion.prediction.rawValue)"
            ),
            ("sampling", configuration.sampling.described),
        ]
        if let own = summary.samplerStandIn { lines.append(("  instead of", "\(own.scheduler): \(own.reason)")) }
        lines.append(("parameters", grouped(summary.total)))
        lines += LatentFile.Part.allCases.compactMap { part in
            summary.parameters[part.rawValue].map { ("  " + part.rawValue, grouped($0)) }
        }
        lines.append(("tensors", grouped(summary.tensors.count)))
        if tensors {
            lines += summary.tensors.map { ("  " + $0.name, "\($0.dtype?.rawValue ?? "") \($0.shape)") }
        }
        try show(lines)
    }

    private func show(_ lines: [(String, String)]) throws {
        let width = min(60, lines.reduce(0) { max($0, $1.0.count) })
        try Console.print(
            lines.map { $0.0 + String(repeating: " ", count: max(width - $0.0.count, 0) + 2) + $0.1 }
                .joined(separator: "\n"))
    }

    private func show(_ summary: ModelSummary) throws {
        if json { return try Console.print(json: summary) }
        let configuration = summary.configuration
        let (network, text) = (configuration.network, configuration.network.text)
        let size = configuration.imageSize
        var lines = [
            ("model", configuration.name),
            ("file", "\(summary.path) (\(summary.format == .glide ? "OpenAI's layout" : "Moonlit's own"))"),
            ("pictures", "\(size)×\(size), sees \(network.input.explanation)"),
            (
                "U-Net",
                network.unet.levels.map { "\($0.channels)×\($0.residualBlocks)\($0.attention ? " attention" : "")" }
                    .joined(separator: ", ") + ", heads of \(network.unet.headWidth)"
            ),
            (
                "text",
                "\(text.layers) layers of \(text.width), \(text.heads) heads, \(text.context) tokens of \(text.vocabulary)"
            ),
            (
                "diffusion",
                "\(configuration.diffusion.schedule.rawValue), \(configuration.diffusion.steps) steps, predicts "
                    + "\(configuration.diffusion.prediction.rawValue), variance \(configuration.diffusion.variance.rawValue)"
            ),
            ("sampling", configuration.sampling.described),
            ("parameters", grouped(summary.parameters.total)),
            ("  U-Net", grouped(summary.parameters.unet)),
            ("  text", grouped(summary.parameters.text)),
            ("tensors", grouped(summary.tensors.count)),
        ]
        if tensors {
            lines += summary.tensors.map { ("  " + $0.name, "\($0.dtype.rawValue) \($0.shape)") }
        }
        try show(lines)
    }
}

extension GLIDEInput {
    fileprivate var explanation: String {
        switch self {
        case .text: "text"
        case .lowResolution: "text and a small picture"
        case .masked: "text and a picture with a hole"
        case .maskedLowResolution: "text, a small picture and one with a hole"
        }
    }
}

/// 385,030,726.
func grouped(_ number: Int) -> String {
    var digits = Array(String(abs(number)))
    var index = digits.count - 3
    while index > 0 {
        digits.insert(",", at: index)
        index -= 3
    }
    return (number < 0 ? "-" : "") + String(digits)
}
