import ArgumentParser

/// - Throws: `ValidationError`, naming the first option whose number lies outside its range.
func checkRanges(_ options: [(name: String, value: Int, range: ClosedRange<Int>)]) throws {
    for (name, value, range) in options where !range.contains(value) {
        throw ValidationError("\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound).")
    }
}
