internal import Datasets
internal import Foundation
public import Images
public import Models
public import Scenes
public import Tensors

/// How near an autoencoder's pictures are to what they were made of, on real scenes that it never learned from.
public struct AutoencoderEvaluation: Sendable, Hashable, Codable {
    public var model: String
    public var data: String
    public var seed: UInt64
    /// Pictures, and their side in pixels.
    public var count: Int
    public var side: Int
    /// Numbers of a picture for each of its latents'.
    public var compression: Double
    public var overall: Fidelity
    /// By the scene's style.
    public var styles: [String: Fidelity]

    /// Means over pictures.
    public struct Fidelity: Sendable, Hashable, Codable {
        public var count: Int
        /// 10 · log₁₀(4 / mean squared error), of numbers in −1…1, clamped: decibels.
        public var psnr: Double
        /// The worst tenth's best.
        public var lowestTenth: Double
        /// Mean absolute error, of numbers in −1…1.
        public var absolute: Double

        init(_ errors: [(psnr: Double, absolute: Double)]) {
            count = errors.count
            let total = Double(max(1, errors.count))
            psnr = errors.reduce(0) { $0 + $1.psnr } / total
            absolute = errors.reduce(0) { $0 + $1.absolute } / total
            let ordered = errors.map(\.psnr).sorted()
            lowestTenth = ordered.isEmpty ? 0 : ordered[(ordered.count - 1) / 10]
        }
    }

    /// - Parameters:
    ///   - device: where the autoencoder's weights are.
    ///   - configuration: what the scenes are composed of; the size is the pictures'.
    ///   - shown: is given the first pictures and what became of them.
    /// - Throws: `CancellationError` between two batches.
    public init(
        _ autoencoder: Autoencoder, name: String, of configuration: SceneConfiguration, artwork: Artwork, data: String,
        count: Int, seed: UInt64 = 0, device: Device = .cpu, batchSize: Int = 16, tell: (Int) -> Void = { _ in },
        shown: (_ real: Picture, _ made: Picture) throws -> Void = { _, _ in }
    ) throws {
        var own = configuration
        own.seed = SeededGenerator.mix(seed ^ 0x4155_544F)
        let scenes = try ComposedScenes(own, artwork: artwork)
        var errors: [(style: String, psnr: Double, absolute: Double)] = []
        let (side, total) = (own.size, min(count, scenes.count))
        for first in stride(from: 0, to: total, by: max(1, batchSize)) {
            if Task.isCancelled { throw CancellationError() }
            let some = try (first..<min(first + max(1, batchSize), total)).map { try scenes.scene(at: $0) }
            let pictures = try Tensor(some.flatMap { $0.picture.planes() }, shape: [some.count, 3, side, side])
            let made = try withoutGradients {
                try autoencoder.decode(autoencoder.encode(pictures.to(device: device)).mode)
                    .to(.float32, device: .cpu).clamp(min: -1, max: 1)
            }
            let difference = try made - pictures
            let squares = try (difference * difference).mean([1, 2, 3]).doubles()
            let absolutes = try difference.abs().mean([1, 2, 3]).doubles()
            for (row, scene) in some.enumerated() {
                errors.append((scene.description.style.rawValue, 10 * log10(4 / max(squares[row], 1e-12)), absolutes[row]))
            }
            let values = try made.floats()
            for (row, scene) in some.enumerated() where first + row < 16 {
                let planes = Array(values[row * 3 * side * side..<(row + 1) * 3 * side * side])
                try shown(scene.picture, Picture(planes: planes, width: side, height: side))
            }
            tell(first + some.count)
        }
        self.model = name
        self.data = data
        self.seed = seed
        self.count = errors.count
        self.side = side
        let factor = Double(autoencoder.configuration.factor)
        compression = 3 * factor * factor / Double(autoencoder.configuration.latentChannels)
        overall = Fidelity(errors.map { ($0.psnr, $0.absolute) })
        styles = Dictionary(grouping: errors, by: \.style).mapValues { Fidelity($0.map { ($0.psnr, $0.absolute) }) }
    }

    /// As Markdown.
    public var markdown: String {
        func row(_ name: String, _ fidelity: Fidelity) -> String {
            "| \(name) | \(fidelity.count) | \(fidelity.psnr.formatted(2)) | \(fidelity.lowestTenth.formatted(2)) | "
                + "\(fidelity.absolute.formatted(4)) |"
        }
        let lines =
            [
                "# \(model) on real scenes (\(data)), \(side)×\(side)", "",
                "\(compression.formatted(1)) numbers of a picture for each of its latents'.", "",
                "| | pictures | PSNR (dB) | of the worst tenth, at most | mean absolute error |",
                "| --- | ---: | ---: | ---: | ---: |", row("**all**", overall),
            ] + styles.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
        return lines.joined(separator: "\n") + "\n"
    }
}
