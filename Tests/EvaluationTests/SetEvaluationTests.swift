import Evaluation
import Foundation
import Images
import Scenes
import Testing

@Suite struct SetEvaluationTests {
    private func set(
        _ kind: PromptSet.Kind, count: Int, references: Int = 3, captions: Int = 100
    ) throws -> PromptSet {
        try PromptSet(
            kind, of: SceneConfiguration(), artwork: paperArtwork(), count: count, references: references,
            captions: captions, seed: 1)
    }

    private func evaluation(
        _ set: PromptSet, _ world: World, _ change: (inout EvaluationSizes) -> Void = { _ in }
    ) throws -> SetEvaluation {
        var sizes = EvaluationSizes()
        (sizes.unconditional, sizes.diversityPrompts, sizes.batchSize) = (0, 0, 16)
        change(&sizes)
        return try SetEvaluation(
            set, judge: Judge(KnowingJudge(world: world), name: "knowing"), size: World.side, sizes: sizes, seed: 5)
    }

    /// Whether a rate of so many lies where guessing with this chance would put it, but for one time in ten thousand.
    private func isAtChance(_ rate: Rate?, _ chance: Rate?) -> Bool {
        guard let rate, let chance, rate.count > 0 else { return false }
        let deviation = (chance.value * (1 - chance.value) / Double(rate.count)).squareRoot()
        return abs(rate.value - chance.value) < 3.9 * deviation
    }

    @Test(arguments: [PromptSet.Kind.heldOut, .pairs]) func whoKnowsIsAlwaysRight(kind: PromptSet.Kind) throws {
        let world = World()
        let set = try self.set(kind, count: 8)
        for (picture, scene) in zip(try set.realPictures(size: World.side), set.descriptions) {
            world.register(picture, Content(scene))
        }
        try withTemporaryFolder { folder in
            var evaluation = try self.evaluation(set, world) { $0.unconditional = 8 }
            try evaluation.judgeReal()
            try evaluation.judge(Painter(world: world), guidanceScale: 2, folder: folder)
            let report = evaluation.report
            let real = try #require(report.real)
            let drawn = try #require(report.drawn.first)
            for ranking in [real.ranking, drawn.findings.ranking] {
                #expect(ranking.first.value == 1 && ranking.firstFive.value == 1 && ranking.meanRank == 1)
                #expect(ranking.parts.values.allSatisfy { $0.value == 1 })
                #expect(Set(ranking.parts.keys).isSuperset(of: ["subject", "place", "light", "style"]))
                #expect(abs(ranking.similarity - 1) < 1e-5)
            }
            #expect((real.ranking.parts["relation"] != nil) == (kind == .pairs))
            // Another's captions are wrong, and nothing is told of a picture of nothing.
            for control in [report.realShuffled, drawn.shuffled, drawn.unconditional] {
                #expect(try #require(control).first.value < 0.2)
            }
            #expect(abs(report.captions - 100) < 1)
            #expect(abs(report.chance.first.value - 0.01) < 0.001)
            #expect(drawn.share(of: real) { $0.first } == 1)
        }
    }

    @Test func whoGuessesIsAtChance() throws {
        let world = World()
        let set = try self.set(.heldOut, count: 100, captions: 8)
        try withTemporaryFolder { folder in
            var evaluation = try self.evaluation(set, world)
            let names = Subject.all.map(\.name)
            let painter = Painter(world: world) { content, seed in
                var dice = Dice(seed)
                content.subjects = [dice.pick(names)]
                content.place = dice.pick(Place.allCases)
                content.light = dice.pick(Light.allCases)
                content.style = dice.pick(Style.allCases)
            }
            try evaluation.judge(painter, guidanceScale: nil, folder: folder)
            let (chance, ranking) = (evaluation.report.chance, try #require(evaluation.report.drawn.first).findings.ranking)
            #expect(isAtChance(ranking.parts["light"], chance.parts["light"]))
            #expect(isAtChance(ranking.first, chance.first), "\(ranking.first)")
            #expect(abs(try #require(chance.parts["light"]).value - 0.25) < 1e-9)
        }
    }

    /// Who paints the set's own scenes in another order, deaf to its prompts, is right as often as real scenes are by
    /// another's captions: as often as two scenes share what is asked for, not as often as guessing.
    @Test func whoHearsNothingIsAtTheControl() throws {
        let (world, count) = (World(), 60)
        let set = try self.set(.heldOut, count: count, captions: 20)
        for (picture, scene) in zip(try set.realPictures(size: World.side), set.descriptions) {
            world.register(picture, Content(scene))
        }
        let others = set.descriptions.indices.map { set.descriptions[($0 + count / 2) % count] }
        try withTemporaryFolder { folder in
            var evaluation = try self.evaluation(set, world)
            try evaluation.judgeReal()
            // Picture k has seed 5 + k.
            let painter = Painter(world: world) { content, seed in content = Content(others[Int(seed) - 5]) }
            try evaluation.judge(painter, guidanceScale: nil, folder: folder)
            let report = evaluation.report
            let control = try #require(report.realShuffled)
            let deaf = try #require(report.drawn.first).findings.ranking
            func areSame(_ a: Rate, _ b: Rate) -> Bool { a.count == b.count && abs(a.value - b.value) < 1e-9 }
            #expect(areSame(deaf.first, control.first) && areSame(deaf.firstFive, control.firstFive))
            #expect(Set(control.parts.keys) == ["subject", "place", "light", "style"])
            for (part, rate) in control.parts {
                let own = try #require(deaf.parts[part])
                #expect(rate.count == count && areSame(own, rate), "\(part): \(own), \(rate)")
            }
            // Where the lights differ, the picture's own is among the others. A plain style is not: six are equally near.
            let pairs = Array(zip(set.descriptions, others))
            #expect(control.parts["light"]?.right == Double(pairs.count { $0.light == $1.light }))
            let styles = pairs.reduce(0.0) { sum, pair in
                sum + (pair.0.style == pair.1.style ? 1 : pair.1.style == .plain ? 1.0 / 6 : 0)
            }
            #expect(abs(try #require(control.parts["style"]).right - styles) < 1e-9)
            #expect(styles / Double(count) > (report.chance.parts["style"]?.value ?? 1))
            let data = try JSONEncoder().encode(report)
            #expect(try JSONDecoder().decode(SetReport.self, from: data) == report)
        }
    }

    /// A part counts for the prompts that offer another caption for it, whatever is ranked by them.
    @Test func everyRowCountsTheSamePrompts() throws {
        let (world, count) = (World(), 32)
        let set = try self.set(.pairs, count: count, captions: 8)
        try withTemporaryFolder { folder in
            var evaluation = try self.evaluation(set, world) { $0.unconditional = count }
            try evaluation.judgeReal()
            try evaluation.judge(Painter(world: world), guidanceScale: 2, folder: folder)
            let report = evaluation.report
            let drawn = try #require(report.drawn.first)
            let rows: [RankingScores?] = [
                report.chance, report.real?.ranking, report.realShuffled, drawn.findings.ranking, drawn.shuffled,
                drawn.unconditional,
            ]
            for part in ScenePart.allCases {
                let others = set.choices.compactMap { $0.parts[part]?.count }
                for row in rows { #expect(try #require(row).parts[part.rawValue]?.count == others.count, "\(part)") }
                let chance = others.reduce(0.0) { $0 + 1 / Double($1 + 1) } / Double(others.count)
                #expect(abs(try #require(report.chance.parts[part.rawValue]).value - chance) < 1e-12, "\(part)")
            }
            for row in rows { #expect(try #require(row).first.count == count) }
            // Something above something else has no other relation.
            let relations = try #require(report.chance.parts["relation"]).count
            #expect(relations > 0 && relations < count, "\(relations)")
        }
    }

    @Test func whoIgnoresTheLightIsAtChanceInTheLightAlone() throws {
        let world = World()
        let set = try self.set(.heldOut, count: 100, captions: 8)
        try withTemporaryFolder { folder in
            var evaluation = try self.evaluation(set, world)
            let painter = Painter(world: world) { content, seed in
                var dice = Dice(seed)
                content.light = dice.pick(Light.allCases)
            }
            try evaluation.judge(painter, guidanceScale: nil, folder: folder)
            let (chance, ranking) = (evaluation.report.chance, try #require(evaluation.report.drawn.first).findings.ranking)
            #expect(isAtChance(ranking.parts["light"], chance.parts["light"]), "\(ranking.parts)")
            for part in ["subject", "place", "style"] { #expect(ranking.parts[part]?.value == 1, "\(part)") }
            #expect(ranking.first.value < 0.7)
        }
    }

    /// Who draws no subject by night fails there, and the traits say so; those that all scenes share are left out.
    @Test func traitsSayWhereItFallsShort() throws {
        let world = World()
        let set = try self.set(.heldOut, count: 60)
        try withTemporaryFolder { folder in
            var evaluation = try self.evaluation(set, world)
            let painter = Painter(world: world) { content, _ in if content.light == .moonlight { content.subjects = [] } }
            try evaluation.judge(painter, guidanceScale: nil, folder: folder)
            let findings = try #require(evaluation.report.drawn.first).findings
            let traits = try #require(findings.traits)
            let lights = try #require(traits["light"])
            #expect(Set(lights.keys) == Set(set.descriptions.map(\.light.rawValue)) && lights.count > 2)
            for (light, scores) in lights {
                #expect(scores.first.count == set.descriptions.count { $0.light.rawValue == light })
                #expect(light == "moonlight" ? scores.subject.value < 0.5 : scores.first.value == 1, "\(light): \(scores)")
            }
            for scores in traits.values { #expect(scores.values.map(\.first.count).reduce(0, +) == 60) }
            #expect(traits["relation"] == nil && traits["size"]?.count == 3 && (traits["subject"]?.count ?? 0) > 20)
        }
    }

    @Test func whoIsInterruptedGoesOn() throws {
        let set = try self.set(.heldOut, count: 40, references: 4, captions: 5)
        let world = World()
        let change: (inout EvaluationSizes) -> Void = {
            ($0.unconditional, $0.diversityPrompts, $0.diversitySeeds) = (8, 2, 3)
        }
        try withTemporaryFolder { folder in
            let whole = try withTemporaryFolder { other in
                var evaluation = try self.evaluation(set, world, change)
                try evaluation.judge(Painter(world: world), guidanceScale: 2, folder: other)
                return evaluation.report
            }
            let first = Painter(world: world)
            first.patience = 35
            var evaluation = try self.evaluation(set, world, change)
            #expect(throws: CancellationError.self) {
                try evaluation.judge(first, guidanceScale: 2, folder: folder)
            }
            #expect(evaluation.report.drawn.first?.findings.count == 32)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/pictures").count == 32)
            let lines = try String(contentsOfFile: folder + "/scores.jsonl", encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 32)

            let second = Painter(world: world)
            evaluation = try self.evaluation(set, world, change)
            try evaluation.judge(second, guidanceScale: 2, folder: folder)
            // What was there is not drawn again; picture k has seed 5 + k.
            #expect(second.drawn.prefix(8) == [37, 38, 39, 40, 41, 42, 43, 44])
            #expect(second.drawn.count == 8 + 2 * 3 + 8)
            #expect(evaluation.report == whole)
            #expect(whole.drawn.first?.findings.diversity ?? 1 < 1e-6)
        }
    }

    @Test func picturesOfAFolderAreJudgedInOrder() throws {
        let set = try self.set(.heldOut, count: 12, captions: 10)
        let world = World()
        try withTemporaryFolder { folder in
            let pictures = try Painter(world: world).pictures(of: set.texts, seeds: set.texts.indices.map { UInt64($0) })
            for (index, picture) in pictures.enumerated() { try picture.write(to: "\(folder)/\(index + 1).png") }
            let files = try PictureFolder.files(in: folder)
            #expect(files.map { ($0 as NSString).lastPathComponent } == (1...12).map { "\($0).png" })
            var evaluation = try self.evaluation(set, world)
            try evaluation.judge(pictures: files)
            #expect(evaluation.report.drawn.first?.findings.ranking.first.value == 1)
            #expect(evaluation.report.drawn.first?.guidanceScale == nil)
            #expect(throws: EvaluationError.self) { try PictureFolder.files(in: folder + "/none") }
            // A number that is missing, or there twice, would shift all behind it.
            try FileManager.default.copyItem(atPath: folder + "/3.png", toPath: folder + "/0003.png")
            let twice = #expect(throws: EvaluationError.self) { try PictureFolder.files(in: folder) }
            #expect(twice?.description.contains("3.png") == true)
            for name in ["0003.png", "3.png"] { try FileManager.default.removeItem(atPath: folder + "/" + name) }
            let gap = #expect(throws: EvaluationError.self) { try PictureFolder.files(in: folder) }
            #expect(gap?.description.contains("4.png behind 2.png") == true)
        }
    }

    /// Pictures in a folder are of the prompts that stand beside them.
    @Test func foldersAreKeptApartByTheirPrompts() throws {
        try withTemporaryFolder { path in
            let folder = try EvaluationFolder(path, settings: ["steps": 40])
            try folder.write(set(.heldOut, count: 12))
            try FileManager.default.createDirectory(atPath: path + "/held-out", withIntermediateDirectories: true)
            let written = try String(contentsOfFile: path + "/prompts-held-out.txt", encoding: .utf8)
            try folder.write(set(.heldOut, count: 8))
            #expect(try String(contentsOfFile: path + "/prompts-held-out.txt", encoding: .utf8) == written)
            try ("a unicorn\n" + written).write(toFile: path + "/prompts-held-out.txt", atomically: true, encoding: .utf8)
            let error = #expect(throws: EvaluationError.self) { try folder.write(set(.heldOut, count: 12)) }
            #expect(error?.description.contains("a unicorn") == true)
            // Where nothing is drawn, prompts may be others.
            try FileManager.default.removeItem(atPath: path + "/held-out")
            try folder.write(set(.heldOut, count: 12))
            #expect(try String(contentsOfFile: path + "/prompts-held-out.txt", encoding: .utf8) == written)
        }
    }
}
