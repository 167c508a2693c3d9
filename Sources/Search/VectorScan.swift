internal import CVectors
internal import Dispatch

/// Finds the rows most like a query among any number, exactly: the likeness of two embeddings is their product.
///
/// Every row's codes bound its likeness from both sides. What cannot be among the `count` nearest, because as many others
/// are certainly nearer, is left out; of the rest, the most promising first, likeness is computed in double precision
/// from the embeddings themselves, until nothing that is left can be nearer.
struct VectorScan {
    /// Float32 numbers, `rows` × `width`.
    let vectors: UnsafeRawBufferPointer
    /// `rows` rows as `VectorCodes` makes them.
    let codes: UnsafeRawBufferPointer
    let rows: Int
    let width: Int

    struct Neighbour: Equatable {
        var row: Int
        var likeness: Double
    }

    /// What is left over where codes and embeddings of a row contradict each other.
    struct Contradiction: Error { var row: Int }

    /// - Returns: the nearest first; rows of equal likeness in their order.
    /// - Throws: `Contradiction`.
    func nearest(to query: VectorQuery, count wanted: Int, threads: Int) throws(Contradiction) -> [Neighbour] {
        let wanted = min(wanted, rows)
        guard wanted > 0 else { return [] }
        let bounds = Bounds(rows: rows)
        defer { bounds.free() }
        let floor = bound(query, bounds, wanted, threads: threads)

        var candidates: [Int] = []
        for row in 0..<rows where bounds.upper[row] >= floor { candidates.append(row) }
        candidates.sort { (bounds.upper[$1], $0) < (bounds.upper[$0], $1) }

        var found: [Neighbour] = []
        for row in candidates {
            if found.count == wanted, Double(bounds.upper[row]) < found[wanted - 1].likeness { break }
            let neighbour = Neighbour(row: row, likeness: try likeness(row, query, bounds))
            insert(neighbour, into: &found)
            if found.count > wanted { found.removeLast() }
        }
        return found
    }

    /// To its place among those that are ordered already.
    private func insert(_ neighbour: Neighbour, into found: inout [Neighbour]) {
        var (low, high) = (0, found.count)
        while low < high {
            let middle = (low + high) / 2
            let other = found[middle]
            let isNearer =
                neighbour.likeness > other.likeness || neighbour.likeness == other.likeness && neighbour.row < other.row
            if isNearer { high = middle } else { low = middle + 1 }
        }
        found.insert(neighbour, at: low)
    }

    /// The product in double precision, held against its bounds.
    private func likeness(_ row: Int, _ query: VectorQuery, _ bounds: Bounds) throws(Contradiction) -> Double {
        var sum = 0.0
        let start = row * width * 4
        query.values.withUnsafeBufferPointer { query in
            for index in 0..<width {
                sum += Double(vectors.load(fromByteOffset: start + index * 4, as: Float.self)) * query[index]
            }
        }
        let (lower, upper) = (bounds.lower[row], bounds.upper[row])
        guard lower.isFinite, upper.isFinite, sum >= Double(lower), sum <= Double(upper), abs(sum) < 1.01 else {
            throw Contradiction(row: row)
        }
        return sum
    }

    /// Bounds all rows, on several threads.
    /// - Returns: what the `wanted`-th nearest row is at least.
    private func bound(_ query: VectorQuery, _ bounds: Bounds, _ wanted: Int, threads: Int) -> Float {
        // Pieces of some hundred kilobytes, of which a thread that is ahead takes more.
        let piece = max(1, (1 << 18) / VectorCodes.rowBytes(width))
        let pieces = (rows + piece - 1) / piece
        let workers = max(1, min(threads, pieces))
        var largest = Array(repeating: Largest(wanted), count: workers)
        largest.withUnsafeMutableBufferPointer { largest in
            nonisolated(unsafe) let scan = self
            nonisolated(unsafe) let largest = largest
            query.codes.withUnsafeBufferPointer { codes in
                nonisolated(unsafe) let codes = codes
                DispatchQueue.concurrentPerform(iterations: workers) { worker in
                    var own = Largest(wanted)
                    for number in stride(from: worker, to: pieces, by: workers) {
                        let start = number * piece
                        let count = min(piece, scan.rows - start)
                        moonlit_bound_products(
                            scan.codes.baseAddress.map { $0 + start * VectorCodes.rowBytes(scan.width) }, count,
                            codes.count, codes.baseAddress, query.scale, query.error, bounds.lower + start,
                            bounds.upper + start)
                        own.add(UnsafeBufferPointer(start: bounds.lower + start, count: count))
                    }
                    largest[worker] = own
                }
            }
        }
        return largest.reduce(into: Largest(wanted)) { all, part in part.values.withUnsafeBufferPointer { all.add($0) } }
            .smallest
    }
}

/// What each row's likeness is at least and at most.
private struct Bounds: @unchecked Sendable {
    // Threads write to separate rows of them.
    let lower: UnsafeMutablePointer<Float>
    let upper: UnsafeMutablePointer<Float>

    init(rows: Int) {
        lower = .allocate(capacity: rows)
        upper = .allocate(capacity: rows)
    }

    func free() {
        lower.deallocate()
        upper.deallocate()
    }
}

/// The largest of many numbers, as a heap whose first is the smallest of them.
struct Largest: Sendable {
    let count: Int
    private(set) var values: [Float] = []

    init(_ count: Int) { self.count = count }

    /// The `count`-th largest number, or −∞ where there were fewer.
    var smallest: Float { values.count < count ? -.infinity : values[0] }

    mutating func add(_ numbers: UnsafeBufferPointer<Float>) {
        for number in numbers {
            if values.count < count {
                values.append(number)
                rise(values.count - 1)
            } else if number > values[0] {
                values[0] = number
                sink()
            }
        }
    }

    private mutating func rise(_ start: Int) {
        var child = start
        while child > 0, case let parent = (child - 1) / 2, values[child] < values[parent] {
            values.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func sink() {
        var parent = 0
        while case let left = 2 * parent + 1, left < values.count {
            let right = left + 1
            let child = right < values.count && values[right] < values[left] ? right : left
            guard values[child] < values[parent] else { return }
            values.swapAt(child, parent)
            parent = child
        }
    }
}
