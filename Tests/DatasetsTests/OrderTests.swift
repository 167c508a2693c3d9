import Datasets
import Testing

@Suite struct OrderTests {
    @Test(arguments: [1, 2, 3, 7, 64, 65, 1000, 1323])
    func everyEpochIsAPermutation(count: Int) throws {
        let order = try ShuffledOrder(count: count, seed: 5)
        for epoch in 0..<3 {
            let elements = (0..<count).map { order.element(at: UInt64(epoch * count + $0)) }
            #expect(elements.map(\.index).sorted() == Array(0..<count))
            #expect(elements.allSatisfy { $0.epoch == epoch })
        }
    }

    @Test func epochsAndSeedsDiffer() throws {
        let order = try ShuffledOrder(count: 1000, seed: 5)
        let other = try ShuffledOrder(count: 1000, seed: 6)
        let first = (0..<1000).map { order.element(at: $0).index }
        #expect(first != (1000..<2000).map { order.element(at: $0).index })
        #expect(first != (0..<1000).map { other.element(at: $0).index })
        #expect(first != Array(0..<1000))
    }

    /// Of all orders of four, each comes up about as often: χ² with 23 degrees of freedom exceeds 60 in about one of
    /// 30,000 fair shuffles, and the seeds are fixed.
    @Test func ordersAreFair() throws {
        var counts: [[Int]: Int] = [:]
        let rounds = 4800
        let order = try ShuffledOrder(count: 4, seed: 77)
        for epoch in 0..<rounds {
            counts[(0..<4).map { order.element(at: UInt64(epoch * 4 + $0)).index }, default: 0] += 1
        }
        let expected = Double(rounds) / 24
        #expect(counts.count == 24)
        let chi = counts.values.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        #expect(chi < 60)
    }

    @Test func variationsBelongToSeedEpochAndIndex() throws {
        let order = try ShuffledOrder(count: 50, seed: 5)
        let all = (0..<500).map { order.element(at: $0).variation }
        #expect(Set(all).count == 500)
        #expect(try ShuffledOrder(count: 50, seed: 5).element(at: 321) == order.element(at: 321))
    }

    @Test func batchesAreSlicesOfTheOrder() throws {
        let order = try ShuffledOrder(count: 10, seed: 1)
        #expect(try order.batch(step: 3, size: 4) == (12..<16).map { order.element(at: $0) })
        #expect(throws: DatasetError.self) { try order.batch(step: -1, size: 4) }
        #expect(throws: DatasetError.self) { try order.batch(step: .max, size: 4) }
        #expect(throws: DatasetError.self) { try ShuffledOrder(count: 0, seed: 1) }
        #expect(throws: DatasetError.self) { try ShuffledOrder(count: 5, seed: 1, together: 0) }
        #expect(throws: DatasetError.self) { try ShuffledOrder(count: 5, seed: 1, together: 6) }
    }

    /// The published first numbers of SplitMix64 from seed 1234567.
    @Test func generatorIsSplitMix64() {
        var draws = SeededGenerator(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in draws.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    @Test(arguments: [(50, 7), (48, 16), (5, 5), (9, 1)]) func whatStandsTogetherComesTogether(count: Int, together: Int) throws {
        let order = try ShuffledOrder(count: count, seed: 5, together: together)
        let runs = count / together
        for epoch in 0..<3 {
            let indices = (0..<count).map { order.element(at: UInt64(epoch * count + $0)).index }
            #expect(Set(indices).count == count)
            for run in 0..<runs {
                let some = indices[run * together..<(run + 1) * together]
                #expect(some.first.map { $0 % together } == 0)
                #expect(zip(some, some.dropFirst()).allSatisfy { $1 == $0 + 1 })
            }
            #expect(Array(indices[(runs * together)...]) == Array(runs * together..<count))
        }
        guard runs > 3 else { return }
        func starts(_ epoch: Int) -> [Int] {
            (0..<runs).map { order.element(at: UInt64(epoch * count + $0 * together)).index }
        }
        #expect(starts(0) != starts(0).sorted() && starts(0) != starts(1))
    }
}
