internal import Datasets
public import Tensors

/// How far two sets of features are from each other by a kernel: the squared maximum mean discrepancy with the polynomial
/// kernel (x·y / width + 1)³, without bias (Bińkowski et al. 2018, "KID").
///
/// Unlike the Fréchet distance its expectation does not depend on how many pictures there are; it may come out below 0.
public struct KernelDistance: Sendable, Hashable, Codable {
    /// The mean over the subsets.
    public var value: Double
    /// Standard error of that mean: the subsets' deviation over the root of their number.
    public var error: Double

    /// - Parameters:
    ///   - x, y: [N, width] and [M, width], at least two rows each.
    ///   - subsets: how often a part of both is drawn, without putting back.
    ///   - size: rows of a part; half of the smaller set, at most 1,000, unless given.
    ///   - seed: of the parts.
    public init(_ x: Tensor, _ y: Tensor, subsets: Int = 100, size: Int? = nil, seed: UInt64 = 0) throws {
        let smaller = try min(x.size(0), y.size(0))
        let size = min(max(2, size ?? min(1000, smaller / 2)), smaller)
        var random = SeededGenerator(seed, 0x4B49_44)
        func part(of count: Int) -> [Int] {
            var rows = Array(0..<count)
            for place in 0..<min(size, count) { rows.swapAt(place, place + random.below(count - place)) }
            return Array(rows.prefix(size))
        }
        let (rows, others) = try (x.size(0), y.size(0))
        let parts = (0..<max(1, subsets)).map { _ in (part(of: rows), part(of: others)) }
        try self.init(x, y, parts: parts)
    }

    /// - Parameter parts: rows of x and as many of y, for each subset.
    public init(_ x: Tensor, _ y: Tensor, parts: [(x: [Int], y: [Int])]) throws {
        let (x, y) = try (x.to(.float64, device: .cpu), y.to(.float64, device: .cpu))
        let estimates = try parts.map { part in
            try Self.squaredDiscrepancy(
                x.indexSelect(0, Tensor(part.x)), y.indexSelect(0, Tensor(part.y)))
        }
        guard !estimates.isEmpty else { throw EvaluationError.tooFew("no subset", expected: "at least one") }
        let count = Double(estimates.count)
        let mean = estimates.reduce(0, +) / count
        let squares = estimates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        value = mean
        error = estimates.count > 1 ? (squares / (count - 1) / count).squareRoot() : 0
    }

    /// MMD² of all rows, without bias.
    public static func squaredDiscrepancy(_ x: Tensor, _ y: Tensor) throws -> Double {
        let (x, y) = try (x.to(.float64, device: .cpu), y.to(.float64, device: .cpu))
        guard x.rank == 2, y.rank == 2, x.shape[1] == y.shape[1], x.shape[0] >= 2, y.shape[0] >= 2 else {
            throw EvaluationError.tooFew(
                "features of shapes \(x.shape) and \(y.shape)", expected: "[N, width] and [M, width] with two rows or more")
        }
        let width = Double(x.shape[1])
        func kernel(_ a: Tensor, _ b: Tensor) throws -> Tensor {
            try (a.matmul(b.transpose(0, 1)) / width + 1).power(3)
        }
        /// The mean over pairs of different rows.
        func within(_ a: Tensor) throws -> Double {
            let count = Double(a.shape[0])
            let own = try (a.square().sum([1]) / width + 1).power(3).sum().item()
            return try (kernel(a, a).sum().item() - own) / (count * (count - 1))
        }
        return try within(x) + within(y) - 2 * kernel(x, y).mean().item()
    }
}
