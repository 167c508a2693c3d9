/// How many of a set's pictures may be skipped because they cannot be read, before a run stops.
package struct SkipLimit: Sendable {
    let allowed: Int
    private let count: Int

    /// - Parameters:
    ///   - tolerance: the share of them, 0 to 1.
    ///   - count: of the set.
    package init(_ tolerance: Double, of count: Int) {
        allowed = Int(Double(count) * tolerance)
        self.count = count
    }

    /// - Throws: `error` itself where nothing may be skipped, `DatasetError.tooManyUnreadable` where so many are too many.
    package func check(_ skipped: Int, last error: any Error) throws {
        guard allowed > 0 else { throw error }
        guard skipped <= allowed else { throw tooMany(skipped, last: "\(error)") }
    }

    func tooMany(_ skipped: Int, last: String) -> DatasetError {
        .tooManyUnreadable(count: skipped, of: count, allowed: allowed, last: last)
    }
}
