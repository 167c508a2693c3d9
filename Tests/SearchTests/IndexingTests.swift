import Datasets
import Foundation
import Images
import Models
import Search
import Testing

/// Collections that are embedded, in one go and otherwise.
struct IndexingTests {
    let folder: Folder
    let model: ColourModel

    init() throws {
        folder = try Folder()
        model = try ColourModel()
    }

    private func options(batch: Int = 8, limit: Int? = nil, updates: Bool = false) -> Indexing.Options {
        var options = Indexing.Options()
        options.batchSize = batch
        options.limit = limit
        options.updates = updates
        return options
    }

    @discardableResult
    private func index(
        _ set: any CaptionedPictures, into name: String, _ options: Indexing.Options? = nil,
        report: (Int, Int) -> Void = { _, _ in }
    ) throws -> Indexing.Outcome {
        let writer = try IndexWriter(
            folder: folder(name), model: model.identity, collection: "colours", width: model.embeddingWidth)
        return try Indexing(set, embedder: Embedder(model), options: options ?? self.options()).run(
            into: writer, report: report)
    }

    /// Runs in a task that is cancelled when `done` pictures are in the index.
    private func interrupted(
        _ set: any CaptionedPictures, into name: String, at done: Int, _ options: Indexing.Options? = nil
    ) async throws -> Indexing.Outcome {
        nonisolated(unsafe) let work = self
        return try await Task {
            try work.index(set, into: name, options) { now, _ in
                if now >= done { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }.value
    }

    private func keys(_ name: String) throws -> [String] {
        let index = try SearchIndex(folder(name))
        return try (0..<index.count).map { try index.entry(at: $0).key }
    }

    @Test func everyPictureIsEmbedded() throws {
        let set = ColourSet(0..<50)
        var reports: [[Int]] = []
        let outcome = try index(set, into: "index") { reports.append([$0, $1]) }
        #expect(outcome.count == 50 && outcome.added == 50 && outcome.total == 50 && outcome.isFinished)
        #expect(outcome.removed == 0 && outcome.skipped.isEmpty)
        #expect(reports.first == [0, 50] && reports.last == [50, 50] && reports.count == 8)
        let opened = try SearchIndex(folder("index"))
        #expect(try keys("index") == (0..<50).map { "picture \($0)" })
        let entry = try opened.entry(at: 31)
        #expect(entry.captions == ["number 31"] && entry.place == 31 && entry.stamp == "31" && entry.path == nil)
        // Each found by itself, as the model alone embeds it.
        for number in [0, 31, 49] {
            let found = try opened.nearest(to: Embedder(model).embedding(of: ColourSet.picture(number)), count: 2)
            #expect(found[0].entry.key == "picture \(number)")
            #expect(abs(found[0].likeness - 1) < 1e-5 && found[1].likeness < 0.999)
        }
        // Nothing is left to do.
        let before = try contents(of: folder("index"))
        let again = try index(set, into: "index")
        #expect(again.added == 0 && again.count == 50 && again.total == 50 && again.isFinished)
        #expect(try contents(of: folder("index")) == before)
    }

    @Test(arguments: [1, 17, 40]) func goingOnEqualsOneGo(done: Int) async throws {
        let set = ColourSet(0..<53, broken: [3, 20, 21])
        let whole = try index(set, into: "whole")
        #expect(whole.count == 50 && whole.skipped.map(\.picture) == ["picture 3", "picture 20", "picture 21"])
        #expect(whole.skipped.allSatisfy { $0.reason == "it is torn" })

        let first = try await interrupted(set, into: "index", at: done)
        #expect(!first.isFinished && first.count >= done - 3 && first.count < 50)
        #expect(try SearchIndex(folder("index")).count == first.count)
        let second = try index(set, into: "index")
        #expect(second.isFinished && second.added == 50 - first.count && second.count == 50)
        #expect(try contents(of: folder("index")) == contents(of: folder("whole")))
    }

    /// As after a loss of power: more was written than counts.
    @Test func aTornEndIsWrittenAnew() async throws {
        let set = ColourSet(0..<40)
        try index(set, into: "whole")
        _ = try await interrupted(set, into: "index", at: 16)
        for name in try contents(of: folder("index")).keys where name != "index.json" {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: folder("index") + "/" + name))
            try file.seekToEnd()
            try file.write(contentsOf: Data("{\"torn\": 1".utf8))
            try file.close()
        }
        try index(set, into: "index")
        #expect(try contents(of: folder("index")) == contents(of: folder("whole")))
    }

    @Test func picturesThatWereAddedAreEmbedded() throws {
        try index(ColourSet(0..<20, broken: [4]), into: "index")
        let outcome = try index(ColourSet(0..<33), into: "index")
        #expect(outcome.added == 14 && outcome.count == 33 && outcome.removed == 0)
        #expect(Set(try keys("index")) == Set((0..<33).map { "picture \($0)" }))
    }

    @Test func whatIsGoneOrHasChangedIsNoticed() throws {
        var set = ColourSet(0..<20)
        try index(set, into: "index")
        let before = try contents(of: folder("index"))
        set.elements.removeSubrange(5..<7)
        set.elements[10].number = 99
        #expect(
            throws: SearchError.changed(
                folder("index"), gone: ["picture 5", "picture 6"], changed: ["picture 12"])
        ) { try index(set, into: "index") }
        #expect(try contents(of: folder("index")) == before)

        let outcome = try index(set, into: "index", options(updates: true))
        #expect(outcome.removed == 3 && outcome.added == 1 && outcome.count == 18)
        #expect(Set(try keys("index")) == Set(set.elements.map(\.key)))
        let opened = try SearchIndex(folder("index"))
        let found = try opened.nearest(to: Embedder(model).embedding(of: ColourSet.picture(99)), count: 1)
        #expect(found[0].entry.key == "picture 12" && abs(found[0].likeness - 1) < 1e-5)
        let old = try opened.nearest(to: Embedder(model).embedding(of: ColourSet.picture(12)), count: 1)
        #expect(old[0].likeness < 0.999)
        // All is well now.
        #expect(try index(set, into: "index").added == 0)
    }

    @Test func picturesOfOneNameAreToldApart() throws {
        var set = ColourSet(0..<6)
        for index in [1, 3, 4] { set.elements[index].key = "twin" }
        try index(set, into: "index")
        #expect(try keys("index") == ["picture 0", "twin", "picture 2", "twin#2", "twin#3", "picture 5"])
        #expect(try index(set, into: "index").added == 0)
        let opened = try SearchIndex(folder("index"))
        let found = try opened.nearest(to: Embedder(model).embedding(of: ColourSet.picture(3)), count: 1)
        #expect(found[0].entry.key == "twin#2")
        #expect(SearchIndex.pictures(of: found, in: set) == [try ColourSet.picture(3)])
    }

    @Test func picturesOfOneNameThatHaveMovedAreToldApart() throws {
        var set = ColourSet(0..<3)
        for place in [1, 2] { set.elements[place].key = "twin" }
        try index(set, into: "index")
        let opened = try SearchIndex(folder("index"))
        let twins = try [1, 2].map { try ColourSet.picture($0) }
        let found = try twins.map { try opened.nearest(to: Embedder(model).embedding(of: $0), count: 1)[0] }
        #expect(found.map(\.entry.key) == ["twin", "twin#2"])
        // Where the first stood, there is now the second.
        set.elements.removeFirst()
        let shown = SearchIndex.pictures(of: found, in: set)
        #expect(shown.compactMap { $0 } == twins)
    }

    @Test func aPictureThatHasChangedIsShownAsItIs() throws {
        var set = ColourSet(0..<3)
        try index(set, into: "index")
        let opened = try SearchIndex(folder("index"))
        let found = try opened.nearest(to: Embedder(model).embedding(of: ColourSet.picture(1)), count: 1)
        set.elements[1].number = 9
        let now = try ColourSet.picture(9)
        #expect(SearchIndex.pictures(of: found, in: set) == [now])
    }

    /// Names made up for pictures of one key are no other picture's own.
    @Test func madeUpNamesAreNobodyElses() throws {
        var set = ColourSet(0..<5)
        for (place, key) in ["a", "a", "a#2", "a", "a#2"].enumerated() { set.elements[place].key = key }
        try index(set, into: "index")
        #expect(try keys("index") == ["a", "a#3", "a#2", "a#4", "a#2#2"])
        #expect(try index(set, into: "index").added == 0)
        let opened = try SearchIndex(folder("index"))
        for number in 0..<5 {
            let picture = try ColourSet.picture(number)
            let found = try opened.nearest(to: Embedder(model).embedding(of: picture), count: 1)
            #expect(found[0].entry.place == number)
            #expect(SearchIndex.pictures(of: found, in: set) == [picture])
        }
    }

    @Test func aLimitMayGrow() throws {
        let set = ColourSet(0..<30)
        #expect(try index(set, into: "index", options(limit: 10)).count == 10)
        #expect(try index(set, into: "index", options(limit: 16)).added == 6)
        // A lower one is no reason to take pictures out.
        let lower = try index(set, into: "index", options(limit: 3))
        #expect(lower.count == 16 && lower.total == 3 && lower.added == 0)
        #expect(try keys("index") == (0..<16).map { "picture \($0)" })
        #expect(throws: SearchError.self) { try index(set, into: "index", options(limit: 0)) }
        #expect(throws: SearchError.self) { try index(set, into: "index", options(batch: 0)) }
    }

    /// Right for whole batches, wrong for the rest: the batches are kept.
    @Test(arguments: [2.0, .nan, 0]) func aModelThatGivesNoEmbeddingsIsRefused(factor: Double) throws {
        let writer = try IndexWriter(
            folder: folder("index"), model: model.identity, collection: "colours", width: model.embeddingWidth)
        let wrong = Embedder(WrongModel(model: model, factor: factor, whole: 8))
        #expect {
            try Indexing(ColourSet(0..<20), embedder: wrong, options: options()).run(into: writer)
        } throws: {
            if case .embedding? = $0 as? SearchError { true } else { false }
        }
        #expect(try SearchIndex(folder("index")).count == 16)
    }
}
