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

    /// 64 examples a set, 8 together: none of the shares is a whole number of repetitions.
    @Test(arguments: [[3.0, 1.0], [9.0, 5.0, 4.0, 2.0]]) func runsOfAMixtureStayWhole(weights: [Double]) throws {
        let all = NumberedSet(count: 64 * weights.count)
        var parts: [(set: any CaptionedPictures, weight: Double)] = []
        for (number, weight) in weights.enumerated() {
            let set = try Subset(all, indices: Array(64 * number..<64 * (number + 1)))
            parts.append((set: set, weight: weight))
        }
        let mixture = try Mixture(parts, together: 8)
        #expect(mixture.count == all.count)
        // Those that cannot show all they have say so.
        #expect(mixture.notes.count == weights.filter { $0 < weights.reduce(0, +) / Double(weights.count) }.count)
        var numbers: [Int] = []
        for index in 0..<mixture.count {
            // Whatever the variation, it is the same example.
            let key = try mixture.example(at: index, variation: UInt64(index)).key
            #expect(try mixture.example(at: index, variation: 1000).key == key)
            #expect(try mixture.identity(at: index).key == key)
            #expect(try mixture.captions(at: index) == ["number \(key), 0"])
            numbers.append(try #require(Int(key)))
        }
        var times: [Int: Int] = [:]
        for start in stride(from: 0, to: numbers.count, by: 8) {
            let first = numbers[start]
            #expect(first % 8 == 0)
            #expect(Array(numbers[start..<start + 8]) == Array(first..<first + 8))
            times[first / 8, default: 0] += 1
        }
        let sum = weights.reduce(0, +)
        for (number, weight) in weights.enumerated() {
            let shown = (8 * number..<8 * (number + 1)).map { times[$0] ?? 0 }
            let share = Double(8 * shown.reduce(0, +))
            #expect(abs(share - weight / sum * Double(mixture.count)) <= 8)
            // No run again before all others.
            let (least, most) = (shown.min() ?? 0, shown.max() ?? 0)
            #expect(most - least <= 1)
        }
    }

    @Test func wrongCaptionsOfARunAreThoseOfItsExamples() throws {
        let knowing = WronglyNumberedSet(known: 1)
        let mixture = try Mixture([(knowing, 1), (knowing, 3)], together: 2)
        #expect(mixture.count == 20)
        for index in 0..<20 {
            let caption = try mixture.example(at: index, variation: UInt64(index)).caption
            #expect(try mixture.wrongCaptions(at: index, variation: UInt64(index), count: 1) == ["not \(caption) 0"])
        }
    }

    /// 13 examples become three runs of four; runs of sets that do not end with one go on at their beginning.
    @Test func everySetOfAMixtureGivesARun() throws {
        let (ten, three) = (NumberedSet(count: 10), NumberedSet(count: 3))
        let mixture = try Mixture([(ten, 1), (three, 1)], together: 4)
        #expect(mixture.count == 12)
        let keys = try (0..<12).map { try mixture.example(at: $0, variation: 5).key }
        for start in [0, 4] {
            let first = try #require(Int(keys[start]))
            #expect(first % 4 == 0)
            #expect(Array(keys[start..<start + 4]) == (first..<first + 4).map { "\($0 % 10)" })
        }
        #expect(keys[0] != keys[4])
        #expect(Array(keys[8...]) == ["0", "1", "2", "0"])

        #expect(try Mixture([(three, 1), (three, 1)], together: 8).count == 16)
        let small = try Mixture([(NumberedSet(count: 64), 10_000), (three, 1)], together: 8)
        #expect(small.count == 64)
        #expect(try (56..<64).map { try small.example(at: $0, variation: 0).key } == (0..<8).map { "\($0 % 3)" })
        #expect(throws: DatasetError.self) { try Mixture([(three, 1)], together: 0) }
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
