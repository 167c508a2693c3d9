import Evaluation
import Scenes
import Testing

@Suite struct RankingTests {
    private let choice = CaptionChoice("true", others: ["a", "b", "c", "d", "e", "f"])

    private func verdict(_ own: Double, _ others: [Double]) -> Verdict { Verdict(choice, similarities: [own] + others) }

    @Test func theNearestIsFirst() {
        let best = verdict(0.9, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        #expect(best.first == 1 && best.firstFive == 1 && best.rank == 1 && best.similarity == 0.9)
        let fifth = verdict(0.25, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        #expect(fifth.first == 0 && fifth.firstFive == 1 && fifth.rank == 5)
        let sixth = verdict(0.15, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        #expect(sixth.first == 0 && sixth.firstFive == 0 && sixth.rank == 6)
    }

    @Test func equalOnesShare() {
        let all = verdict(0, [0, 0, 0, 0, 0, 0])
        #expect(abs(all.first - 1.0 / 7) < 1e-12 && abs(all.firstFive - 5.0 / 7) < 1e-12 && all.rank == 4)
        // Four are nearer, two as near: the fifth place is one third the true caption's.
        let three = verdict(0.5, [0.9, 0.9, 0.9, 0.9, 0.5, 0.5])
        #expect(three.first == 0 && abs(three.firstFive - 1.0 / 3) < 1e-12)
    }

    @Test func ratesAddUp() {
        let scores = RankingScores([verdict(1, [0, 0, 0, 0, 0, 0]), verdict(0, [1, 1, 1, 1, 1, 1])])
        #expect(scores.first == Rate(right: 1, of: 2) && scores.first.value == 0.5)
        #expect(scores.similarity == 0.5 && scores.meanRank == 4)
    }

    /// Of a pair with three other relations, and of one with none.
    @Test func chanceIsOneOverTheCaptionsToChooseFrom() throws {
        let alterations = try CaptionAlterations(SceneConfiguration())
        func choice(_ a: String, _ kind: RelationKind, _ b: String, _ style: Style) -> CaptionChoice {
            let box = SceneDescription.Box(x: 0.1, y: 0.5, width: 0.2, height: 0.2)
            let scene = SceneDescription(
                entities: [.init(subject: a, boxes: [box]), .init(subject: b, boxes: [box])],
                relations: [.init(subject: 0, kind: kind, object: 1)], place: .meadow, light: .day, style: style)
            return CaptionChoice(scene, alterations, others: 9, seed: 1)
        }
        let choices = [choice("fox", .leftOf, "house", .plain), choice("balloon", .above, "house", .oilPainting)]
        let chance = RankingScores.chance(choices)
        func isNear(_ rate: Rate?, _ value: Double, of count: Int) -> Bool {
            rate.map { abs($0.value - value) < 1e-12 && $0.count == count } ?? false
        }
        #expect(isNear(chance.first, 0.1, of: 2) && isNear(chance.firstFive, 0.5, of: 2) && chance.meanRank == 5.5)
        #expect(isNear(chance.parts["light"], 0.25, of: 2))
        #expect(isNear(chance.parts["style"], (1.0 / 7 + 1.0 / 6) / 2, of: 2), "\(chance.parts)")
        #expect(isNear(chance.parts["relation"], 0.25, of: 1), "\(chance.parts)")
        // The same parts count for a picture, whichever caption is nearest.
        let right = RankingScores(
            choices.map { choice in Verdict(choice, similarities: choice.captions.indices.map { $0 == 0 ? 1 : 0 }) })
        let wrong = RankingScores(
            choices.map { choice in Verdict(choice, similarities: choice.captions.indices.map { $0 == 0 ? 0 : 1 }) })
        #expect(right.parts.mapValues(\.count) == chance.parts.mapValues(\.count))
        #expect(wrong.parts.mapValues(\.count) == chance.parts.mapValues(\.count))
        #expect(right.parts.values.allSatisfy { $0.value == 1 } && wrong.parts.values.allSatisfy { $0.value == 0 })
        // The only caption there is is right, and found by guessing.
        let alone = [CaptionChoice("alone", others: [])]
        #expect(RankingScores.chance(alone).first == Rate(right: 1, of: 1) && RankingScores.chance(alone).parts.isEmpty)
    }

    /// Wilson's interval as in Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662, 0 of 20 is 0 to 0.1611.
    @Test func intervalsAreWilsons() {
        let some = Rate(right: 81, of: 263).interval
        #expect(abs(some.lowerBound - 0.2553) < 5e-5 && abs(some.upperBound - 0.3662) < 5e-5)
        let none = Rate(right: 0, of: 20).interval
        #expect(none.lowerBound == 0 && abs(none.upperBound - 0.1611) < 5e-5)
        #expect(Rate(right: 0, of: 0).interval == 0...1 && Rate(right: 0, of: 0).value == 0)
    }
}
