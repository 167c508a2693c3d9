import Images
import Moonlit

/// The stages of each picture, evenly chosen: a row a picture.
struct Film {
    let stages: Int
    private(set) var rows: [[Picture]] = []
    private var current: [[Picture]] = []

    init(stages: Int) { self.stages = stages }

    mutating func take(_ step: GenerationStep) {
        if step.index == 0 { current = step.noise.map { [$0] } }
        // Of more steps than stages, those at the ends of equal parts.
        let shown = min(stages, step.count)
        let isShown = (step.index + 1) * shown / step.count > step.index * shown / step.count
        if isShown { for (row, picture) in step.noisy.enumerated() { current[row].append(picture) } }
        if step.isLast {
            rows += current
            current = []
        }
    }

    func picture() throws -> Picture {
        try FilmStrip(columns: rows.first?.count).picture(of: rows.flatMap { $0 })
    }
}
