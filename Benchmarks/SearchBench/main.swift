// How fast an index of made-up embeddings answers, and whether it finds what comparing with every one finds:
//
//     swift run -c release SearchBench [--rows 1000000] [--width 256] [--kind clusters|spread|narrow] [--queries 50]
//         [--count 10] [--threads 2] [--checked 5] [--folder FOLDER]
//
// `spread` are directions drawn alike; `clusters` are 4,096 kinds of pictures that have a third of their direction in
// common; in `narrow`, 64 kinds differ little within themselves, as pictures of a few subjects do. The index is made in
// FOLDER and stays there; without one it is made anew and removed.
import BenchOptions
import Foundation
import Search

/// SplitMix64.
struct Draws {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Numbers of about length 1: sums of four uniform ones, which are nearly normal.
    mutating func direction(_ width: Int) -> [Float] {
        let factor = Float((3 / Double(width)).squareRoot() / 65_536)
        return [Float](unsafeUninitializedCapacity: width) { buffer, count in
            for index in 0..<width {
                let bits = next()
                let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + bits >> 48
                buffer[index] = (Float(sum) - 131_070) * factor
            }
            count = width
        }
    }
}

func unit(_ values: [Float]) -> [Float] {
    var squares = 0.0
    for value in values { squares += Double(value) * Double(value) }
    let length = Float(squares.squareRoot())
    return values.map { $0 / length }
}

/// Made-up embeddings, each a function of its row.
struct Made {
    let width: Int
    let kinds: Int
    /// Of all pictures, of the kind, and of the picture alone.
    let shares: (Float, Float, Float)
    let common: [Float]
    let centres: [[Float]]

    init?(_ kind: String, width: Int) {
        switch kind {
        case "spread": (kinds, shares) = (1, (0, 0, 1))
        case "clusters": (kinds, shares) = (4096, (0.58, 0.58, 0.58))
        case "narrow": (kinds, shares) = (64, (0.7, 0.68, 0.2))
        default: return nil
        }
        self.width = width
        var draws = Draws(state: 1)
        common = draws.direction(width)
        centres = (0..<kinds).map { _ in draws.direction(width) }
    }

    func embedding(_ row: Int) -> [Float] {
        var draws = Draws(state: UInt64(row + 1) &* 0xD134_2543_DE82_EF95)
        let centre = centres[Int(draws.next() % UInt64(kinds))]
        var mixed = draws.direction(width)
        for index in 0..<width {
            mixed[index] = shares.0 * common[index] + shares.1 * centre[index] + shares.2 * mixed[index]
        }
        return unit(mixed)
    }
}

func milliseconds(_ work: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let time = try clock.measure(work).components
    return Double(time.seconds) * 1e3 + Double(time.attoseconds) * 1e-15
}

/// Of all threads together; where other programs are at work, what is left of the time that passed.
func processorMilliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
}

func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

let (rows, width, count) = (number("rows", 1_000_000), number("width", 256), number("count", 10))
let (queries, threads, checked) = (number("queries", 50), number("threads", 2), number("checked", 5, least: 0))
guard let made = Made(option("kind") ?? "clusters", width: width) else {
    print("--kind is one of spread, clusters, narrow")
    exit(64)
}
let folder = option("folder") ?? NSTemporaryDirectory() + "moonlit-search-bench-\(UInt32.random(in: 0...UInt32.max))"
defer { if option("folder") == nil { try? FileManager.default.removeItem(atPath: folder) } }

let identity = ModelIdentity(name: "made up", path: option("kind") ?? "clusters", bytes: 0, crc32c: 0)
let making = try milliseconds {
    let writer = try IndexWriter(folder: folder, model: identity, collection: "made up", width: width)
    for start in stride(from: writer.count, to: rows, by: 4096) {
        let block = start..<min(start + 4096, rows)
        try writer.append(
            block.flatMap(made.embedding),
            block.map { IndexEntry(key: "\($0)", place: $0, stamp: "", captions: ["picture number \($0)"]) })
    }
    try writer.commit()
}
print("\(rows) embeddings of \(width) numbers, \(option("kind") ?? "clusters"); made in \(rounded(making / 1e3)) s")

var opened: SearchIndex?
print("opened in \(rounded(try milliseconds { opened = try SearchIndex(folder) })) ms")
guard let index = opened else { exit(1) }
// Like a picture of the kind that is not in the index, as a text's embedding or another picture's.
let sought = (0..<queries).map { made.embedding(rows + $0) }
var found: [[SearchIndex.Found]] = []
var times: [Double] = []
var spent: [Double] = []
for query in sought {
    let before = processorMilliseconds()
    times.append(try milliseconds { found.append(try index.nearest(to: query, count: count, threads: threads)) })
    spent.append(processorMilliseconds() - before)
}
let sorted = times.sorted()
print(
    "\(count) nearest, \(threads) threads: first \(rounded(times[0])) ms; of \(queries): least \(rounded(sorted[0])), "
        + "median \(rounded(sorted[queries / 2])), most \(rounded(sorted[queries - 1])) ms; processor time, median "
        + "\(rounded(spent.sorted()[queries / 2])) ms")

// Every embedding compared in double precision, all checked queries in one pass.
let lookedFor = sought.prefix(checked).map { query in
    let length = query.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return query.map { Double($0) / length }
}
var best = Array(repeating: [(likeness: Double, row: Int)](), count: lookedFor.count)
for row in 0..<rows {
    let embedding = made.embedding(row)
    for query in best.indices {
        var likeness = 0.0
        for index in 0..<width { likeness += Double(embedding[index]) * lookedFor[query][index] }
        if best[query].count == count, likeness <= best[query][count - 1].likeness { continue }
        let place = best[query].firstIndex { $0.likeness < likeness } ?? best[query].count
        best[query].insert((likeness, row), at: place)
        if best[query].count > count { best[query].removeLast() }
    }
}
let right = best.enumerated().reduce(0) { sum, one in
    sum + Set(one.element.map { String($0.row) }).intersection(found[one.offset].map(\.entry.key)).count
}
print("found of the true \(count) nearest, \(best.count) queries: \(right) of \(best.count * min(count, rows))")
