internal import Foundation
internal import Scenes

extension EvaluationReport {
    /// The report as Markdown: a table a set.
    public var markdown: String {
        var lines = ["# Evaluation", ""]
        if let model {
            lines.append(
                "Model: \(model.name) (`\(model.path)`), \(model.sampler), \(model.steps) steps, \(model.dtype) on "
                    + "\(model.device), first seed \(seed)."
                    + (model.guidanceInterval.map { " Guided from σ \($0.lowerBound) to \($0.upperBound)." } ?? "")
                    + (model.guidanceRescale.map { " Rescaled by \($0)." } ?? "") + (model.clip.map { " Guided by the CLIP `\($0)`." } ?? ""))
        }
        if let pictures { lines.append("Pictures: `\(pictures)`.") }
        lines.append("Judge: \(judge). Scenes: \(data).")
        if !isFinished { lines += ["", "**Interrupted:** what follows is of the pictures that were done."] }
        let traits = sets.map(\.traitMarkdown)
        for (set, traits) in zip(sets, traits) { lines += [""] + set.markdown + traits }
        lines += [
            "",
            "“First” and “first five”: how often the true caption was the nearest, or among the five nearest, of all that a "
                + "picture was ranked by; with 95 % intervals. The columns after them: how often it was the nearest of those "
                + "that differ in this part alone. Fréchet and kernel distance (× 1000, with standard error) are to other "
                + "real scenes of the same kind, diversity is the mean cosine distance between pictures of one prompt, all "
                + "in the judge's embeddings.",
        ]
        if traits.contains(where: { !$0.isEmpty }) {
            lines += [
                "", "The tables by what is in the scene: how often the true caption was the nearest of all; single subjects "
                    + "stand in `evaluation.json`.",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension SetReport {
    var markdown: [String] {
        let parts = ScenePart.allCases.map(\.rawValue).filter { chance.parts[$0] != nil }
        let heads =
            ["", "pictures", "first of \(captions.formatted(0))", "first five"] + parts
            + ["Fréchet", "kernel", "diversity"]
        var rows = [heads, ["---"] + heads.dropFirst().map { _ in "---:" }]
        func ranking(_ name: String, _ count: Int?, _ scores: RankingScores, withInterval: Bool = true) -> [String] {
            func text(_ rate: Rate?) -> String {
                guard let rate, rate.count > 0 else { return "–" }
                return withInterval ? rate.text : rate.percent
            }
            return [name, count.map(String.init) ?? "", text(scores.first), text(scores.firstFive)]
                + parts.map { text(scores.parts[$0]) }
        }
        func measured(_ name: String, _ result: Findings) -> [String] {
            ranking(name, result.count, result.ranking) + [
                result.frechet.map { $0.formatted(4) } ?? "–",
                result.kernel.map { "\(($0.value * 1000).formatted(2)) ± \(($0.error * 1000).formatted(2))" } ?? "–",
                result.diversity.map { $0.formatted(3) } ?? "–",
            ]
        }
        let none = ["", "", ""]
        rows.append(ranking("chance", nil, chance, withInterval: false) + none)
        if let real { rows.append(measured("real scenes", real)) }
        if let realShuffled {
            rows.append(ranking("control: real scenes, another's captions", nil, realShuffled) + none)
        }
        for drawn in drawn {
            rows.append(measured("**\(drawn.name)**", drawn.findings))
            if real != nil {
                func share(_ rate: (RankingScores) -> Rate?) -> String {
                    drawn.share(of: real, rate).map { "\((100 * $0).formatted(0)) %" } ?? "–"
                }
                let diverse = drawn.findings.diversity.flatMap { own in
                    real?.diversity.flatMap { $0 > 0 ? "\((100 * own / $0).formatted(0)) %" : nil }
                }
                rows.append(
                    ["… of real", "", share { $0.first }, share { $0.firstFive }]
                        + parts.map { part in share { $0.parts[part] } } + ["", "", diverse ?? "–"])
            }
            if let shuffled = drawn.shuffled { rows.append(ranking("control: another's captions", nil, shuffled) + none) }
            if let free = drawn.unconditional {
                rows.append(ranking("control: no prompt", free.first.count, free) + none)
            }
        }
        return ["## \(name): \(count) prompts", ""] + notes.map { "\($0)\n" }
            + rows.map { "| " + $0.joined(separator: " | ") + " |" }
    }
}

extension SetReport {
    /// How often the true caption was first, by what is in the scene; nothing where that is not known.
    var traitMarkdown: [String] {
        let columns = (real.map { [("real scenes", $0)] } ?? []) + drawn.map { ($0.name, $0.findings) }
        let known = columns.filter { $0.1.traits != nil }
        guard !known.isEmpty else { return [] }
        let heads = ["", "pictures"] + known.map(\.0)
        var rows = [heads, ["---"] + heads.dropFirst().map { _ in "---:" }]
        for trait in SceneTrait.allCases where trait != .subject {
            let values = Set(known.flatMap { $0.1.traits?[trait.rawValue]?.keys.map { $0 } ?? [] })
            for value in values.sorted() {
                let scores = known.map { $0.1.traits?[trait.rawValue]?[value]?.first }
                rows.append(
                    ["\(trait.rawValue): \(value)", String(scores.compactMap { $0?.count }.max() ?? 0)]
                        + scores.map { $0?.text ?? "–" })
            }
        }
        guard rows.count > 2 else { return [] }
        return ["", "### \(name), by what is in the scene", ""] + rows.map { "| " + $0.joined(separator: " | ") + " |" }
    }
}

extension Rate {
    var percent: String { "\((100 * value).formatted(1)) %" }
    /// 81.2 % (77.6–84.4).
    var text: String {
        let (low, high) = (interval.lowerBound, interval.upperBound)
        return "\(percent) (\((100 * low).formatted(1))–\((100 * high).formatted(1)))"
    }
}

extension Double {
    /// With a number of places, or as short as it is.
    func formatted(_ places: Int?) -> String {
        guard let places else { return self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
        let text = String(format: "%.\(places)f", self)
        // No "-0.00".
        return text.hasPrefix("-") && !text.contains { "123456789".contains($0) } ? String(text.dropFirst()) : text
    }
}
