internal import Foundation
public import Images
internal import Models

/// How near enlarged pictures are to the real ones that the small ones were made of, beside bicubic interpolation.
///
/// Two measures that want opposite things: the signal-to-noise ratio, which punishes every detail that is not exactly
/// there, and the Fréchet distance, which asks whether the details look real. For the second, pictures are cut into tiles of
/// the judge's own side, so that it sees detail in its own size.
public struct UpsamplerEvaluation {
    private let judge: Judge
    private let factor: Int
    private var real, bicubic, drawn: Embeddings
    private var errors: [(bicubic: Double, drawn: Double)] = []

    /// - Parameter factor: a small pixel's side in large ones.
    public init(judge: Judge, factor: Int) {
        (self.judge, self.factor) = (judge, max(1, factor))
        real = Embeddings(width: judge.model.embeddingWidth)
        (bicubic, drawn) = (real, real)
    }

    /// What is given to be enlarged: each pixel the mean of those it stands for.
    /// - Throws: `EvaluationError.request` where the factor does not divide the sides.
    public func small(_ picture: Picture) throws -> Picture {
        guard picture.width % factor == 0, picture.height % factor == 0 else {
            throw EvaluationError.request("pictures of \(picture.width)×\(picture.height) made \(factor) times smaller")
        }
        return try picture.rgb.resized(width: picture.width / factor, height: picture.height / factor, filter: .box)
    }

    /// - Parameter enlarged: what the model made of `small(picture)`.
    /// - Returns: what bicubic interpolation makes of it.
    @discardableResult
    public mutating func add(_ picture: Picture, enlarged: Picture) throws -> Picture {
        guard enlarged.width == picture.width, enlarged.height == picture.height else {
            throw EvaluationError.request(
                "an enlarged picture of \(enlarged.width)×\(enlarged.height); expected \(picture.width)×\(picture.height)")
        }
        let plain = try small(picture).resized(width: picture.width, height: picture.height, filter: .bicubic)
        errors.append((try Self.psnr(plain, picture), try Self.psnr(enlarged, picture)))
        real.append(try judge.embeddings(ofPictures: tiles(picture)))
        bicubic.append(try judge.embeddings(ofPictures: tiles(plain)))
        drawn.append(try judge.embeddings(ofPictures: tiles(enlarged)))
        return plain
    }

    /// Tiles of the judge's side, side by side from the upper left; what is left over is left out.
    private func tiles(_ picture: Picture) throws -> [Picture] {
        let side = judge.model.imageSide
        let own = picture.rgb
        guard own.width >= side, own.height >= side else { return [own] }
        return try (0..<own.height / side).flatMap { row in
            try (0..<own.width / side).map { column in
                try own.cropped(x: column * side, y: row * side, width: side, height: side)
            }
        }
    }

    /// In decibels, of bytes; 100 for equal pictures.
    private static func psnr(_ a: Picture, _ b: Picture) throws -> Double {
        let (own, other) = (a.rgb.pixels, b.rgb.pixels)
        let squares = zip(own, other).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        return squares == 0 ? 100 : 10 * log10(255 * 255 * Double(own.count) / squares)
    }

    /// - Throws: `EvaluationError.tooFew` of fewer than two tiles.
    public func report(model: String, data: String, seed: UInt64, side: Int) throws -> UpsamplerReport {
        let truth = try FeatureStatistics(real.tensor())
        let count = Double(max(1, errors.count))
        return UpsamplerReport(
            model: model, judge: judge.name, data: data, seed: seed, count: errors.count, tiles: real.count, side: side,
            factor: factor,
            bicubic: .init(
                psnr: errors.reduce(0) { $0 + $1.bicubic } / count,
                frechet: try FeatureStatistics(bicubic.tensor()).frechetDistance(to: truth)),
            drawn: .init(
                psnr: errors.reduce(0) { $0 + $1.drawn } / count,
                frechet: try FeatureStatistics(drawn.tensor()).frechetDistance(to: truth)))
    }
}

/// What an `UpsamplerEvaluation` found.
public struct UpsamplerReport: Sendable, Hashable, Codable {
    public var model, judge, data: String
    public var seed: UInt64
    /// Pictures, and the tiles they were cut into.
    public var count, tiles: Int
    /// Of the large pictures, and of a small pixel in them.
    public var side, factor: Int
    public var bicubic, drawn: Quality

    public struct Quality: Sendable, Hashable, Codable {
        /// The mean of the pictures' peak signal-to-noise ratios, in decibels.
        public var psnr: Double
        /// Squared Fréchet distance between the tiles and the real ones, in the judge's embeddings.
        public var frechet: Double
    }

    /// As Markdown.
    public var markdown: String {
        let nearer = drawn.frechet > 0 ? (bicubic.frechet / drawn.frechet).formatted(2) : "–"
        return """
            # \(model): \(count) real scenes (\(data)) from \(side / factor) to \(side) pixels

            | | PSNR (dB) | Fréchet |
            | --- | ---: | ---: |
            | bicubic | \(bicubic.psnr.formatted(2)) | \(bicubic.frechet.formatted(4)) |
            | **model** | \(drawn.psnr.formatted(2)) | \(drawn.frechet.formatted(4)) |

            Nearer to real scenes than bicubic by a factor of \(nearer) in Fréchet distance (\(tiles) tiles, judge \(judge)); \
            \((drawn.psnr - bicubic.psnr).formatted(2)) dB of signal-to-noise ratio.

            """
    }
}
