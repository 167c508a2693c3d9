import Datasets
import Foundation
import Testing

@Suite struct SetsTests {
    @Test func mixtureKeepsItsShares() throws {
        let mixture = try Mixture([(NumberedSet(count: 10), 3), (NumberedSet(count: 100), 1)], count: 80)
        #expect(mixture.count == 80)
        let keys = try (0..<80).map { try mixture.example(at: $0, variation: UInt64($0)).key }
        // 60 of the small set, which is thus shown six times over, and 20 drawn of the large one.
        let small = Dictionary(grouping: keys[..<60], by: { $0 }).mapValues(\.count)
        #expect(small.count == 10 && small.values.allSatisfy { $0 == 6 })
        let other = try (60..<80).map { try mixture.example(at: $0, variation: UInt64($0) + 1000).key }
        #expect(other != Array(keys[60...]))
        #expect(try Mixture([(NumberedSet(count: 5), 1)]).count == 5)
        #expect(throws: DatasetError.self) { try Mixture([]) }
        #expect(throws: DatasetError.self) { try Mixture([(NumberedSet(count: 5), -1)]) }
        #expect(throws: DatasetError.self) { try Mixture([(NumberedSet(count: 0), 1)]) }
    }

    /// Captions by themselves tell of a set that gives less than it has as much as its examples do.
    @Test func captionsOfAPartDiffer() throws {
        let mixture = try Mixture([(NumberedSet(count: 1000), 1), (NumberedSet(count: 1000), 9)])
        let captions = Set(try (0..<200).map { try mixture.captions(at: $0) })
        #expect(captions.count > 150)
        #expect(try mixture.captions(at: 7) == mixture.captions(at: 7))
    }

    @Test func subsetsChoose() throws {
        let set = NumberedSet(count: 20)
        let even = try Subset(set) { index, captions in index % 2 == 0 && !captions.isEmpty }
        #expect(even.indices == Array(stride(from: 0, to: 20, by: 2)))
        #expect(try even.example(at: 3, variation: 1) == set.example(at: 6, variation: 1))
        #expect(throws: DatasetError.self) { try Subset(set, indices: [20]) }
    }

    @Test func registryFindsNamesFoldersAndShards() throws {
        var registry = DatasetRegistry()
        #expect(registry.names.contains("emoji"))
        registry.register("numbers", summary: "numbers") { NumberedSet(count: 3) }
        #expect(try registry.open("numbers").count == 3)
        #expect(try registry.open(fixtures + "/folder").count == 4)
        #expect(try registry.open(fixtures + "/pax.tar").count == 3)
        #expect(try registry.open(fixtures).count == 9)  // a folder of shards
        #expect { try registry.open("emojis") } throws: { "\($0)".contains("emoji, ") && "\($0)".contains("numbers") }
        #expect(throws: DatasetError.self) { try registry.open(fixtures + "/generate.py") }
        #expect(DatasetRegistry.expanded("a/{008..010}-x.tar") == ["a/008-x.tar", "a/009-x.tar", "a/010-x.tar"])
        #expect(DatasetRegistry.expanded("a/{8..1}.tar") == nil)
        #expect(DatasetRegistry.expanded("a.tar") == nil)
    }

    @Test func summaryCounts() throws {
        let summary = try DataSummary(of: FolderSet(folder: fixtures + "/folder"))
        #expect((summary.count, summary.captions, summary.distinctCaptions) == (4, 7, 7))
        #expect((summary.shortest, summary.longest) == (1, 5))
        #expect(summary.mean == 22.0 / 7)
        #expect(summary.sizes.map(\.text) == ["24×16"] && summary.sizes.map(\.times) == [4])
        #expect(summary.commonest.prefix(2).map(\.text) == ["a", "field"])
        #expect(summary.unreadable.isEmpty && summary.notes.count == 1)
        let broken = try DataSummary(of: Subset(NumberedSet(count: 4), indices: [0, 1]), pictures: 9)
        #expect(broken.looked == 2)
    }
}
