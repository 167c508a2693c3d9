// How fast an index of made-up embeddings answers, and whether it finds what comparing with every one finds:
//
//     swift run -c release SearchBench [--rows 1000000] [--width 256] [--kind clusters|spread|narrow] [--queries 50]
//         [--count 10] [--threads 2] [--checked 5] [--folder FOLDER]
//
// `spread` are directions drawn alike; `clusters` are 4,096 kinds of pictures that have a third of their direction in
// common; in `narrow`, 64 kinds differ little within themselves, as pictures of a few subjects do. The index is made in
// FOLDER and stays there; without one it is made anew and removed.
import Foundation
import Search

func option(_ name: String) -> String? {
    let arguments = CommandLine.arguments
    guard let at = arguments.firstIndex(of: "--" + name), at + 1 < arguments.count else { return nil }
    return arguments[at + 1]
}

func number(_ name: String, _ usual: Int) -> Int { max(1, option(name).flatMap { Int($0) } ?? usual) }

/// SplitMix64, and normally distributed numbers by Box and Muller.
struct Draws {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func direction(_ width: Int) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(width + 1)
        while values.count < width {
            let radius = (-2 * log(Double(next() >> 11 | 1) * 0x1p-53)).squareRoot()
            let angle = 2 * Double.pi * Double(next() >> 11) * 0x1p-53
            values.append(Float(radius * cos(angle)))
            values.append(Float(radius * sin(angle)))
        }
        return unit(Array(values[..<width]))
    }
}

func unit(_ values: [Float]) -> [Float] {
    let length = Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
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
        let own = draws.direction(width)
        return unit((0..<width).map { shares.0 * common[$0] + shares.1 * centre[$0] + shares.2 * own[$0] })
    }
}

func milliseconds(_ work: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let time = try clock.measure(work).components
    return Double(time.seconds) * 1e3 + Double(time.attoseconds) * 1e-15
}

func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

let (rows, width, count) = (number("rows", 1_000_000), number("width", 256), number("count", 10))
let (queries, threads, checked) = (number("queries", 50), number("threads", 2), number("checked", 5))
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
for query in sought {
    times.append(try milliseconds { found.append(try index.nearest(to: query, count: count, threads: threads)) })
}
let sorted = times.sorted()
print(
    "\(count) nearest, \(threads) threads: first \(rounded(times[0])) ms; of \(queries): least \(rounded(sorted[0])), "
        + "median \(rounded(sorted[queries / 2])), most \(rounded(sorted[queries - 1])) ms")

// Every embedding compared in double precision, all checked queries in one pass.
var best = Array(repeating: [(likeness: Double, row: Int)](), count: min(checked, queries))
for row in 0..<rows {
    let embedding = made.embedding(row)
    for query in best.indices {
        let length = sought[query].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let likeness = zip(embedding, sought[query]).reduce(0.0) { $0 + Double($1.0) * (Double($1.1) / length) }
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
