/// The order in which a run sees its examples: every epoch a new permutation of the whole set, all of them pure
/// functions of the seed.
///
/// Nothing is stored and nothing advances. The element at a position is computed on its own, by a Feistel network over
/// the smallest even number of bits that holds the count, walked until it lands inside the set (Black and Rogaway,
/// "Ciphers with arbitrary finite domains", 2002). So the batch of step k depends on (seed, k, batch size) alone, and
/// a run resumes anywhere at no cost. A batch may straddle two epochs; none is cut short.
public struct ShuffledOrder: Sendable, Equatable {
    public struct Element: Sendable, Equatable {
        public let index: Int
        public let epoch: Int
        /// What varies about this example in this epoch, and only then.
        public let variation: UInt64
    }

    public let count: Int
    public let seed: UInt64
    /// How many examples that stand in a row come in a row: not single examples are shuffled but such runs of them.
    public let together: Int

    /// - Throws: `DatasetError.invalid` where the set is empty, or `together` is not 1 to its count.
    public init(count: Int, seed: UInt64, together: Int = 1) throws(DatasetError) {
        guard count > 0 else { throw .invalid("an order of no examples: the set is empty") }
        guard (1...count).contains(together) else {
            throw .invalid("\(together) of \(count) examples together: 1 to all are possible")
        }
        self.count = count
        self.seed = seed
        self.together = together
    }

    /// - Parameter position: examples seen before this one, 0 at the run's beginning.
    public func element(at position: UInt64) -> Element {
        let epoch = position / UInt64(count)
        let (place, together) = (position % UInt64(count), UInt64(together))
        let runs = UInt64(count) / together
        // What is left over where runs do not fill the set comes last.
        let index =
            place < runs * together ? permute(place / together, of: runs, epoch: epoch) * together + place % together : place
        var draws = SeededGenerator(seed, epoch, index)
        return Element(index: Int(index), epoch: Int(epoch), variation: draws.next())
    }

    /// The elements of one step's batch.
    /// - Parameter step: 0 at the run's beginning.
    /// - Throws: `DatasetError.invalid` for a negative step or a batch of none.
    public func batch(step: Int, size: Int) throws(DatasetError) -> [Element] {
        guard step >= 0, size > 0 else { throw .invalid("step \(step) of batches of \(size): neither can be negative") }
        let (start, overflow) = UInt64(step).multipliedReportingOverflow(by: UInt64(size))
        guard !overflow, start <= UInt64.max - UInt64(size) else {
            throw .invalid("step \(step) of batches of \(size) is beyond counting")
        }
        return (0..<UInt64(size)).map { element(at: start + $0) }
    }

    private static let rounds = 6

    private func permute(_ value: UInt64, of count: UInt64, epoch: UInt64) -> UInt64 {
        let bits = UInt64.bitWidth - max(count - 1, 1).leadingZeroBitCount
        let half = UInt64((bits + 1) / 2)
        let mask = (UInt64(1) << half) - 1
        let key = SeededGenerator.mix(seed ^ SeededGenerator.mix(epoch &+ 0x5851_F42D_4C95_7F2D))
        var value = value
        repeat {
            var left = value >> half
            var right = value & mask
            for round in 0..<UInt64(Self.rounds) {
                let scrambled = SeededGenerator.mix(right &+ SeededGenerator.mix(key &+ round)) & mask
                (left, right) = (right, left ^ scrambled)
            }
            value = left << half | right
        } while value >= count
        return value
    }
}
