/// The random numbers of one scene: SplitMix64 (Steele, Lea and Flood 2014), keyed by (seed, index, stream).
///
/// Streams keep what is drawn apart from where it stands: a change in how clouds are drawn moves no subject.
struct SceneRandom {
    enum Stream: UInt64 {
        case composition = 1
        case caption, scenery, subjects, style, setting
    }

    private var state: UInt64

    init(seed: UInt64, index: Int, stream: Stream) {
        state = mix64(mix64(seed &+ 0x9E37_79B9_7F4A_7C15) ^ UInt64(bitPattern: Int64(index)))
        state = mix64(state ^ (stream.rawValue &* 0xD134_2543_DE82_EF95))
    }

    init(state: UInt64) { self.state = state }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix64(state)
    }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in [low, high).
    mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * unit() }

    mutating func uniform(_ range: ClosedRange<Double>) -> Double { uniform(range.lowerBound, range.upperBound) }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// Uniform in 0 ..< count; 0 where count is not positive.
    mutating func below(_ count: Int) -> Int {
        count > 1 ? Int(next().multipliedFullWidth(by: UInt64(count)).high) : 0
    }

    mutating func pick<T>(_ items: [T]) -> T? { items.isEmpty ? nil : items[below(items.count)] }

    /// An index drawn in proportion to its weight.
    mutating func weighted(_ weights: [Double]) -> Int {
        var left = unit() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return index }
        }
        return weights.lastIndex { $0 > 0 } ?? 0
    }

    mutating func shuffled<T>(_ items: [T]) -> [T] {
        var items = items
        for i in items.indices.dropFirst().reversed() { items.swapAt(i, below(i + 1)) }
        return items
    }
}

/// SplitMix64's finaliser: a bijection that scatters every bit.
func mix64(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
