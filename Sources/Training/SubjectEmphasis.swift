package import Datasets
package import Tensors

/// Lets the error on a caption's subjects count for a share of the whole, however small they are.
///
/// A subject of three latents' width is a thirtieth of a 16×16 picture, and of its gradient. Where the loss is
/// (1 − s) · mean over the picture + s · mean over its subjects, it is learned as a large one is. What is best to predict
/// at an element does not depend on how much the element counts: only what is learned first does.
package struct SubjectEmphasis {
    private let share: Double

    /// - Parameter share: s, from 0 to 1; at 0 there is no emphasis.
    package init?(share: Double) {
        guard share > 0 else { return nil }
        self.share = share
    }

    /// How much each element counts, [N, 1, side, side], of mean 1 for each example; 1 where nothing is known.
    /// - Parameter side: in pixels, or in latents.
    package func map(of regions: [[Region]], side: Int) throws -> Tensor {
        try Tensor(regions.flatMap { weights($0, side) }, shape: [regions.count, 1, side, side])
    }

    private func weights(_ regions: [Region], _ side: Int) -> [Float] {
        var covered = Array(repeating: 0.0, count: side * side)
        for region in regions {
            let columns = (0..<side).map { Self.overlap($0, side, region.x, region.width) }
            for row in 0..<side {
                let height = Self.overlap(row, side, region.y, region.height)
                guard height > 0 else { continue }
                for column in 0..<side {
                    let place = row * side + column
                    covered[place] = max(covered[place], height * columns[column])
                }
            }
        }
        let mean = covered.reduce(0, +) / Double(covered.count)
        guard mean > 0 else { return Array(repeating: 1, count: covered.count) }
        return covered.map { Float(1 - share + share * $0 / mean) }
    }

    /// The share of a cell that lies between `start` and `start + length`.
    private static func overlap(_ cell: Int, _ side: Int, _ start: Double, _ length: Double) -> Double {
        let (from, to) = (start * Double(side), (start + length) * Double(side))
        return max(0, min(to, Double(cell + 1)) - max(from, Double(cell)))
    }
}
