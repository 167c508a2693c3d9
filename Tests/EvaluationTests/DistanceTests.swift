import Evaluation
import Foundation
import Tensors
import Testing

@Suite struct DistanceTests {
    struct Golden: Decodable {
        struct Part: Decodable { let x, y: [Int] }
        let width: Int
        let x, y: [Float]
        let frechet, discrepancy: Double
        let parts: [Part]
        let kernel: KernelDistance

        func features() throws -> (Tensor, Tensor) {
            (try Tensor(x, shape: [x.count / width, width]), try Tensor(y, shape: [y.count / width, width]))
        }
    }

    private static let golden: [String: Golden] = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/evaluation/distances.json")
        return (try? JSONDecoder().decode([String: Golden].self, from: Data(contentsOf: path))) ?? [:]
    }()

    private func normal(_ count: Int, _ width: Int, seed: UInt64) throws -> Tensor {
        try .randn([count, width], dtype: .float64, generator: RandomGenerator(seed: seed))
    }

    @Test(arguments: ["many", "few", "two"]) func agreesWithScipy(name: String) throws {
        let golden = try #require(Self.golden[name])
        let (x, y) = try golden.features()
        let frechet = try FeatureStatistics(x).frechetDistance(to: FeatureStatistics(y))
        #expect(abs(frechet - golden.frechet) < 1e-6 * max(1, golden.frechet), "\(frechet) is not \(golden.frechet)")
        let discrepancy = try KernelDistance.squaredDiscrepancy(x, y)
        #expect(abs(discrepancy - golden.discrepancy) < 1e-12)
        let kernel = try KernelDistance(x, y, parts: golden.parts.map { ($0.x, $0.y) })
        #expect(abs(kernel.value - golden.kernel.value) < 1e-12)
        #expect(abs(kernel.error - golden.kernel.error) < 1e-9)
    }

    @Test func equalSetsAreAtNoDistance() throws {
        let x = try normal(40, 16, seed: 1)
        let own = try FeatureStatistics(x)
        #expect(abs(try own.frechetDistance(to: own)) < 1e-9)
        let few = try FeatureStatistics(normal(3, 16, seed: 1))
        #expect(abs(try few.frechetDistance(to: few)) < 1e-6)
    }

    /// N(μ, s²Σ) against N(0, Σ) is |μ|² + (s − 1)² tr Σ; both sets have exactly these moments.
    @Test func shiftedAndScaledSetsHaveTheClosedForm() throws {
        let x = try normal(60, 5, seed: 2)
        let centred = try x - x.mean([0])
        let shift = try Tensor([0.5, -1, 0, 2, 0.25] as [Double])
        let y = try centred * 3 + shift
        let one = try FeatureStatistics(centred)
        let trace = try one.covariance.doubles().enumerated().reduce(0) { $0 + ($1.offset % 6 == 0 ? $1.element : 0) }
        let expected = 0.25 + 1 + 4 + 0.0625 + 4 * trace
        #expect(abs(try one.frechetDistance(to: FeatureStatistics(y)) - expected) < 1e-8)
        #expect(abs(try FeatureStatistics(y).frechetDistance(to: one) - expected) < 1e-8)
    }

    /// Between diagonal covariances: Σ (√a − √b)².
    @Test func differentShapesHaveTheClosedForm() throws {
        // Rows ±e_k in three dimensions have the mean 0 and the covariance (2/5) I.
        var rows = [Double](repeating: 0, count: 18)
        for row in 0..<6 { rows[row * 3 + row / 2] = row % 2 == 0 ? 1 : -1 }
        let x = try Tensor(rows, shape: [6, 3])
        let y = try x * Tensor([1, 2, 4] as [Double])
        let variance = 2.0 / 5
        let expected = variance * (0 + 1 + 9)
        #expect(abs(try FeatureStatistics(x).frechetDistance(to: FeatureStatistics(y)) - expected) < 1e-12)
    }

    @Test func kernelDistanceHasNoBias() throws {
        // Two sets of one distribution: 0 within a few standard errors, whatever the size; another is far away.
        for count in [20, 200] {
            let same = try KernelDistance(normal(count, 8, seed: 3), normal(count, 8, seed: 4), seed: 1)
            #expect(abs(same.value) < 0.15, "\(count): \(same)")
            let far = try KernelDistance(normal(count, 8, seed: 3), normal(count, 8, seed: 4) + 1, seed: 1)
            #expect(far.value > 1 && far.value > 10 * far.error, "\(count): \(far)")
        }
        let (x, y) = (try normal(30, 4, seed: 5), try normal(30, 4, seed: 6))
        #expect(try KernelDistance(x, y, seed: 1) == KernelDistance(x, y, seed: 1))
        #expect(try KernelDistance(x, y, seed: 1) != KernelDistance(x, y, seed: 2))
    }

    @Test func tooFewFeaturesAreRefused() throws {
        let one = try normal(1, 4, seed: 1)
        let two = try normal(2, 4, seed: 1)
        let wide = try normal(2, 5, seed: 1)
        #expect(throws: EvaluationError.self) { try FeatureStatistics(one) }
        #expect(throws: EvaluationError.self) { try KernelDistance.squaredDiscrepancy(one, two) }
        #expect(throws: EvaluationError.self) { try KernelDistance.squaredDiscrepancy(wide, two) }
        #expect(throws: EvaluationError.self) { try FeatureStatistics(two).frechetDistance(to: FeatureStatistics(wide)) }
    }
}
