import Checkpoints
import Diffusion
import Evaluation
import Foundation
import Images
import Scenes
import Testing

@Suite struct TextEvaluationTests {
    private func set(_ kind: PromptSet.Kind = .heldOut, count: Int, captions: Int = 2) throws -> PromptSet {
        try PromptSet(
            kind, of: SceneConfiguration(), artwork: paperArtwork(), count: count, references: 0, captions: captions,
            seed: 1)
    }

    private func report(
        _ model: GreyModel, _ set: PromptSet, levels: Int = 2, batchSize: Int = 3, seed: UInt64 = 4
    ) throws -> TextReport {
        var evaluation = try TextEvaluation(model, set, levels: levels, seed: seed, batchSize: batchSize)
        try evaluation.run()
        return evaluation.report(data: "scenes")
    }

    /// −0.5 … 0.5, another for nearly every caption.
    private static func grey(_ caption: String) -> Double {
        Double(caption.utf8.reduce(7) { ($0 * 31 + Int($1)) % 1009 }) / 1009 - 0.5
    }

    /// The mean square of a grey less a picture's numbers.
    private static func squaredError(_ grey: Double, _ numbers: [Float]) -> Double {
        numbers.reduce(0) { $0 + pow(Double(Float(grey)) - Double($1), 2) } / Double(numbers.count)
    }

    @Test(arguments: [1.0, 0.5]) func gapsAreThoseOfTheAnswers(latentScale: Double) throws {
        let set = try set(.pairs, count: 7)
        let captions = set.alteredCaptions(seed: 4)
        let clean = try set.realPictures(size: 64).map { $0.planes().map { $0 * Float(latentScale) } }
        let report = try report(GreyModel(latentScale: latentScale, Self.grey), set)
        #expect(report.count == 7 && report.model == "grey" && report.set == "pairs" && report.levels.count == 2)

        let truths = zip(captions, clean).map { Self.squaredError(Self.grey($0.truth), $1) }
        func check(_ gap: CaptionGap?, _ caption: (AlteredCaptions) -> String?) throws {
            let gap = try #require(gap)
            let scenes = captions.indices.filter { caption(captions[$0]) != nil }
            let others = scenes.map { Self.squaredError(Self.grey(caption(captions[$0]) ?? ""), clean[$0]) }
            let count = Double(scenes.count)
            let (mean, own) = (others.reduce(0, +) / count, scenes.reduce(0) { $0 + truths[$1] } / count)
            #expect(gap.count == scenes.count && abs(gap.squaredError - mean) < 1e-6)
            #expect(abs(gap.value - (mean / own - 1)) < 1e-5)
            let rests = zip(others, scenes).map { $0 - mean / own * truths[$1] }
            let variance = rests.reduce(0) { $0 + $1 * $1 } / max(1, count - 1)
            #expect(abs(gap.standardError - (variance / count).squareRoot() / own) < 1e-5)
        }
        for level in report.levels {
            let mean = truths.reduce(0, +) / 7
            #expect(abs(level.squaredError - mean) < 1e-6)
            let variance = truths.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6
            #expect(abs(level.standardError - (variance / 7).squareRoot()) < 1e-6)
            for part in ScenePart.allCases where captions.contains(where: { $0.parts[part] != nil }) {
                try check(level.parts[part.rawValue]) { $0.parts[part] }
            }
            try check(level.empty) { _ in "" }
        }
        #expect(Set(report.levels[0].parts.keys).isSuperset(of: ["subject", "place", "light", "style"]))
    }

    /// Who says what it sees, without the noise's being told, errs by the noise's share; captions change nothing at all.
    @Test func aDeafNetworkHasNoGaps() throws {
        let model = GreyModel { _ in 0 }
        model.configuration.diffusion.prediction = .noise
        let report = try report(model, set(.pairs, count: 5), levels: 3)
        for level in report.levels {
            let gaps = Array(level.parts.values) + [try #require(level.empty)]
            #expect(gaps.count >= 5 && gaps.allSatisfy { $0.value == 0 && $0.standardError == 0 && $0.squaredError > 0 })
            #expect(abs(level.squaredError / (level.sigma * level.sigma) - 1) < 0.03, "\(level.squaredError)")
        }
        #expect(report.levels.map(\.step) == [16, 50, 83])
        let schedule = try model.configuration.diffusion.noiseSchedule()
        #expect(report.levels.map(\.sigma) == [16, 50, 83].map { schedule.sigmas[$0] })
    }

    @Test func whoHearsOnePartHasItsGapAlone() throws {
        let reader = CaptionReader()
        let model = GreyModel { Self.grey(reader.read($0).subjects.joined(separator: "|")) }
        for level in try report(model, set(count: 6)).levels {
            #expect(Set(level.parts.keys) == ["subject", "place", "light", "style"])
            for part in ["place", "light", "style"] { #expect(level.parts[part]?.value == 0, "\(part)") }
            #expect(try #require(level.parts["subject"]).value != 0 && level.empty?.value != 0)
        }
    }

    @Test(arguments: [PromptSet.Kind.heldOut, .pairs]) func captionsDifferInOnePartAlone(kind: PromptSet.Kind) throws {
        let set = try set(kind, count: 40, captions: 20)
        let reader = CaptionReader()
        let captions = set.alteredCaptions(seed: 4)
        #expect(captions.map(\.truth) == set.texts)
        for (own, scene) in zip(captions, set.descriptions) {
            let truth = reader.read(own.truth)
            #expect(truth == Content(scene))
            #expect(Set(own.parts.keys).isSuperset(of: [.light, .style]), "\(own)")
            for (part, caption) in own.parts {
                let parts = reader.read(caption).parts(unlike: truth)
                // Whether a relation is another's cannot be told where another stands in it.
                #expect(part == .subject ? parts.subtracting([.relation]) == [part] : parts == [part], "\(own)")
            }
        }
        for part in ScenePart.allCases {
            #expect(captions.contains { $0.parts[part] != nil } == (part != .relation || kind == .pairs), "\(part)")
        }
        #expect(set.alteredCaptions(seed: 4) == captions && set.alteredCaptions(seed: 5) != captions)
    }

    @Test func allCaptionsOfASceneHaveTheSameNoise() throws {
        let set = try set(count: 3)
        let (alone, together) = (GreyModel(Self.grey), GreyModel(Self.grey))
        let report = try report(alone, set, batchSize: 1)
        #expect(try self.report(together, set, batchSize: 3) == report)
        #expect(!alone.isGuided)
        let schedule = try alone.configuration.diffusion.noiseSchedule()
        let clean = try set.realPictures(size: 64).map { $0.planes() }
        for (row, caption) in set.texts.enumerated() {
            let told = alone.questions.filter { $0.captions == [caption] }
            #expect(told.map(\.level.timestep) == [25, 75] && told.allSatisfy { $0.branch == .conditional })
            let noises = told.map { question in
                let share = schedule.alphaBar[Int(question.level.timestep)]
                return zip(question.x, clean[row]).map {
                    (Double($0) - share.squareRoot() * Double($1)) / (1 - share).squareRoot()
                }
            }
            let (mean, square) = noises[0].reduce((0.0, 0.0)) { ($0.0 + $1, $0.1 + $1 * $1) }
            let count = Double(noises[0].count)
            #expect(abs(mean / count) < 0.04 && abs(square / count - 1) < 0.05)
            #expect(zip(noises[0], noises[1]).allSatisfy { abs($0 - $1) < 1e-4 })
            // With every other caption it is the same.
            let all = alone.questions.filter { $0.x == told[1].x }
            let captions = set.alteredCaptions(seed: 4)[row]
            #expect(captions.parts.count >= 2 && all.count == captions.parts.count + 2)
            #expect(Set(all.flatMap(\.captions)) == Set([captions.truth, ""] + captions.parts.values))
            #expect(all.filter { $0.branch == .unconditional }.map(\.captions) == [[""]])
            // And in a batch.
            let batch = try #require(together.questions.first { $0.captions == set.texts && $0.level == told[1].level })
            let own = batch.x[row * told[1].x.count..<(row + 1) * told[1].x.count]
            #expect(zip(own, told[1].x).allSatisfy { abs($0 - $1) < 1e-5 })
        }
        let other = GreyModel(Self.grey)
        _ = try self.report(other, set, seed: 5)
        #expect(other.questions[0].x != together.questions[0].x)
    }

    @Test func aGapIsARatioOfMeans() throws {
        let gap = try #require(CaptionGap([(other: 2, truth: 1), (other: 3, truth: 2)]))
        #expect(gap.count == 2 && gap.squaredError == 2.5)
        #expect(abs(gap.value - 2.0 / 3) < 1e-12 && abs(gap.standardError - 2.0 / 9) < 1e-12)
        #expect(CaptionGap([(other: 3, truth: 2)])?.standardError == 0)
        #expect(CaptionGap([]) == nil && CaptionGap([(other: 1, truth: 0)]) == nil)
    }

    @Test func aReportIsATableAPlotAndJSON() throws {
        let report = try report(GreyModel(Self.grey), set(count: 4))
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(TextReport.self, from: data) == report)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(Set(object.keys) == ["model", "data", "set", "seed", "count", "levels"])
        let level = try #require((object["levels"] as? [[String: Any]])?.first)
        #expect(Set(level.keys) == ["step", "sigma", "squaredError", "standardError", "parts", "empty"])
        let rows = report.markdown.split(separator: "\n").filter { $0.hasPrefix("|") }
        #expect(rows[0] == "| step | σ | true caption | subject | place | light | style | no caption |")
        #expect(rows.count == 4 && rows[2].hasPrefix("| 25 | ") && rows[3].hasPrefix("| 75 | "))
        let gap = try #require(report.levels[1].parts["light"])
        #expect(rows[3].contains(String(format: "| %.2f ± %.2f %% |", 100 * gap.value, 100 * gap.standardError)))
        let plot = try #require(try report.plot())
        #expect(plot.width > 100 && plot.pixels.contains { $0 != 255 })
    }

    @Test func whatCannotBeMeasuredIsRefused() throws {
        let set = try set(count: 2)
        for sees in [DrawingInput.lowResolution, .masked, .maskedLowResolution] {
            let model = GreyModel(Self.grey)
            model.configuration.sees = sees
            let error = try #require(throws: EvaluationError.self) { try report(model, set) }
            #expect(error.description.hasPrefix("grey does not draw from a text alone"))
        }
        for levels in [0, 101] {
            let error = try #require(throws: EvaluationError.self) {
                try report(GreyModel(Self.grey), set, levels: levels)
            }
            #expect(error.description.contains("1 to 100"))
        }
        let every = try TextEvaluation(GreyModel(Self.grey), set, levels: 100).report(data: "scenes")
        #expect(every.levels.map(\.step) == Array(0..<100) && every.count == 0)
        let broken = try #require(throws: EvaluationError.self) { try report(GreyModel { _ in .nan }, set) }
        #expect(broken.description.contains("not finite at step 25"))
        try withTemporaryFolder { folder in
            try Data("a fox\na house\n".utf8).write(to: URL(filePath: folder + "/own.txt"))
            let texts = try PromptSet(
                file: folder + "/own.txt", of: SceneConfiguration(), artwork: paperArtwork(), count: 2)
            let error = try #require(throws: EvaluationError.self) { try report(GreyModel(Self.grey), texts) }
            #expect(error.description.contains("no scenes"))
        }
    }

    @Test func whatIsMeasuredOutlivesACancellation() async throws {
        let (done, count) = try await Task { () throws -> (Int, Int) in
            var evaluation = try TextEvaluation(GreyModel(Self.grey), set(count: 5), levels: 1, batchSize: 2)
            var told: [Int] = []
            #expect(throws: CancellationError.self) {
                try evaluation.run {
                    told.append($0)
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            #expect(told == [2])
            return (evaluation.count, evaluation.report(data: "scenes").count)
        }.value
        #expect(done == 2 && count == 2)
    }
}
