internal import Foundation

/// How a picture's pixels are weighed into another size. All but `nearest` widen with the reduction, so that nothing
/// is skipped; they give what Pillow's filters of the same names give.
public enum ResamplingFilter: String, Sendable, CaseIterable {
    /// The one pixel nearest.
    case nearest
    /// The mean over the area a new pixel covers.
    case box
    /// A triangle; enlarging, this is bilinear interpolation with corners not aligned.
    case bilinear
    /// Catmull and Rom's cubic (a = −½).
    case bicubic
    /// A sinc windowed by a wider one, three lobes.
    case lanczos

    /// Half the width over which the kernel is not zero, in pixels; nil for `nearest`.
    var support: Double? {
        switch self {
        case .nearest: nil
        case .box: 0.5
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    func kernel(_ x: Double) -> Double {
        switch self {
        case .nearest, .box:
            return x > -0.5 && x <= 0.5 ? 1 : 0
        case .bilinear:
            return max(0, 1 - abs(x))
        case .bicubic:
            // Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, equation 15 with its a.
            let (x, a) = (abs(x), -0.5)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        case .lanczos:
            func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
            return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }
}

/// For each new pixel along one axis, which old ones enter, and by how much in fixed point.
struct ResamplingWeights {
    /// The binary places of a weight: 32 bits less eight of the sample less two for the kernels' overshoot.
    static let precision = 22

    let taps: Int
    /// First old pixel of each new one.
    let starts: [Int]
    /// How many old pixels enter each.
    let counts: [Int]
    /// `taps` a new pixel, of which the first `counts` are used.
    let values: [Int32]

    /// All old pixels that enter any new one.
    var needed: Range<Int> {
        let ends = zip(starts, counts).map { $0 + $1 }
        return (starts.min() ?? 0)..<(ends.max() ?? 0)
    }

    /// - Parameters:
    ///   - length: the number of old pixels.
    ///   - span: the part of them, from 0 to `length`, to become the new ones.
    ///   - target: the number of new pixels.
    init(_ filter: ResamplingFilter, support: Double, length: Int, span: Range<Double>, to target: Int) {
        let scale = (span.upperBound - span.lowerBound) / Double(target)
        let widening = max(scale, 1)
        let reach = support * widening
        let taps = Int(reach.rounded(.up)) * 2 + 1
        var starts: [Int] = []
        var counts: [Int] = []
        var values = [Int32](repeating: 0, count: target * taps)
        var weights = [Double](repeating: 0, count: taps)
        for index in 0..<target {
            let centre = span.lowerBound + (Double(index) + 0.5) * scale
            let start = max(Int(centre - reach + 0.5), 0)
            let count = min(Int(centre + reach + 0.5), length) - start
            var sum = 0.0
            for tap in 0..<count {
                weights[tap] = filter.kernel((Double(tap + start) - centre + 0.5) / widening)
                sum += weights[tap]
            }
            for tap in 0..<count {
                let scaled = (sum == 0 ? weights[tap] : weights[tap] / sum) * Double(1 << Self.precision)
                values[index * taps + tap] = Int32(scaled.rounded(.toNearestOrAwayFromZero))
            }
            starts.append(start)
            counts.append(count)
        }
        (self.taps, self.starts, self.counts, self.values) = (taps, starts, counts, values)
    }
}
