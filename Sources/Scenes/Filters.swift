/// The filters that styles are made of.
extension Raster {
    /// Kuwahara's edge-keeping smoother (1976): every pixel takes the mean of the calmest of the four squares that it
    /// is a corner of. By summed-area tables, so that the cost does not grow with the radius.
    func kuwahara(radius: Int) -> Raster {
        let n = size
        let w = n + 1
        // Four sums a corner: red, green, blue, luma squared; luma itself follows from the colours.
        var sums = [Double](repeating: 0, count: w * w * 4)
        for y in 0..<n {
            var row = (0.0, 0.0, 0.0, 0.0)
            for x in 0..<n {
                let i = (y * n + x) * 3
                let r = Double(values[i])
                let g = Double(values[i + 1])
                let b = Double(values[i + 2])
                let l = 0.299 * r + 0.587 * g + 0.114 * b
                row = (row.0 + r, row.1 + g, row.2 + b, row.3 + l * l)
                let above = (y * w + x + 1) * 4
                let here = ((y + 1) * w + x + 1) * 4
                sums[here] = sums[above] + row.0
                sums[here + 1] = sums[above + 1] + row.1
                sums[here + 2] = sums[above + 2] + row.2
                sums[here + 3] = sums[above + 3] + row.3
            }
        }
        var result = self
        sums.withUnsafeBufferPointer { sums in
            for y in 0..<n {
                for x in 0..<n {
                    var calmest = Double.infinity
                    for (x0, x1) in [(max(0, x - radius), x), (x, min(n - 1, x + radius))] {
                        for (y0, y1) in [(max(0, y - radius), y), (y, min(n - 1, y + radius))] {
                            let a = (y0 * w + x0) * 4
                            let b = (y0 * w + x1 + 1) * 4
                            let c = ((y1 + 1) * w + x0) * 4
                            let d = ((y1 + 1) * w + x1 + 1) * 4
                            let area = Double((x1 - x0 + 1) * (y1 - y0 + 1))
                            let red = (sums[d] - sums[b] - sums[c] + sums[a]) / area
                            let green = (sums[d + 1] - sums[b + 1] - sums[c + 1] + sums[a + 1]) / area
                            let blue = (sums[d + 2] - sums[b + 2] - sums[c + 2] + sums[a + 2]) / area
                            let square = (sums[d + 3] - sums[b + 3] - sums[c + 3] + sums[a + 3]) / area
                            let luma = 0.299 * red + 0.587 * green + 0.114 * blue
                            let variance = square - luma * luma
                            if variance < calmest {
                                calmest = variance
                                let i = (y * n + x) * 3
                                result.values[i] = Float(red)
                                result.values[i + 1] = Float(green)
                                result.values[i + 2] = Float(blue)
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// Three box blurs of one plane, close to a Gaussian.
    static func blurred(_ plane: [Float], size n: Int, radius: Int) -> [Float] {
        guard radius > 0 else { return plane }
        var plane = plane
        var line = [Float](repeating: 0, count: n)
        func pass(_ start: Int, _ step: Int) {
            var sum: Float = 0
            func at(_ k: Int) -> Float { plane[start + max(0, min(n - 1, k)) * step] }
            for k in -radius...radius { sum += at(k) }
            for k in 0..<n {
                line[k] = sum / Float(2 * radius + 1)
                sum += at(k + radius + 1) - at(k - radius)
            }
            for k in 0..<n { plane[start + k * step] = line[k] }
        }
        for _ in 0..<3 {
            for y in 0..<n { pass(y * n, 1) }
            for x in 0..<n { pass(x, n) }
        }
        return plane
    }

    /// Horizontal and vertical slope of a plane at a pixel (Sobel without its scale).
    static func slope(_ plane: [Float], size n: Int, x: Int, y: Int) -> (dx: Double, dy: Double) {
        let l = max(0, x - 1)
        let r = min(n - 1, x + 1)
        let t = max(0, y - 1)
        let b = min(n - 1, y + 1)
        return (Double(plane[y * n + r] - plane[y * n + l]), Double(plane[b * n + x] - plane[t * n + x]))
    }

    /// Changes every pixel by its place in the unit square.
    mutating func map(_ change: (_ x: Double, _ y: Double, _ i: Int, _ colour: Colour) -> Colour) {
        for y in 0..<size {
            for x in 0..<size {
                let i = y * size + x
                set(i, change((Double(x) + 0.5) / Double(size), (Double(y) + 0.5) / Double(size), i, colour(i)))
            }
        }
    }
}

/// Smooth noise from 0 to 1 over the plane: random values on a lattice, eased between.
struct ValueNoise {
    private let key: UInt64

    init(_ random: inout SceneRandom) { key = random.next() }

    /// - Parameter scale: lattice points a unit.
    func callAsFunction(_ x: Double, _ y: Double, scale: Double) -> Double {
        let u = x * scale
        let v = y * scale
        let i = u.rounded(.down)
        let j = v.rounded(.down)
        func at(_ i: Double, _ j: Double) -> Double {
            Double(mix64(key ^ UInt64(bitPattern: Int64(i) &* 73_856_093 ^ Int64(j) &* 19_349_663)) >> 11) * 0x1p-53
        }
        func ease(_ t: Double) -> Double { t * t * (3 - 2 * t) }
        let s = ease(u - i)
        let t = ease(v - j)
        let top = at(i, j) + (at(i + 1, j) - at(i, j)) * s
        let bottom = at(i, j + 1) + (at(i + 1, j + 1) - at(i, j + 1)) * s
        return top + (bottom - top) * t
    }
}
