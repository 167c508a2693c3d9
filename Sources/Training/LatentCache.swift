package import Datasets
internal import Foundation
internal import Images
package import Models
package import Tensors

/// Latents of pictures that come again and again, computed once: found by what stands in the picture, so that a picture
/// that is another than it was is never taken for it.
///
/// The file is a safetensors with `moments` [N, c or 2·c, h, w] and `keys` [N, 2]. What is not in it is computed anew, to
/// the same numbers.
package final class LatentCache {
    private let path: String?
    private var places: [Key: Int] = [:]
    private var moments: Tensor?
    /// Pictures encoded between two looks at whether to stop.
    private static let atATime = 16
    private static let largest = 8 << 30

    /// 128 bits of a picture.
    private struct Key: Hashable {
        let low, high: UInt64

        init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

        init(_ pixels: some Sequence<Float>) {
            var (low, high): (UInt64, UInt64) = (0x6C61_7465, 0x6E74_7321)
            for pixel in pixels {
                let bits = UInt64(pixel.bitPattern)
                low = SeededGenerator.mix(low ^ bits)
                high = SeededGenerator.mix(high &+ bits &* 0x9E37_79B9_7F4A_7C15)
            }
            self.init(low: low, high: high)
        }
    }

    /// - Parameter path: the file; what stands there is read. nil keeps latents in memory alone.
    package init(_ path: String?) throws {
        self.path = path
        guard let path, FileManager.default.fileExists(atPath: path) else { return }
        let archive = try TensorArchive.open(path)
        let keys = try archive.tensor("keys")
        let moments = try archive.tensor("moments").clone()
        guard keys.rank == 2, keys.shape[1] == 2, moments.rank == 4, moments.shape[0] == keys.shape[0] else {
            throw TrainingError.checkpoint(path, problem: "holds no latents and their keys; remove it")
        }
        let numbers = try keys.ints().map { UInt64(bitPattern: Int64($0)) }
        for place in 0..<keys.shape[0] { places[Key(low: numbers[2 * place], high: numbers[2 * place + 1])] = place }
        self.moments = moments
    }

    package var count: Int { places.count }

    /// Computes the latents of all of a set's pictures and writes them.
    ///
    /// - Parameter tolerance: the share of the set that may be unreadable; such pictures are left out.
    /// - Throws: `TrainingError.configuration` for a set too large to be kept; what the set throws, naming the file.
    package func fill(
        from data: any CaptionedPictures, preparation: Preparation, tolerance: Double = 0, autoencoder: Autoencoder,
        device: Device = .cpu, isStopped: () -> Bool, _ tell: (String) -> Void
    ) throws {
        let side = preparation.size / autoencoder.configuration.factor
        let numbers = 2 * autoencoder.configuration.latentChannels * side * side
        guard data.count <= Self.largest / (4 * numbers) else {
            throw TrainingError.configuration(
                key: "latent.caches", problem: "the latents of \(data.count) pictures take more than \(Self.largest >> 30) GiB")
        }
        (places, moments) = ([:], nil)
        var found: [Tensor] = []
        var keys: [Key] = []
        let limit = SkipLimit(tolerance, of: data.count)
        var unreadable = 0
        for start in stride(from: 0, to: data.count, by: Self.atATime) where !isStopped() {
            let rows = try (start..<min(start + Self.atATime, data.count)).compactMap { index in
                do {
                    return try preparation.picture(of: data.example(at: index, variation: 0), variation: 0).planes()
                } catch {
                    unreadable += 1
                    try limit.check(unreadable, last: error)
                    return nil
                }
            }
            guard !rows.isEmpty else { continue }
            let size = [rows.count, 3, preparation.size, preparation.size]
            let pictures = try Tensor(rows.flatMap { $0 }, shape: size).to(device: device)
            found.append(try withoutGradients { try autoencoder.encode(pictures).moments.to(device: .cpu) })
            keys += rows.map { Key($0) }
            if start / Self.atATime % 64 == 63 { tell("latents of \(keys.count) of \(data.count) pictures") }
        }
        guard !found.isEmpty else { return }
        let all = try Tensor.concatenate(found)
        moments = all
        for (place, key) in keys.enumerated() { places[key] = place }
        tell("latents of \(keys.count) pictures are computed" + (unreadable > 0 ? ", \(unreadable) were left out" : ""))
        guard let path else { return }
        let written = keys.flatMap { [Int(Int64(bitPattern: $0.low)), Int(Int64(bitPattern: $0.high))] }
        try Safetensors.write(
            [(name: "keys", value: Tensor(written, shape: [keys.count, 2])), (name: "moments", value: all)], to: path)
    }

    /// What the encoder says of pictures [N, 3, H, W] in −1…1, on the CPU.
    package func posterior(of pictures: Tensor, by autoencoder: Autoencoder, device: Device = .cpu) throws -> Posterior {
        let count = pictures.shape[0]
        let rows = try (0..<count).map { index in
            let picture = try pictures.rows(index..<index + 1)
            if let moments, let place = places[Key(try picture.floats())] {
                return try moments.rows(place..<place + 1).to(device: device)
            }
            return try withoutGradients { try autoencoder.encode(picture.to(device: device)).moments }
        }
        return try autoencoder.posterior(.concatenate(rows))
    }
}
