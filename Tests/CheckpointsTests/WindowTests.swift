import Checkpoints
import Models
import Tensors
import Testing

/// Pictures larger than a network was trained on, seen through windows.
struct WindowTests {
    @Test(arguments: [(64, 8), (100, 4), (65, 1), (256, 32)])
    func windowsCoverEverything(length: Int, grid: Int) {
        let windows = Windows(side: 64, grid: grid)
        let starts = windows.starts(length / grid * grid)
        #expect(starts.first == 0 && starts.allSatisfy { $0 % grid == 0 })
        #expect(starts.last == max(0, length / grid * grid - 64))
        for (one, next) in zip(starts, starts.dropFirst()) { #expect(next > one && next - one <= 48 + grid) }
    }

    /// Windows that begin at multiples of more than is left over reach to the edge, too.
    @Test func theLastWindowReachesTheEdge() throws {
        #expect(Windows(side: 64, grid: 32).starts(72) == [0, 8])
        let answer = try Windows(side: 16, grid: 16).blended(.ones([1, 1, 16, 20])) { _, _, part in part }
        #expect(try (answer - 1).abs().max().item() < 1e-5)
    }

    /// The least common multiple of a small pixel and a cell of the coarsest level.
    @Test(arguments: [(8, 8), (4, 4), (2, 4), (1, 4), (3, 12)]) func windowsBeginOnBothGrids(upscaling: Int, grid: Int) {
        var model = GLIDELayout.published(.upsampler())
        model.network.unet.levels = Array(model.network.unet.levels.prefix(3))
        model.upscaling = upscaling
        #expect(model.sizeMultiple == 4 && model.windowGrid == grid)
    }

    /// What depends on each pixel alone is the same through windows as at once.
    @Test func pointwiseAnswersAreKept() throws {
        let x = try Tensor.randn([2, 3, 40, 56], generator: RandomGenerator(seed: 3))
        var seen = 0
        let answer = try Windows(side: 16, grid: 4).blended(x) { _, _, part in
            seen += 1
            #expect(part.shape == [2, 3, 16, 16])
            return try part * part + 1
        }
        #expect(seen > 6)
        let difference = try (answer - (x * x + 1)).abs().max().item()
        #expect(difference < 1e-5)
    }

    /// Two windows that disagree are blended, from the one to the other, without a jump.
    @Test func seamsAreBlended() throws {
        let x = try Tensor.zeros([1, 1, 16, 28])
        let answer = try Windows(side: 16, grid: 4).blended(x) { _, left, part in try part + Double(left) }
        let row = Array(try answer.floats().prefix(28))
        #expect(row[0] == 0 && abs(row[27] - 12) < 1e-5)
        #expect(zip(row, row.dropFirst()).allSatisfy { $1 >= $0 - 1e-5 && $1 - $0 < 6 })
    }

    @Test func conditionsAreCutAlike() throws {
        let small = try Tensor.arange(64, dtype: .float32).reshape([1, 1, 8, 8])
        let cut = try GLIDE.Conditions(lowResolution: small).window(top: 8, left: 16, of: (32, 32), seeing: (16, 8))
        #expect(try cut.lowResolution?.floats() == [20, 21, 28, 29, 36, 37, 44, 45].map(Float.init))
    }
}
