internal import Foundation
public import Tensors

/// The unified predictor-corrector UniPC for the prediction of x₀ (Zhao et al. 2023, algorithms 7 and 8): each network
/// call first corrects the pictures it was made at, then predicts the next. Agrees with diffusers'
/// `UniPCMultistepScheduler`.
public struct UniPC: Sampler, Hashable {
    /// B(h), by which the corrections are weighed.
    public enum Weight: String, Sendable, Hashable {
        /// h.
        case bh1
        /// e^h − 1.
        case bh2
    }

    /// How many predictions count, 1 to 3.
    public let order: Int
    public var weight: Weight
    /// Whether fewer predictions count in the last steps; one alone in a step to the clean picture in any case.
    public var lowersOrderAtEnd: Bool
    /// Steps whose end is not corrected.
    public var uncorrected: Set<Int>

    public init(order: Int = 2, weight: Weight = .bh2, lowersOrderAtEnd: Bool = true, uncorrected: Set<Int> = []) {
        self.order = min(max(order, 1), 3)
        self.weight = weight
        self.lowersOrderAtEnd = lowersOrderAtEnd
        self.uncorrected = uncorrected
    }

    public var scaling: Scaling { .exploding }
    public var memory: Int { order }

    public func step(
        _ x: Tensor, _ moment: Moment, _ denoiser: Denoiser, noise: () throws -> Tensor
    ) throws -> Advance {
        let x0 = try denoiser.denoised(x, at: moment.from)
        let corrected = try corrected(x, x0, moment)
        let order = moment.endsClean ? 1 : order(of: moment.index, moment.trajectory.count)

        let way = Interval(from: moment.from.sigma, to: moment.to.sigma, weight)
        let ratios = moment.past.prefix(order - 1).map(way.ratio)
        let shares = order == 2 ? [0.5] : way.shares(ratios)
        var next = try corrected * way.shrinking - x0 * way.phi
        for (index, past) in moment.past.prefix(order - 1).enumerated() {
            next = try next - (past.x0 - x0) * (way.b * shares[index] / ratios[index])
        }
        return Advance(x: next, x0: x0, corrected: corrected)
    }

    /// UniC: the step before once more, with x₀ as it is predicted at its end.
    private func corrected(_ x: Tensor, _ x0: Tensor, _ moment: Moment) throws -> Tensor {
        guard let before = moment.past.first, !uncorrected.contains(moment.index - 1) else { return x }
        let order = order(of: moment.index - 1, moment.trajectory.count)
        let way = Interval(from: before.level.sigma, to: moment.from.sigma, weight)
        let earlier = moment.past.dropFirst().prefix(order - 1)
        let ratios = earlier.map(way.ratio)
        let shares = order == 1 ? [0.5] : way.shares(ratios + [1])
        var result = try before.x * way.shrinking - before.x0 * way.phi
        for (past, (share, ratio)) in zip(earlier, zip(shares, ratios)) {
            result = try result - (past.x0 - before.x0) * (way.b * share / ratio)
        }
        return try result - (x0 - before.x0) * (way.b * (shares.last ?? 0))
    }

    /// How many predictions a step has, and uses.
    private func order(of index: Int, _ count: Int) -> Int {
        min(order, index + 1, lowersOrderAtEnd ? count - index : order)
    }
}

/// One step from σ to a smaller one, in numbers. Here x is x₀ + σ · ε, so that the paper's α falls out of its formulas.
private struct Interval {
    let from: Double
    /// The step in λ = −log σ.
    let h: Double
    let shrinking: Double
    /// e^(−h) − 1.
    let phi: Double
    /// B(−h).
    let b: Double

    init(from: Double, to: Double, _ weight: UniPC.Weight) {
        self.from = from
        h = log(from / to)
        shrinking = to / from
        phi = expm1(-h)
        b = weight == .bh2 ? phi : -h
    }

    /// r: how far back an earlier prediction lies, in steps like this one; negative.
    func ratio(_ past: Moment.Past) -> Double { log(from / past.level.sigma) / h }

    /// ρ, which solves Σ_k r_k^(i−1) · ρ_k = i! · φ_{i+1}(−h) · (−h) / B(−h) for i = 1 … n.
    func shares(_ ratios: [Double]) -> [Double] {
        var (phiK, factorial) = (phi / -h - 1, 1.0)
        var rows: [[Double]] = []
        for i in 1..<ratios.count + 1 {
            rows.append(ratios.map { pow($0, Double(i - 1)) } + [phiK * factorial / b])
            factorial *= Double(i + 1)
            phiK = phiK / -h - 1 / factorial
        }
        return solved(rows)
    }

    /// Gauss and Jordan, for at most three unknowns; the last column is the right-hand side.
    private func solved(_ rows: [[Double]]) -> [Double] {
        var rows = rows
        for column in rows.indices {
            let pivot = rows.indices.dropFirst(column).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            let divisor = rows[column][column]
            rows[column] = rows[column].map { $0 / divisor }
            for row in rows.indices where row != column {
                let factor = rows[row][column]
                rows[row] = zip(rows[row], rows[column]).map { $0 - factor * $1 }
            }
        }
        return rows.map { $0.last ?? 0 }
    }
}
