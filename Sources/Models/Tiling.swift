package import Tensors

/// Square tiles that overlap, whose seams are blended: how an autoencoder takes pictures that would not fit into memory
/// (diffusers `AutoencoderKL.tiled_decode`).
public struct Tiling: Codable, Sendable, Equatable {
    /// The side of a tile, in pixels of the latents.
    public var side: Int
    /// The part of a side that neighbours share, 0 to ½.
    public var overlap: Double

    public init(side: Int = 64, overlap: Double = 0.25) {
        self.side = side
        self.overlap = overlap
    }

    /// - Throws: `ConfigurationError`.
    public func validate() throws {
        guard (2...65_536).contains(side) else {
            throw ConfigurationError("a tile must be 2 to 65,536 latent pixels a side, not \(side)")
        }
        guard (0...0.5).contains(overlap) else {
            throw ConfigurationError("tiles must overlap by 0 to 0.5 of their sides, not \(overlap)")
        }
    }

    /// From one tile's beginning to the next one's, in pixels of the latents.
    var stride: Int { max(1, Int(Double(side) * (1 - overlap))) }

    package func decoding(factor: Int) -> TileGrid {
        TileGrid(side: side, stride: stride, kept: stride * factor, blended: (side - stride) * factor, least: 1)
    }

    package func encoding(factor: Int) -> TileGrid {
        TileGrid(side: side * factor, stride: stride * factor, kept: stride, blended: side - stride, least: factor)
    }
}

/// Where the tiles lie in what goes in, and how what comes out is put together.
package struct TileGrid {
    /// Of what goes in.
    let side, stride: Int
    /// Of what comes out: what a tile adds to the picture, and how far it fades into its neighbour.
    let kept, blended: Int
    /// A last tile thinner than this gives nothing.
    let least: Int

    /// - Parameters:
    ///   - x: [N, C, H, W].
    ///   - body: of a tile [N, C, up to `side`, up to `side`].
    /// - Returns: the body's answers as one picture.
    package func covers(_ x: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
        let (height, width) = (x.shape[2], x.shape[3])
        if height <= side && width <= side { return try body(x) }
        var rows: [Tensor] = []
        // The edges of the tiles above, already blended: all that a row needs of the one before.
        var above: [Tensor] = []
        for top in starts(height) {
            let band = try x.narrow(2, start: top, length: min(side, height - top))
            var row: [Tensor] = []
            var bottoms: [Tensor] = []
            var left: Tensor?
            for (column, start) in starts(width).enumerated() {
                var tile = try body(band.narrow(3, start: start, length: min(side, width - start)))
                if column < above.count { tile = try fade(above[column], into: tile, dim: 2) }
                if let left { tile = try fade(left, into: tile, dim: 3) }
                // Copies, so that no edge keeps its whole tile alive.
                left = try edge(tile, dim: 3).clone()
                bottoms.append(try edge(tile, dim: 2).clone())
                row.append(
                    try tile.narrow(2, start: 0, length: min(kept, tile.size(2)))
                        .narrow(3, start: 0, length: min(kept, tile.size(3))))
            }
            rows.append(try .concatenate(row, dim: 3))
            above = bottoms
        }
        return try .concatenate(rows, dim: 2)
    }

    private func starts(_ length: Int) -> [Int] {
        Swift.stride(from: 0, to: length, by: stride).filter { length - $0 >= least }
    }

    /// The last `blended` pixels.
    private func edge(_ tile: Tensor, dim: Int) throws -> Tensor {
        let length = try tile.size(dim)
        let part = min(blended, length)
        return try tile.narrow(dim, start: length - part, length: part)
    }

    /// Over the pixels that two neighbours share, from the one before to this one, linearly.
    private func fade(_ before: Tensor, into tile: Tensor, dim: Int) throws -> Tensor {
        let (had, length) = (try before.size(dim), try tile.size(dim))
        let part = min(had, length, blended)
        if part == 0 { return tile }
        var shape = [1, 1, 1, 1]
        shape[dim] = part
        let weight = try (Tensor.arange(Double(part), dtype: .float32) / Double(part)).reshape(shape).to(like: tile)
        let shared = try before.narrow(dim, start: had - part, length: part) * (1 - weight)
            + tile.narrow(dim, start: 0, length: part) * weight
        return try .concatenate([shared, tile.narrow(dim, start: part, length: length - part)], dim: dim)
    }
}
