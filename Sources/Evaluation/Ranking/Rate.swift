/// How often something was right.
public struct Rate: Sendable, Hashable, Codable {
    /// May be a fraction: among captions that a judge cannot tell apart, each counts as its part.
    public var right: Double
    public var count: Int

    public init(right: Double, of count: Int) {
        self.right = right
        self.count = count
    }

    /// - Parameter credits: 0 to 1 each.
    init(_ credits: [Double]) { self.init(right: credits.reduce(0, +), of: credits.count) }

    /// 0 to 1; 0 of nothing.
    public var value: Double { count > 0 ? right / Double(count) : 0 }

    /// Wilson's interval of 95 % (Wilson 1927): where the rate of many more pictures would lie.
    public var interval: ClosedRange<Double> {
        guard count > 0 else { return 0...1 }
        let (n, z) = (Double(count), 1.959_963_984_540_054)
        let middle = (value + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot()
        return max(0, middle - half)...min(1, middle + half)
    }

    static func + (a: Rate, b: Rate) -> Rate { Rate(right: a.right + b.right, of: a.count + b.count) }
}
