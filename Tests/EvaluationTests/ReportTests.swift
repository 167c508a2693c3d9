import Evaluation
import Foundation
import Images
import Testing

@Suite struct ReportTests {
    private func ranking(_ first: Double, _ parts: [String: Double]) -> RankingScores {
        var scores = RankingScores([])
        scores.first = Rate(right: first * 200, of: 200)
        scores.firstFive = Rate(right: min(1, first * 1.1) * 200, of: 200)
        scores.parts = parts.mapValues { Rate(right: $0 * 200, of: 200) }
        return scores
    }

    private func findings(_ first: Double, frechet: Double, _ parts: [String: Double]) -> Findings {
        var result = Findings(count: 200, ranking: ranking(first, parts))
        result.frechet = frechet
        result.diversity = 0.25 * first
        return result
    }

    private func report(scales: [Double]) -> EvaluationReport {
        var report = EvaluationReport(
            model: .init(
                name: "small", path: "small.safetensors", sampler: "ddim", steps: 40, schedule: "default", dtype: "float32",
                device: "cpu"), judge: "clip-a", data: "scenes", seed: 7)
        var set = SetReport(
            name: "held-out", count: 200, captions: 100, notes: [],
            chance: ranking(0.01, ["subject": 0.02, "place": 0.15, "light": 0.25, "style": 0.15]))
        set.real = findings(0.9, frechet: 0.01, ["subject": 0.92, "place": 0.99, "light": 1, "style": 0.97])
        set.realShuffled = ranking(0.02, ["subject": 0.04, "place": 0.12, "light": 0.25, "style": 0.35])
        set.drawn = scales.map { scale in
            let share = 0.3 + 0.6 * (1 - 1 / (1 + scale))
            var drawn = SetReport.Drawn(
                guidanceScale: scale,
                findings: findings(
                    share, frechet: 0.05 + 0.01 * (scale - 3) * (scale - 3),
                    ["subject": share * 0.9, "place": share, "light": min(1, share * 1.1), "style": share]))
            drawn.shuffled = ranking(0.015, ["subject": 0.03, "place": 0.14, "light": 0.26, "style": 0.15])
            return drawn
        }
        report.sets = [set]
        return report
    }

    @Test func jsonComesBack() throws {
        let report = report(scales: [1, 4])
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(Set(object.keys) == ["model", "judge", "data", "seed", "isFinished", "sets"])
        let set = try #require((object["sets"] as? [[String: Any]])?.first)
        #expect(Set(set.keys) == ["name", "count", "captions", "notes", "chance", "real", "realShuffled", "drawn"])
        let ranking = ((set["real"] as? [String: Any])?["ranking"] as? [String: Any]) ?? [:]
        #expect(Set(ranking.keys) == ["first", "firstFive", "parts", "similarity", "meanRank"])
    }

    @Test func theTableIsStable() throws {
        let lines = report(scales: [4]).markdown.split(separator: "\n").map(String.init)
        #expect(lines[0] == "# Evaluation")
        #expect(lines[1] == "Model: small (`small.safetensors`), ddim, 40 steps, float32 on cpu, first seed 7.")
        #expect(lines[2] == "Judge: clip-a. Scenes: scenes.")
        #expect(
            lines.filter { $0.hasPrefix("|") } == [
                "|  | pictures | first of 100 | first five | subject | place | light | style | Fréchet | kernel | diversity |",
                "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
                "| chance |  | 1.0 % | 1.1 % | 2.0 % | 15.0 % | 25.0 % | 15.0 % |  |  |  |",
                "| real scenes | 200 | 90.0 % (85.1–93.4) | 99.0 % (96.4–99.7) | 92.0 % (87.4–95.0) | 99.0 % (96.4–99.7) | "
                    + "100.0 % (98.1–100.0) | 97.0 % (93.6–98.6) | 0.0100 | – | 0.225 |",
                "| control: real scenes, another's captions |  | 2.0 % (0.8–5.0) | 2.2 % (0.9–5.3) | 4.0 % (2.0–7.7) | "
                    + "12.0 % (8.2–17.2) | 25.0 % (19.5–31.4) | 35.0 % (28.7–41.8) |  |  |  |",
                "| **guidance 4** | 200 | 78.0 % (71.8–83.2) | 85.8 % (80.3–90.0) | 70.2 % (63.5–76.1) | "
                    + "78.0 % (71.8–83.2) | 85.8 % (80.3–90.0) | 78.0 % (71.8–83.2) | 0.0600 | – | 0.195 |",
                "| … of real |  | 87 % | 87 % | 76 % | 79 % | 86 % | 80 % |  |  | 87 % |",
                "| control: another's captions |  | 1.5 % (0.5–4.3) | 1.7 % (0.6–4.5) | 3.0 % (1.4–6.4) | 14.0 % (9.9–19.5) | "
                    + "26.0 % (20.4–32.5) | 15.0 % (10.7–20.6) |  |  |  |",
            ])
    }

    @Test func aTableTellsByWhatIsInTheScene() throws {
        var report = report(scales: [1, 4])
        #expect(!report.markdown.contains("by what is in the scene"))
        func scores(_ right: [Double]) -> TraitScores {
            TraitScores(first: Rate(right: right[0], of: 10), subject: Rate(right: right[1], of: 10))
        }
        report.sets[0].real?.traits = [
            "size": ["small": scores([8, 9]), "large": scores([10, 10])], "subject": ["fox": scores([9, 9])],
        ]
        report.sets[0].drawn[1].findings.traits = ["size": ["small": scores([2, 3])]]
        let lines = report.markdown.split(separator: "\n").map(String.init)
        let heading = try #require(lines.firstIndex(of: "### held-out, by what is in the scene"))
        #expect(
            lines[(heading + 1)...].filter { $0.hasPrefix("|") } == [
                "|  | pictures | real scenes | guidance 4 |", "| --- | ---: | ---: | ---: |",
                "| size: large | 10 | 100.0 % (72.2–100.0) | – |",
                "| size: small | 10 | 80.0 % (49.0–94.3) | 20.0 % (5.7–51.0) |",
            ])
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
    }

    @Test func plotsAreDrawnAndStable() throws {
        let one = try #require(try report(scales: [4]).plot())
        #expect(one == (try report(scales: [4]).plot()))
        let sweep = try #require(try report(scales: [0, 1, 2, 4, 8]).plot())
        #expect(sweep.height > one.height && sweep.width == one.width)
        // Bars are as high as they should be: the first, of real scenes, is grey up to 90 %.
        let bar = (0..<one.height).count { row in
            let at = 3 * (row * one.width + 125 + 30)
            return one.pixels[at] == 150 && one.pixels[at + 1] == 150
        }
        #expect(abs(bar - 360) <= 4, "\(bar)")
        #expect(try report(scales: []).plot() != nil)
        var empty = report(scales: [])
        empty.sets = []
        #expect(try empty.plot() == nil)
        // For looking: MOONLIT_PLOTS=folder.
        if let folder = ProcessInfo.processInfo.environment["MOONLIT_PLOTS"] {
            try one.write(to: folder + "/bars.png")
            try sweep.write(to: folder + "/sweep.png")
        }
    }

    @Test func foldersAreKeptApartByWhatDecidesPictures() throws {
        try withTemporaryFolder { folder in
            let own = try EvaluationFolder(folder + "/a", settings: ["steps": 40])
            try own.write(report(scales: [1, 4]))
            for name in ["evaluation.json", "evaluation.md", "evaluation.png", "settings.json"] {
                #expect(FileManager.default.fileExists(atPath: "\(folder)/a/\(name)"), "\(name)")
            }
            _ = try EvaluationFolder(folder + "/a", settings: ["steps": 40])
            let error = #expect(throws: EvaluationError.self) {
                try EvaluationFolder(folder + "/a", settings: ["steps": 20])
            }
            #expect(error?.description.contains("settings.json") == true)
            #expect(own.pictures(of: "pairs", guidanceScale: 2.5).hasSuffix("/pairs/guidance-2.5"))
        }
    }
}
