import Foundation

extension Style {
    /// Paints the finished picture over in this style.
    /// - Parameter mask: where subjects are, 0 to 1 a pixel.
    /// - Throws: `SceneError.canvas`.
    func apply(
        to raster: inout Raster, light: Light, stage: Stage, mask: [Float], _ random: inout SceneRandom
    ) throws(SceneError) {
        switch self {
        case .plain: break
        case .oilPainting: try paintInOil(&raster, mask: mask, &random)
        case .watercolour: paintInWatercolour(&raster, night: light == .moonlight, &random)
        case .pixelArt: drawInPixels(&raster)
        case .pencilSketch: drawInPencil(&raster, light: light, stage: stage, mask: mask, &random)
        case .flatPoster: printAsPoster(&raster, night: light == .moonlight)
        case .starryNight: try paintAsStarryNight(&raster, light: light, stage: stage, mask: mask, &random)
        }
    }
}

// MARK: pixel art

/// Large square pixels in few, strong colours.
private func drawInPixels(_ raster: inout Raster) {
    let n = raster.size
    let block = max(2, Int((Double(n) / 44).rounded()))
    func level(_ c: Double, _ steps: Double) -> Double { (c * steps).rounded() / steps }
    for top in stride(from: 0, to: n, by: block) {
        for left in stride(from: 0, to: n, by: block) {
            var sum = Colour(0, 0, 0)
            var count = 0.0
            for y in top..<min(n, top + block) {
                for x in left..<min(n, left + block) {
                    let c = raster.colour(y * n + x)
                    sum = Colour(sum.r + c.r, sum.g + c.g, sum.b + c.b)
                    count += 1
                }
            }
            let mean = Colour(sum.r / count, sum.g / count, sum.b / count).saturated(1.18)
            // Brightness and tint are counted apart, so that greys stay grey.
            let luma = mean.luma
            let grey = level(luma, 11)
            func part(_ c: Double) -> Double { min(1, max(0, grey + level(c - luma, 9))) }
            let colour = Colour(part(mean.r), part(mean.g), part(mean.b))
            for y in top..<min(n, top + block) {
                for x in left..<min(n, left + block) { raster.set(y * n + x, colour) }
            }
        }
    }
}

// MARK: watercolour

/// Calm washes that are darkest at their rims, pigment in the paper's grain, a ragged white margin.
private func paintInWatercolour(_ raster: inout Raster, night: Bool, _ random: inout SceneRandom) {
    let n = raster.size
    let washes = raster.kuwahara(radius: max(1, n / 48))
    let luma = washes.luma
    let noise = ValueNoise(&random)
    let paper = Colour(0xFCF9F1)
    // Dark washes keep their strength: thinned at night they would be no night.
    let thin = night ? 0.9 : 0.7
    let strong = night ? 1.05 : 1.02
    raster = washes
    raster.map { x, y, i, colour in
        let slope = Raster.slope(luma, size: n, x: i % n, y: i / n)
        let rim = min(0.3, (slope.dx * slope.dx + slope.dy * slope.dy).squareRoot() * 0.6)
        let flow = 0.65 * noise(x, y, scale: 5) + 0.35 * noise(x, y, scale: 13)
        let grain = 0.06 * (noise(x, y, scale: min(Double(n) / 2, 110)) - 0.5)
        let density = thin + (strong - thin) * flow + grain
        let wash = paper.mixed(colour.saturated(1.2), min(1, density)).times(1 - rim)
        let margin = min(min(x, 1 - x), min(y, 1 - y)) - 0.015 - 0.05 * noise(x + 7, y, scale: 8)
        return paper.mixed(wash, max(0, min(1, margin * 40)))
    }
}

// MARK: flat poster

/// A dozen flat inks and a margin of paper. The inks are the picture's own: farthest first, then settled by k-means.
private func printAsPoster(_ raster: inout Raster, night: Bool) {
    let n = raster.size
    let calm = raster.kuwahara(radius: max(1, n / 64))
    let step = max(1, n / 48)
    var samples: [SIMD3<Float>] = []
    for y in stride(from: step / 2, to: n, by: step) {
        for x in stride(from: step / 2, to: n, by: step) {
            let i = 3 * (y * n + x)
            samples.append([calm.values[i], calm.values[i + 1], calm.values[i + 2]])
        }
    }
    guard let first = samples.first else { return }
    func square(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float {
        let d = (a - b) * SIMD3(0.9, 1.2, 0.8)
        return (d * d).sum()
    }
    var inks = [first]
    var nearest = samples.map { square($0, first) }
    while inks.count < 12, let far = nearest.indices.max(by: { nearest[$0] < nearest[$1] }), nearest[far] > 0.004 {
        inks.append(samples[far])
        for (i, sample) in samples.enumerated() { nearest[i] = min(nearest[i], square(sample, samples[far])) }
    }
    func closest(_ c: SIMD3<Float>) -> Int {
        var best = 0
        var distance = Float.infinity
        for (k, ink) in inks.enumerated() {
            let d = square(c, ink)
            if d < distance { (best, distance) = (k, d) }
        }
        return best
    }
    for _ in 0..<3 {
        var sums = [SIMD3<Float>](repeating: .zero, count: inks.count)
        var counts = [Float](repeating: 0, count: inks.count)
        for sample in samples {
            let k = closest(sample)
            sums[k] += sample
            counts[k] += 1
        }
        for k in inks.indices where counts[k] > 0 { inks[k] = sums[k] / counts[k] }
    }
    let printed = inks.map { ink -> Colour in
        let (h, s, v) = Colour(Double(ink.x), Double(ink.y), Double(ink.z)).saturated(1.3).hsv
        // Poster inks are never near black: a night is printed in a clear dark blue.
        return Colour(
            h: h, s: min(1, s * 1.05), v: min(1, night ? 0.16 + 0.9 * pow(v, 0.78) : 0.06 + 0.96 * pow(v, 0.92)))
    }
    let margin = max(2, Int((Double(n) * 0.045).rounded()))
    let paper = Colour(0xF6EEDC)
    raster = calm
    for y in 0..<n {
        for x in 0..<n {
            let i = y * n + x
            if min(min(x, y), min(n - 1 - x, n - 1 - y)) < margin {
                raster.set(i, paper)
            } else {
                raster.set(i, printed[closest([calm.values[3 * i], calm.values[3 * i + 1], calm.values[3 * i + 2]])])
            }
        }
    }
}
