package import Datasets
internal import Foundation

/// The holes that inpainting is trained on: what is known of a picture and what is to be painted.
package enum ErasedRegion {
    /// Draws a mask: one or two rectangles, a few thick strokes, everything outside one rectangle, or, as often as
    /// `everything` says, all of the picture (Nichol et al. 2022, §4.1: "random regions of training examples are erased").
    ///
    /// - Parameter everything: a probability.
    /// - Returns: [side × side], row-major; 1 where the picture is known.
    package static func mask(side: Int, everything: Double, _ draws: inout SeededGenerator) -> [Float] {
        if draws.chance(everything) { return Array(repeating: 0, count: side * side) }
        var mask = Array(repeating: Float(1), count: side * side)
        switch draws.below(8) {
        case 0..<4: for _ in 0...draws.below(2) { fill(rectangle(side, 0.2...0.6, &draws), &mask, side, 0) }
        case 4:
            mask = Array(repeating: 0, count: side * side)
            fill(rectangle(side, 0.4...0.8, &draws), &mask, side, 1)
        default: for _ in 0...draws.below(3) { stroke(&mask, side, &draws) }
        }
        return mask
    }

    private typealias Rectangle = (x: Range<Int>, y: Range<Int>)

    /// - Parameter share: its sides, of the picture's.
    private static func rectangle(
        _ side: Int, _ share: ClosedRange<Double>, _ draws: inout SeededGenerator
    ) -> Rectangle {
        func range(_ draws: inout SeededGenerator) -> Range<Int> {
            let drawn = share.lowerBound + (share.upperBound - share.lowerBound) * draws.unit()
            let length = min(side, max(1, Int((drawn * Double(side)).rounded())))
            let start = draws.below(side - length + 1)
            return start..<start + length
        }
        let x = range(&draws)
        return (x, range(&draws))
    }

    private static func fill(_ rectangle: Rectangle, _ mask: inout [Float], _ side: Int, _ value: Float) {
        for y in rectangle.y { for x in rectangle.x { mask[y * side + x] = value } }
    }

    /// A brush drawn along three to six straight pieces.
    private static func stroke(_ mask: inout [Float], _ side: Int, _ draws: inout SeededGenerator) {
        let size = Double(side)
        let radius = size * (0.04 + 0.08 * draws.unit())
        var (x, y) = (size * draws.unit(), size * draws.unit())
        for _ in 0..<3 + draws.below(4) {
            let (angle, length) = (2 * Double.pi * draws.unit(), size * (0.1 + 0.2 * draws.unit()))
            let (endX, endY) = (x + length * cos(angle), y + length * sin(angle))
            let steps = max(1, Int(length / max(1, radius / 2)))
            for step in 0...steps {
                let share = Double(step) / Double(steps)
                dot(&mask, side, x + (endX - x) * share, y + (endY - y) * share, radius)
            }
            (x, y) = (min(max(endX, 0), size), min(max(endY, 0), size))
        }
    }

    private static func dot(_ mask: inout [Float], _ side: Int, _ x: Double, _ y: Double, _ radius: Double) {
        func range(_ centre: Double) -> Range<Int> {
            let first = min(side, max(0, Int((centre - radius).rounded(.up))))
            return first..<max(first, min(side, Int(centre + radius) + 1))
        }
        for row in range(y) {
            for column in range(x) {
                let (dx, dy) = (Double(column) - x, Double(row) - y)
                if dx * dx + dy * dy <= radius * radius { mask[row * side + column] = 0 }
            }
        }
    }
}
