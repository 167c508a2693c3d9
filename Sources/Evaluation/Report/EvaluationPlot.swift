public import Images
internal import Scenes

extension EvaluationReport {
    /// Bars for each set, and, where several guidance scales were drawn, lines over them.
    ///
    /// - Returns: nil where nothing was ranked.
    public func plot() throws -> Picture? {
        let shown = sets.filter { $0.real != nil || !$0.drawn.isEmpty }
        guard !shown.isEmpty else { return nil }
        let sweeps = shown.map { set in GuidanceSweep.all.filter { $0.points(set.drawn).count > 1 } }
        let height =
            shown.count * BarPlot.size.height + sweeps.reduce(0) { $0 + $1.count } * LinePlot.size.height
        var canvas = PlotCanvas(width: BarPlot.size.width, height: height)
        var top = 0.0
        for (set, sweeps) in zip(shown, sweeps) {
            set.bars.draw(on: &canvas, top: top)
            top += Double(BarPlot.size.height)
            for sweep in sweeps {
                let (rates, distances) = set.plots(of: sweep)
                rates.draw(on: &canvas, left: 0, top: top)
                distances.draw(on: &canvas, left: Double(LinePlot.size.width), top: top)
                top += Double(LinePlot.size.height)
            }
        }
        return try canvas.picture()
    }
}

/// A way of guiding whose scale was varied while the other's stayed.
private struct GuidanceSweep: Sendable {
    let axis: String
    let points: @Sendable ([SetReport.Drawn]) -> [(scale: Double, measured: Findings)]

    static let all = [
        GuidanceSweep(axis: "scale of classifier-free guidance") { drawn in
            ordered(drawn.filter { $0.clipGuidance == nil }) { $0.guidanceScale }
        },
        GuidanceSweep(axis: "scale of guidance by CLIP") { drawn in
            let guided = drawn.filter { $0.clipGuidance != nil && $0.clipGuidance != 0 }
            // Without any is where the other's scale is theirs.
            let without = drawn.filter { one in
                (one.clipGuidance ?? 0) == 0 && guided.contains { $0.guidanceScale == one.guidanceScale }
            }
            return guided.isEmpty ? [] : ordered(without.prefix(1) + guided) { $0.clipGuidance ?? 0 }
        },
    ]

    private static func ordered(
        _ drawn: some Sequence<SetReport.Drawn>, _ scale: (SetReport.Drawn) -> Double?
    ) -> [(scale: Double, measured: Findings)] {
        drawn.compactMap { one in scale(one).map { (scale: $0, measured: one.findings) } }.sorted { $0.scale < $1.scale }
    }
}

enum Palette {
    static let real = Colour(grey: 150)
    static let control = Colour(red: 216, green: 205, blue: 186)
    /// Readable beside each other also by those who see red and green alike (after Okabe and Ito 2008).
    static let lines = [
        Colour(red: 0, green: 114, blue: 178), Colour(red: 230, green: 159, blue: 0), Colour(red: 0, green: 158, blue: 115),
        Colour(red: 204, green: 121, blue: 167), Colour(red: 86, green: 180, blue: 233), Colour(red: 213, green: 94, blue: 0),
        Colour(red: 90, green: 90, blue: 90),
    ]

    /// Of the series with this number: behind the last of the colours they come again, paler.
    static func line(_ index: Int) -> Colour {
        let colour = lines[index % lines.count]
        func pale(_ part: UInt8) -> UInt8 { 255 - (255 - part) / 2 }
        return index < lines.count
            ? colour : Colour(red: pale(colour.red), green: pale(colour.green), blue: pale(colour.blue))
    }
}

extension SetReport {
    private var partNames: [String] { ScenePart.allCases.map(\.rawValue).filter { chance.parts[$0] != nil } }

    fileprivate var bars: BarPlot {
        let parts = partNames
        func values(_ scores: RankingScores) -> [Rate?] {
            [scores.first, scores.firstFive] + parts.map { scores.parts[$0] }
        }
        var series: [BarPlot.Series] = []
        if let real { series.append(.init(name: "real scenes", colour: Palette.real, values: values(real.ranking))) }
        for (index, drawn) in drawn.enumerated() {
            let isAlone = self.drawn.count == 1 && drawn.guidanceScale != nil
            series.append(
                .init(
                    name: isAlone ? "model, " + drawn.name : drawn.name, colour: Palette.line(index),
                    values: values(drawn.findings.ranking)))
        }
        if let control = drawn.count == 1 ? drawn[0].shuffled : drawn.isEmpty ? realShuffled : nil {
            series.append(.init(name: "another's captions", colour: Palette.control, values: values(control)))
        }
        return BarPlot(
            title: "\(name): how often the true caption is the nearest", groups: ["of \(captions.formatted(0))", "in five"] + parts,
            series: series, chance: values(chance).map { $0?.value })
    }

    /// Over the scale of guidance: rates, and the Fréchet distance.
    fileprivate func plots(of sweep: GuidanceSweep) -> (rates: LinePlot, distances: LinePlot) {
        let scales = sweep.points(drawn)
        let measures: [(name: String, rate: (RankingScores) -> Rate?)] =
            [("first of \(captions.formatted(0))", { $0.first })]
            + partNames.map { part in (part, { $0.parts[part] }) }
        let rates = LinePlot(
            title: "Accuracy", axis: sweep.axis,
            series: measures.enumerated().map { index, measure in
                LinePlot.Series(
                    name: measure.name, colour: Palette.line(index),
                    points: scales.compactMap { one in
                        measure.rate(one.measured.ranking).map { (one.scale, $0.value) }
                    }, level: index == 0 ? real?.ranking.first.value : nil)
            }, isShare: true, most: 1)
        let distances = LinePlot(
            title: "Fréchet distance", axis: sweep.axis,
            series: [
                LinePlot.Series(
                    name: "to real scenes", colour: Palette.lines[0],
                    points: scales.compactMap { one in one.measured.frechet.map { (one.scale, $0) } }, level: real?.frechet)
            ], isShare: false, most: nil)
        return (rates, distances)
    }
}
