internal import Checkpoints
internal import Datasets
internal import Foundation
package import Models
package import Tensors

/// Makes, from whole pictures, what a network learns from and what it sees besides.
package struct Conditioning {
    package let shape: TrainingConfiguration.ConditioningShape
    package let input: GLIDEInput
    private let autoencoder: Autoencoder?
    private static let key = "conditioning.autoencoder"

    /// - Parameter autoencoder: on the CPU, through which small pictures pass.
    package init(_ shape: TrainingConfiguration.ConditioningShape, input: GLIDEInput, autoencoder: Autoencoder? = nil) {
        self.shape = shape
        self.input = input
        self.autoencoder = autoencoder
    }

    /// With the autoencoder that a configuration names.
    /// - Throws: `TrainingError.configuration` where there is none, or it does not halve the small pictures evenly.
    package init(_ configuration: TrainingConfiguration, input: GLIDEInput) throws {
        let shape = configuration.conditioning
        guard !shape.autoencoder.isEmpty else {
            self.init(shape, input: input)
            return
        }
        let file = try AutoencoderFile(shape.autoencoder, key: Self.key)
        let (side, factor) = (configuration.imageSize / shape.factor, file.configuration.factor)
        guard side % factor == 0 else {
            throw TrainingError.configuration(
                key: Self.key, problem: "small pictures of \(side) pixels do not divide by its \(factor)")
        }
        self.init(shape, input: input, autoencoder: try file.load(dtype: configuration.dtype.on(.cpu)))
    }

    package struct Result {
        /// [N · cuts, 3, side, side], those of one picture together.
        package let x0: Tensor
        package let conditions: GLIDE.Conditions

        /// Some of the pictures.
        func rows(_ rows: Range<Int>, device: Device) throws -> Result {
            Result(
                x0: try x0.rows(rows).to(device: device),
                conditions: try conditions.map { try $0.rows(rows).to(device: device) })
        }
    }

    /// For training: cut, erased and spoilt as the shape says.
    /// - Parameter pixels: [N, 3, S, S] in −1...1, on the CPU.
    package func callAsFunction(_ pixels: Tensor, seed: UInt64) throws -> Result {
        let draws = SeededGenerator(seed, 0x636F_6E64)
        var choices = draws
        let places = try places(in: pixels, &choices)
        let x0 = try cropped(pixels, at: places)
        var conditions = GLIDE.Conditions()
        if input.seesMask {
            let (count, side) = (try x0.size(0), try x0.size(3))
            let masks = (0..<count).flatMap { _ in
                ErasedRegion.mask(side: side, everything: shape.eraseAll, &choices)
            }
            conditions.image = x0
            conditions.mask = try Tensor(masks, shape: [count, 1, side, side])
        }
        if input.seesLowResolution {
            let whole = try decoded(small(pixels), SeededGenerator(seed, 0x6465_636F))
            conditions.lowResolution = try spoilt(
                cropped(whole, at: places, factor: shape.factor), seed: choices.next(), &choices)
        }
        return Result(x0: x0, conditions: conditions)
    }

    /// For looking: the whole pictures, the small ones as they are, a square hole in the middle.
    package func plain(_ pixels: Tensor) throws -> Result {
        var conditions = GLIDE.Conditions()
        if input.seesMask {
            let (count, side) = (try pixels.size(0), try pixels.size(3))
            let hole = side / 4..<side - side / 4
            let mask = (0..<side * side).map { place -> Float in
                hole.contains(place / side) && hole.contains(place % side) ? 0 : 1
            }
            conditions.image = pixels
            conditions.mask = try Tensor(mask, shape: [1, 1, side, side]).expand([count, 1, side, side])
        }
        if input.seesLowResolution { conditions.lowResolution = try eightBits(small(pixels)) }
        return Result(x0: pixels, conditions: conditions)
    }

    /// Where squares are cut from each picture, `cuts` for each; nil takes the whole pictures.
    private func places(in pixels: Tensor, _ choices: inout SeededGenerator) throws -> [(x: Int, y: Int)]? {
        guard shape.crop > 0 else { return nil }
        let (count, side) = (try pixels.size(0), try pixels.size(3))
        // On the small picture's grid, so that its pixels are those that the whole one has.
        let grid = input.seesLowResolution ? shape.factor : 1
        let most = (side - shape.crop) / grid + 1
        return (0..<count * shape.cuts).map { _ in
            let x = choices.below(most) * grid
            return (x, choices.below(most) * grid)
        }
    }

    /// - Parameter factor: how many times smaller the pictures are than those that the places are of.
    private func cropped(_ pixels: Tensor, at places: [(x: Int, y: Int)]?, factor: Int = 1) throws -> Tensor {
        guard let places else { return pixels }
        let side = shape.crop / factor
        return try .concatenate(
            places.enumerated().map { index, place in
                try pixels.narrow(0, start: index / shape.cuts, length: 1)
                    .narrow(2, start: place.y / factor, length: side).narrow(3, start: place.x / factor, length: side)
            }, dim: 0)
    }

    /// Some of them as an autoencoder gives them back from latents that are not quite theirs.
    private func decoded(_ pixels: Tensor, _ draws: SeededGenerator) throws -> Tensor {
        guard let autoencoder else { return pixels }
        var draws = draws
        let count = try pixels.size(0)
        let passes = (0..<count).map { _ in draws.chance(shape.decoded) ? Float(1) : 0 }
        let deviations = (0..<count).map { _ in Float(shape.latentNoise * draws.unit()) }
        return try withoutGradients {
            let latents = try autoencoder.scaled(autoencoder.encode(pixels).mean)
            let noise = try Tensor.randn(latents.shape, generator: RandomGenerator(seed: draws.next()))
            let wrong = try latents + noise * Tensor(deviations, shape: [count, 1, 1, 1])
            let pictures = try autoencoder.decode(autoencoder.unscaled(wrong)).clamp(min: -1, max: 1)
            let share = try Tensor(passes, shape: [count, 1, 1, 1])
            return try pictures * share + pixels * (1 - share)
        }
    }

    /// Each small pixel the mean of those it stands for.
    private func small(_ pixels: Tensor) throws -> Tensor { try pixels.averagePool(shape.factor) }

    /// As a file would hold it.
    private func eightBits(_ pixels: Tensor) throws -> Tensor {
        try (((pixels + 1) * 127.5).round() / 127.5 - 1).clamp(min: -1, max: 1)
    }

    /// Blurred, rounded to eight bits, noisy: as what a base model hands over is not quite what a camera saw.
    private func spoilt(_ pixels: Tensor, seed: UInt64, _ choices: inout SeededGenerator) throws -> Tensor {
        let count = try pixels.size(0)
        let blurred = try Tensor.concatenate(
            (0..<count).map { index in
                try blur(pixels.narrow(0, start: index, length: 1), deviation: shape.blur * choices.unit())
            }, dim: 0)
        let deviations = (0..<count).map { _ in Float(shape.noise * choices.unit()) }
        let noise = try Tensor.randn(pixels.shape, generator: RandomGenerator(seed: seed))
        return try eightBits(blurred) + noise * Tensor(deviations, shape: [count, 1, 1, 1])
    }

    /// By a Gaussian, cut off two pixels from its middle; the border is continued by its mirror image.
    private func blur(_ pixels: Tensor, deviation: Double) throws -> Tensor {
        let side = try min(pixels.size(2), pixels.size(3))
        guard deviation > 0.05, side > 2 else { return pixels }
        let weights = (-2...2).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let sum = weights.reduce(0, +)
        var result = pixels
        for dim in [2, 3] {
            let padded = try mirrored(result, dim: dim)
            let length = try result.size(dim)
            var blurred: Tensor?
            for (index, weight) in weights.enumerated() {
                let term = try padded.narrow(dim, start: index, length: length) * (weight / sum)
                blurred = try blurred.map { try $0 + term } ?? term
            }
            result = blurred ?? result
        }
        return result
    }

    /// Two more at each end, mirrored at the border pixels.
    private func mirrored(_ pixels: Tensor, dim: Int) throws -> Tensor {
        let length = try pixels.size(dim)
        let places = [2, 1, length, length + 1].map { $0 < 3 ? $0 : 2 * (length - 1) - $0 }
        func slice(_ place: Int) throws -> Tensor { try pixels.narrow(dim, start: place, length: 1) }
        return try .concatenate(
            [slice(places[0]), slice(places[1]), pixels, slice(places[2]), slice(places[3])], dim: dim)
    }
}
