import Models
import Tensors
import Testing

/// What tiles are cut and how they are joined, whatever network works on them. Agreement with diffusers stands in
/// CheckpointsTests.
struct TilingTests {
    static let tilings = [
        Tiling(side: 4, overlap: 0.25), Tiling(side: 5, overlap: 0.4), Tiling(side: 8, overlap: 0),
        Tiling(side: 6, overlap: 0.5), Tiling(side: 7, overlap: 0.25),
    ]
    static let sizes = [(1, 1), (4, 5), (9, 4), (8, 8), (13, 7), (16, 30), (25, 17), (3, 40)]

    /// The decoder is never asked for more than a tile, so its memory does not depend on the picture; and where each
    /// tile is a cut of one picture, the tiles give that picture.
    @Test(arguments: tilings)
    func tilesAreBoundedAndMakeTheWhole(tiling: Tiling) throws {
        let generator = try RandomGenerator(seed: 1)
        for (height, width) in Self.sizes {
            let latents = try Tensor.randn([2, 3, height, width], generator: generator)
            let grid = tiling.decoding(factor: 4)
            var largest = 0
            var asked = 0
            let picture = try grid.covers(latents) { tile in
                let shape = tile.shape
                largest = max(largest, shape[2], shape[3])
                asked += 1
                return try tile.resize(height: shape[2] * 4, width: shape[3] * 4, .nearest)
            }
            #expect(largest <= tiling.side)
            #expect((asked == 1) == (max(height, width) <= tiling.side))
            let whole = try latents.resize(height: height * 4, width: width * 4, .nearest)
            #expect(picture.shape == whole.shape)
            #expect(try relativeError(picture, whole) < 1e-6, "\(height) × \(width) in \(tiling)")
        }
    }

    /// The same for encoding, also where the factor does not divide a side: the rest gives no latent.
    @Test(arguments: tilings)
    func picturesAreCutAlike(tiling: Tiling) throws {
        let generator = try RandomGenerator(seed: 2)
        for (height, width) in Self.sizes {
            for rest in 0..<4 {
                let (tall, wide) = (height * 4 + rest, width * 4 + 3 - rest)
                let image = try Tensor.randn([1, 2, tall, wide], generator: generator)
                var largest = 0
                let latents = try tiling.encoding(factor: 4).covers(image) { tile in
                    largest = max(largest, tile.shape[2], tile.shape[3])
                    return try tile.averagePool(4)
                }
                #expect(largest <= tiling.side * 4)
                #expect(latents.shape == [1, 2, height, width])
                #expect(try relativeError(latents, image.averagePool(4)) < 1e-6, "\(tall) × \(wide) in \(tiling)")
            }
        }
    }

    @Test func memoryIsEstimatedAndDecides() throws {
        let configuration = PublishedAutoencoder.klF8.configuration
        let small = configuration.decodingBytes(height: 64, width: 64)
        let large = configuration.decodingBytes(height: 128, width: 128)
        #expect(large == 4 * small)
        // 256 channels at 512×512 come into the last level's first block: held, normalised, and through SiLU.
        #expect(small == 3 * 256 * 512 * 512 * 4)
        #expect(configuration.decodingBytes(height: 64, width: 64, dtype: .bfloat16, device: .cuda(0)) == small / 2)
        // Unfolded, the second of the three nine times.
        #expect(configuration.decodingBytes(height: 64, width: 64, dtype: .bfloat16) == (11 * 256 + 128) * 512 * 512 * 2)
        #expect(configuration.tiling == Tiling(side: 64))
        #expect(PublishedAutoencoder.stableDiffusionXL.configuration.tiling == Tiling(side: 128))
        // It fits; it does not; it hardly does.
        #expect(configuration.tiling(fitting: large, height: 128, width: 128) == nil)
        #expect(configuration.tiling(fitting: large - 1, height: 128, width: 128) == Tiling(side: 64))
        #expect(configuration.tiling(fitting: small - 1, height: 128, width: 128) == Tiling(side: 32))
        #expect(configuration.tiling(fitting: small - 1, height: 64, width: 64) == Tiling(side: 32))
        #expect(configuration.tiling(fitting: 0, height: 128, width: 128) == Tiling(side: 16))
    }
}
