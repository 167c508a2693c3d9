import Datasets
import Evaluation
import Foundation
import Scenes
import Testing

@Suite struct PromptSetTests {
    private func set(_ kind: PromptSet.Kind, _ count: Int, seed: UInt64 = 0) throws -> PromptSet {
        try PromptSet(
            kind, of: SceneConfiguration(), artwork: paperArtwork(), count: count, references: 4, captions: 4, seed: seed)
    }

    @Test func setsAreWhatTheyAreCalled() throws {
        let held = try set(.heldOut, 60)
        #expect(held.descriptions.allSatisfy { SceneSplit.isHeldOut($0) && $0.entities.count == 1 })
        let train = try set(.train, 60)
        #expect(train.descriptions.allSatisfy { !SceneSplit.isHeldOut($0) && $0.entities.count == 1 })
        let pairs = try set(.pairs, 60)
        #expect(pairs.descriptions.allSatisfy { $0.entities.count == 2 && $0.relations.count == 1 })
        #expect(pairs.descriptions.allSatisfy { SceneSplit.isHeldOut($0) })
        #expect([held, train, pairs].map(\.name) == ["held-out", "train", "pairs"])
        #expect(held.texts.count == 60 && held.choices.allSatisfy { $0.mixed.count == 3 })
        #expect(Set(held.texts).count > 50)
        #expect(held.texts == held.choices.map { $0.captions[0] })
    }

    @Test func moreOfASetBeginsWithTheSame() throws {
        #expect(try set(.heldOut, 30).texts.prefix(10) == set(.heldOut, 10).texts[...])
        #expect(try set(.heldOut, 10).texts != set(.heldOut, 10, seed: 1).texts)
    }

    @Test func whatHoldsNothingOutIsSaid() throws {
        let set = try PromptSet(.heldOut, of: .steady, artwork: paperArtwork(), count: 5, references: 2)
        #expect(set.notes.count == 1)
        #expect(set.choices.allSatisfy { $0.mixed.count == 99 })
        #expect(throws: SceneError.self) {
            try PromptSet(
                .heldOut, of: configuration { $0.subjects = ["gryphon"] }, artwork: paperArtwork(), count: 5)
        }
        // One subject alone makes no pairs.
        #expect(throws: EvaluationError.self) {
            try PromptSet(.pairs, of: configuration { $0.subjects = ["fox"] }, artwork: paperArtwork(), count: 5, references: 2)
        }
    }

    @Test func filesArePromptsALine() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/mine.txt"
            try "a fox\n\n  a red house \r\na lake at night\na fox\n".write(toFile: path, atomically: true, encoding: .utf8)
            let set = try PromptSet(file: path, of: SceneConfiguration(), artwork: paperArtwork(), count: 10, references: 2)
            #expect(set.name == "mine" && set.texts == ["a fox", "a red house", "a lake at night", "a fox"])
            #expect(!set.hasScenes && set.choices[0].captions.sorted() == ["a fox", "a lake at night", "a red house"])
            #expect(set.choices[0].parts.isEmpty)
            #expect(throws: DatasetError.self) {
                try PromptSet(file: folder + "/none", of: SceneConfiguration(), artwork: paperArtwork(), count: 1)
            }
        }
    }
}
