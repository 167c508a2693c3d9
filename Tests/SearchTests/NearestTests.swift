import Datasets
import Foundation
import Search
import Testing

/// What a search finds is what comparing with every embedding in double precision finds.
struct NearestTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    /// Every product in double precision, the largest first, equal ones in their order.
    private func compared(_ embeddings: [[Float]], with query: [Float]) -> [(row: Int, likeness: Double)] {
        let length = query.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let unit = query.map { Double($0) / length }
        return embeddings.enumerated().map { row, embedding in
            (row, zip(embedding, unit).reduce(0.0) { $0 + Double($1.0) * $1.1 })
        }.sorted { ($1.likeness, $0.row) < ($0.likeness, $1.row) }
    }

    private func check(
        _ index: SearchIndex, _ embeddings: [[Float]], _ query: [Float], count: Int, threads: Int? = nil
    ) throws {
        let found = try index.nearest(to: query, count: count, threads: threads)
        let expected = compared(embeddings, with: query).prefix(count)
        #expect(found.map(\.entry.key) == expected.map { "\($0.row)" })
        for (one, other) in zip(found, expected) { #expect(abs(one.likeness - other.likeness) < 1e-12) }
    }

    @Test(arguments: [1, 3, 16, 40, 256]) func findsWhatComparingFinds(width: Int) throws {
        var draws = SeededGenerator(seed: UInt64(width))
        let embeddings = (0..<1500).map { _ in direction(width, &draws) }
        let index = try makeIndex(folder("index"), embeddings)
        #expect(index.count == 1500)
        for count in [1, 10, 100] { try check(index, embeddings, direction(width, &draws), count: count) }
    }

    @Test func findsWhatWasPlanted() throws {
        var draws = SeededGenerator(seed: 5)
        var embeddings = (0..<2000).map { _ in direction(64, &draws) }
        let query = direction(64, &draws)
        // Nearer and nearer to the query, in rows all over.
        let rows = [1999, 0, 733, 1024, 4, 1500]
        for (number, row) in rows.enumerated() {
            let share = Float(0.9 - 0.1 * Double(number))
            embeddings[row] = unit(zip(query, embeddings[row]).map { share * $0 + (1 - share) * $1 })
        }
        let index = try makeIndex(folder("index"), embeddings)
        let found = try index.nearest(to: query, count: 4)
        #expect(found.map(\.entry) == rows.prefix(4).map(entry))
        try check(index, embeddings, query, count: 6)
    }

    /// Where all are so alike that a byte a number cannot tell them apart.
    @Test func tellsApartWhatCodesDoNot() throws {
        var draws = SeededGenerator(seed: 6)
        let common = direction(32, &draws)
        let embeddings = (0..<800).map { _ in unit(zip(common, direction(32, &draws)).map { $0 + 1e-4 * $1 }) }
        let index = try makeIndex(folder("index"), embeddings)
        for query in [common, direction(32, &draws), embeddings[17]] {
            try check(index, embeddings, query, count: 12)
        }
    }

    @Test func equalOnesComeInTheirOrder() throws {
        var draws = SeededGenerator(seed: 7)
        let (a, b) = (direction(20, &draws), direction(20, &draws))
        let embeddings = (0..<90).map { $0 % 3 == 1 ? a : b }
        let index = try makeIndex(folder("index"), embeddings)
        let found = try index.nearest(to: a, count: 40)
        #expect(found.prefix(30).map(\.entry.place) == (0..<30).map { 3 * $0 + 1 })
        #expect(found.dropFirst(30).map(\.entry.place) == [0, 2, 3, 5, 6, 8, 9, 11, 12, 14])
    }

    @Test func threadsAndTheQuerysLengthChangeNothing() throws {
        var draws = SeededGenerator(seed: 8)
        // Several pieces a thread.
        let embeddings = (0..<6000).map { _ in direction(128, &draws) }
        let index = try makeIndex(folder("index"), embeddings)
        let query = direction(128, &draws)
        let found = try index.nearest(to: query, count: 20, threads: 1)
        for threads in [2, 3, 64] { #expect(try index.nearest(to: query, count: 20, threads: threads) == found) }
        let scaled = try index.nearest(to: query.map { $0 * 1024 }, count: 20)
        #expect(scaled.map(\.entry) == found.map(\.entry))
        try check(index, embeddings, query, count: 20)
    }

    @Test func moreThanThereAreIsAll() throws {
        var draws = SeededGenerator(seed: 9)
        let embeddings = (0..<5).map { _ in direction(8, &draws) }
        let index = try makeIndex(folder("index"), embeddings)
        try check(index, embeddings, direction(8, &draws), count: 50)
        #expect(try index.nearest(to: embeddings[3], count: 50).count == 5)
        #expect(try index.nearest(to: embeddings[3], count: 50)[0].entry == entry(3))
    }

    @Test func aQueryWithoutDirectionIsRefused() throws {
        var draws = SeededGenerator(seed: 10)
        let index = try makeIndex(folder("index"), [direction(8, &draws)])
        for query in [Array(repeating: Float(0), count: 8), Array(repeating: .nan, count: 8), [1, 2]] {
            #expect(throws: SearchError.self) { try index.nearest(to: query, count: 1) }
        }
        #expect(throws: SearchError.self) { try index.nearest(to: direction(8, &draws), count: 0) }
    }
}
